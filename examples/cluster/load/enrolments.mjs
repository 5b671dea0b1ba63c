import { setTimeout as sleep } from 'node:timers/promises';
import { createTestClient } from '@pzk-auth/client/testing';
import { persist } from './wire.mjs';

/** Enrols devices with passkeys until told to stop; keeps what was acknowledged. */
export function runEnrolments({ issuer, operator, parallel = 2 }) {
  const acknowledged = [];
  let failed = 0;
  let stopped = false;

  async function enrolOne() {
    const client = createTestClient({ issuer, scope: ['weather:read'] });
    try {
      const { apiKey, row } = await operator.keys.issue({ scopes: ['weather:read'] });
      await client.enroll({ apiKey, user: { name: 'user', displayName: 'User' } });
      acknowledged.push({ account: row.account, client });
    } catch {
      // Nobody was told that it is stored.
      failed++;
      client.close();
      await sleep(200);
    }
  }
  const workers = Array.from({ length: parallel }, async () => {
    while (!stopped) await enrolOne();
  });

  return {
    /** Stops, and counts which acknowledged enrolments are gone or do not open a session. */
    finish: async () => {
      stopped = true;
      await Promise.all(workers);
      let lost = 0;
      let sessions = 0;
      for (const [index, { account, client }] of acknowledged.entries()) {
        const devices = await persist(() => operator.devices.list(account));
        if (devices.length !== 1) lost++;
        // Every tenth signs in again: rows alone might be of no use.
        else if (index % 10 === 0) {
          await client.signOut().catch(() => {});
          await persist(() => client.start()).then(
            () => sessions++,
            () => lost++,
          );
        }
        client.close();
      }
      return { acknowledged: acknowledged.length, failed, lost, sessions };
    },
  };
}
