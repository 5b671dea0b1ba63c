import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownershipV1 } from '@pzk-auth/circuits';
import { readArtifact } from '@pzk-auth/circuits/node';
import { type Client, createClient, createMainThreadProver } from '@pzk-auth/client';
import { createSoftwareAuthenticator } from '@pzk-auth/client/testing';
import { createVerifier, memoryStores, type Verifier, verifyAuditChain } from '@pzk-auth/verifier';
import {
  postgresDatabase,
  type SqlDatabase,
  sqliteDatabase,
  sqlStores,
} from '@pzk-auth/verifier/sql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../packages/verifier/test/harness/free-port.js';
import {
  type PostgresServer,
  startPostgres,
} from '../../../packages/verifier/test/sql/start-postgres.js';
import { type Place, startKilledApi } from './killed-api.js';

/** How many enrolments are acknowledged in a run. `npm run test:chaos` asks for 1,000. */
const ENROLMENTS = Number(process.env.PZK_CHAOS_ENROLMENTS ?? 30);
/** How many go on at once. */
const PARALLEL = 6;
/** After how many acknowledgements the API is killed, with the others on their way. */
const KILL_EVERY = Math.max(5, Math.floor(ENROLMENTS / 40));
const SECRET = 'a secret of the chaos run: 0123456789 XYZ';
const USER = { name: 'user', displayName: 'User' };

const prover = createMainThreadProver({
  loadArtifact: () => readArtifact(ownershipV1.artifacts.prover.sha256),
});

interface Enrolment {
  readonly account: string;
  readonly client: Client;
}

/** Enrols devices with the API being killed again and again, and returns what was acknowledged. */
async function enrolUnderKills(place: Place, issuer: string, operator: Verifier) {
  const api = await startKilledApi({ ...place, issuer, secret: SECRET });
  const acknowledged: Enrolment[] = [];
  const failed: string[] = [];
  let kills = 0;
  let killing = Promise.resolve();

  async function enrolOne(): Promise<void> {
    await api.up();
    // On a busy machine the engine may give the database up, which is no fault of it: again then.
    const issued = await operator.keys.issue({ scopes: ['weather:read'] }).catch(() => undefined);
    if (issued === undefined) return;
    const { apiKey, row } = issued;
    const client = createClient({
      issuer,
      scope: ['weather:read'],
      authenticator: createSoftwareAuthenticator({ origin: issuer }),
      prover,
    });
    try {
      await client.enroll({ apiKey, user: USER });
    } catch {
      // Cut off: whether it is stored is not known, and nobody was told that it is.
      failed.push(row.account);
      client.close();
      return;
    }
    acknowledged.push({ account: row.account, client });
    if (acknowledged.length >= (kills + 1) * KILL_EVERY && acknowledged.length < ENROLMENTS) {
      kills++;
      // By turns at the moment of an answer, and at any moment of the others.
      const delay = kills % 2 === 0 ? 0 : Math.random() * 300;
      // One after the other: two at once would start two.
      killing = killing.then(() => sleep(delay)).then(() => api.kill());
    }
  }

  const worker = async () => {
    while (acknowledged.length < ENROLMENTS) await enrolOne();
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  await killing;
  // The last acknowledgement is as good as the first.
  await api.kill();
  return { api, acknowledged, failed, kills: kills + 1 };
}

async function run(place: Place, open: () => SqlDatabase): Promise<void> {
  const issuer = `http://localhost:${await freePort()}`;
  const database = open();
  const stores = { ...memoryStores(), ...sqlStores({ database, issuer }) };
  const operator = createVerifier({
    issuer,
    audience: issuer,
    rpId: 'localhost',
    origins: [issuer],
    scopes: ['weather:read'],
    stores,
    secret: SECRET,
  });
  const { api, acknowledged, failed, kills } = await enrolUnderKills(place, issuer, operator);
  try {
    // Read by a connection that saw nothing of it.
    const fresh = open();
    const { devices, vaults, audit } = sqlStores({ database: fresh, issuer });
    let lost = 0;
    for (const { account } of acknowledged) {
      const found = await devices.listByAccount(account);
      const vault = await vaults.get(account);
      if (found.length !== 1 || vault?.recipients[0]?.device !== found[0]?.id) lost++;
    }
    // Of what was cut off there is all or nothing.
    let halves = 0;
    let stored = 0;
    for (const account of failed) {
      const found = await devices.listByAccount(account);
      stored += found.length;
      if (
        found.length > 1 ||
        (found.length === 1) !== ((await vaults.get(account)) !== undefined)
      ) {
        halves++;
      }
    }
    const chain = await verifyAuditChain({ audit }, { issuer });
    process.stdout.write(
      `${database.dialect}: ${acknowledged.length} enrolments acknowledged, ${kills} times kill -9, ` +
        `${failed.length} cut off (${stored} of them stored), ${lost} lost, ${halves} halves\n`,
    );
    expect({ lost, halves }).toEqual({ lost: 0, halves: 0 });
    expect(acknowledged.length).toBeGreaterThanOrEqual(ENROLMENTS);
    expect(kills).toBeGreaterThan(3);
    expect(chain).toMatchObject({ valid: true });
    await fresh.close();

    // Not only stored but usable: the first, the last and some between start a session.
    const step = Math.ceil(acknowledged.length / 8);
    for (const { client, account } of acknowledged.filter((_, index) => index % step === 0)) {
      await client.start();
      const answer = await client.fetch(`${issuer}/weather`);
      expect(await answer.json()).toEqual({ account });
    }
  } finally {
    await api.stop();
    for (const { client } of acknowledged) client.close();
    await operator.close();
    await database.close();
  }
}

describe(`kill -9 of the API during ${ENROLMENTS} enrolments`, () => {
  let directory: string;
  let server: PostgresServer;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pzk-chaos-'));
    server = await startPostgres();
  });
  afterAll(async () => {
    await server?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('loses none that was acknowledged, on SQLite', async () => {
    const file = join(directory, 'pzk.db');
    await run({ file }, () => sqliteDatabase(file));
  }, 3_600_000);

  it('loses none that was acknowledged, on PostgreSQL', async () => {
    const url = await server.createDatabase();
    await run({ url }, () => postgresDatabase(url));
  }, 3_600_000);
});
