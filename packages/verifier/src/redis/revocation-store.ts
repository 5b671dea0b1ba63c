import { PzkError } from '@pzk-auth/protocol';
import type { RevocationStore } from '../stores/short-lived-stores.js';
import { assertTimeToLive } from '../stores/time-to-live.js';
import { type Send, unavailable } from './bounded-client.js';
import type { KeyNames } from './key-names.js';
import { parseCount } from './parse-count.js';
import { REVOKE_SCRIPT } from './scripts.js';

/** What the revocation store needs. */
export interface RedisRevocationStoreOptions {
  readonly send: Send;
  readonly names: KeyNames;
  /** Replicas that must hold a revocation before it is acknowledged. */
  readonly replicas: number;
  /** Milliseconds. */
  readonly timeout: number;
}

/** Revocations, all of one Cluster slot: several are written, and read, in one command. */
export function redisRevocationStore(options: RedisRevocationStoreOptions): RevocationStore {
  const { send, names, replicas, timeout } = options;
  // WAIT holds up what else is on the connection, so it gets a part of the timeout only.
  const patience = Math.ceil(timeout / 2);

  /** Writes again and waits on the same connection: WAIT covers what that connection wrote. */
  async function replicate(keys: readonly string[], ttl: number): Promise<void> {
    const results = await send((client) =>
      client
        .pipeline()
        .eval(REVOKE_SCRIPT, keys.length, ...keys, ttl)
        .wait(replicas, patience)
        .exec(),
    );
    const [written, waited] = results ?? [];
    if (written === undefined || waited === undefined || written[0] || waited[0]) {
      throw unavailable('Redis failed.', written?.[0] ?? waited?.[0]);
    }
    assertReplicated(parseCount(waited[1]));
  }

  function assertReplicated(count: number): void {
    if (count >= replicas) return;
    throw new PzkError('store_unavailable', 'Too few replicas hold the revocation.', {
      hint: 'It is in force, but a failover could forget it; revoke again when the replicas are back.',
    });
  }

  return Object.freeze<RevocationStore>({
    revoke: async (ids, ttl) => {
      assertTimeToLive(ttl);
      const keys = ids.map(names.revocation);
      if (keys.length === 0) return;
      const online = await send((client) => client.eval(REVOKE_SCRIPT, keys.length, ...keys, ttl));
      if (replicas === 0) return;
      // Without a replica a WAIT could only hold up the others.
      assertReplicated(parseCount(online));
      await replicate(keys, ttl);
    },
    isRevoked: async (ids) => {
      const keys = ids.map(names.revocation);
      if (keys.length === 0) return false;
      return parseCount(await send((client) => client.exists(keys))) > 0;
    },
  });
}
