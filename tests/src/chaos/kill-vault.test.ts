import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownershipV1 } from '@pzk-auth/circuits';
import { readArtifact } from '@pzk-auth/circuits/node';
import {
  type Client,
  createClient,
  createMainThreadProver,
  createMemoryStorage,
  type Invitation,
  isUndecided,
  type OpenOptions,
  type VaultRemoval,
} from '@pzk-auth/client';
import { createSoftwareAuthenticator } from '@pzk-auth/client/testing';
import { isPzkError } from '@pzk-auth/protocol';
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
import { type KilledApi, type Moment, type Place, startKilledApi } from './killed-api.js';

/**
 * How many lives of a vault are lived through on each database. In the first ones each step is killed at
 * arrival, at its first write and at its answer, by turns; in the others by turns at any moment, and before its
 * first statement, its second and so on, until no step has as many. `npm run test:chaos` asks for more.
 */
const LIVES = Number(process.env.PZK_CHAOS_VAULTS ?? 1);
const SECRET = 'a secret of the chaos run: 0123456789 XYZ';
const user = { name: 'user', displayName: 'User' };
const yes = () => true;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const prover = createMainThreadProver({
  loadArtifact: () => readArtifact(ownershipV1.artifacts.prover.sha256),
});

/** A browser: what it keeps outlives its pages. */
interface Device {
  /** The page that acts. */
  readonly page: Client;
  open(): Client;
}

function createDevice(issuer: string): Device {
  const authenticator = createSoftwareAuthenticator({ origin: issuer });
  const storage = createMemoryStorage();
  const open = () =>
    createClient({ issuer, scope: ['weather:read'], authenticator, storage, prover });
  return { page: open(), open };
}

/** The steps of a life, in their order. */
const STEPS = [
  'invite',
  'read the invitation',
  'claim the invitation',
  'admit',
  'rotate the generation',
  'rotate a slot',
  'make a recovery code',
  'read the vault by the code',
  'recover',
  'revoke',
  'change the keys',
  'pin the new key',
] as const;
type Step = (typeof STEPS)[number];

/** Where these go through, what follows in the same call does, too. */
const READS: readonly Step[] = ['read the invitation', 'read the vault by the code'];

const TURNS = ['arrival', 'write', 'answer'] as const;
const byTurns = (step: Step, turn: number): Moment =>
  TURNS[(STEPS.indexOf(step) + turn) % TURNS.length] ?? 'answer';

/**
 * A vault from its first device to the removal of its second one, in which the API is killed once in each
 * step. After each the vault opens in a new page of every member, with what was before or with what is new.
 *
 * @returns The steps in which it was killed.
 */
async function live(
  api: KilledApi,
  {
    issuer,
    operator,
    moment,
  }: { issuer: string; operator: Verifier; moment: (step: Step) => Moment },
): Promise<readonly Step[]> {
  const first = createDevice(issuer);
  const second = createDevice(issuer);
  const third = createDevice(issuer);
  const devices = [first, second, third];
  const { apiKey, row } = await operator.keys.issue({ scopes: ['weather:read'] });
  await first.page.enroll({ apiKey, user });
  const vault = await first.page.vault.open();
  const secret = await vault.addSecret({ name: 'mail', value: 'before' });

  const killed: Step[] = [];
  /** The pages whose sessions go on: those of before a kill ended with what lives minutes. */
  const sessions = new Set([first.page]);
  async function step(name: Step, path: string, run: () => Promise<unknown>): Promise<void> {
    const at = moment(name);
    await api.killAt(`/pzk${path}`, at);
    const failure = await run().then(
      () => undefined,
      (error: unknown) => error,
    );
    const wasKilled = await api.revive();
    if (wasKilled) {
      killed.push(name);
      sessions.clear();
    }
    // Nothing but the kill may fail it, and its user hears that it may have happened.
    if (failure !== undefined && !(wasKilled && isUndecided(failure))) {
      throw new Error(`${name}, at ${JSON.stringify(at)}`, { cause: failure });
    }
  }

  /** Opens the vault in a new page, as after a reload. */
  async function look(device: Device, options?: OpenOptions) {
    const page = device.open();
    const opened = await page.vault.open(options);
    return {
      opened,
      value: text(await opened.readSecret(secret)),
      members: opened.contents.members,
    };
  }
  const refusal = (device: Device) =>
    look(device).then(
      () => 'opened',
      (error: unknown) => (isPzkError(error) ? error.code : error),
    );
  /** Goes on in a page that was open all the time. */
  async function goOn(page: Client) {
    if (!sessions.has(page)) await page.start();
    sessions.add(page);
    return page.vault.open();
  }

  // A second device joins.
  let invitation: Invitation | undefined;
  await step('invite', '/vault/invitations', async () => {
    invitation = await first.page.vault.invitations.create();
  });
  expect((await look(first)).value).toBe('before');
  await goOn(first.page);
  const invited = invitation ?? (await first.page.vault.invitations.create());
  const accept = () => second.page.vault.invitations.accept({ code: invited.code, user });
  await step('read the invitation', '/vault/invitations/open', accept);
  const hasJoined = async () => {
    await goOn(first.page);
    return (await invited.poll()).status === 'joined';
  };
  if (!(await hasJoined())) await step('claim the invitation', '/enroll', accept);
  if (!(await hasJoined())) await accept();
  expect(await hasJoined()).toBe(true);
  expect((await look(first)).members).toHaveLength(1);

  await step('admit', '/vault', () => invited.admit());
  const admitted = (await look(first)).members.length === 2;
  expect(await refusal(second)).toBe(admitted ? 'opened' : 'invalid_grant');
  await goOn(first.page);
  if (!admitted) await invited.admit();
  await second.page.start();
  expect((await look(second)).value).toBe('before');

  // Keys are rotated: of the passkey, and of a slot.
  await step('rotate the generation', '/vault', async () => {
    await (await goOn(first.page)).rotateGeneration();
  });
  for (const device of [first, second]) expect((await look(device)).value).toBe('before');
  await step('rotate a slot', '/vault', async () => {
    await (await goOn(first.page)).updateSecret(secret, { value: 'after' });
  });
  const { value } = await look(first);
  expect(value).toMatch(/^(before|after)$/);
  expect((await look(second)).value).toBe(value);
  await (await goOn(first.page)).updateSecret(secret, { value: 'after' });

  // A recovery code is made, and brings a third device in.
  const { code, confirm } = first.page.vault.recovery.create();
  await step('make a recovery code', '/vault', () => confirm(code));
  const before = await look(first);
  expect(before.value).toBe('after');
  const hasCode = before.members.some(({ kind }) => kind === 'recovery');
  await goOn(first.page);
  const exported = (typed: string) =>
    first.page.vault.export({ code: typed }).then(
      () => 'opens',
      (error: unknown) => (isPzkError(error) ? error.code : error),
    );
  expect(await exported(code)).toBe(hasCode ? 'opens' : 'not_found');
  await confirm(code);
  expect(await exported(code)).toBe('opens');
  const recover = () => third.page.vault.recovery.use({ code, user });
  await step('read the vault by the code', '/vault/recover', recover);
  const members = async () => (await look(first)).members.length;
  if ((await members()) === 3) await step('recover', '/enroll', recover);
  if ((await members()) === 3) await recover();
  expect(await members()).toBe(4);
  await third.page.start();
  expect((await look(third)).value).toBe('after');
  expect((await look(second)).value).toBe('after');

  // The second device is taken out: revoked, the keys changed, the third asked.
  const leaving = (await look(second)).members.find(({ own }) => own)?.id ?? '';
  let removal: VaultRemoval | undefined;
  await step('revoke', '/devices/revoke', async () => {
    removal = await (await goOn(first.page)).removeDevice(leaving);
  });
  const revoked = (await look(first)).members.some((one) => one.id === leaving && one.revoked);
  expect(await refusal(second)).toBe(revoked ? 'invalid_grant' : 'opened');
  expect((await look(third)).value).toBe('after');
  // Where the kill came late the removal is there, and its session gone all the same.
  const current = await goOn(first.page);
  removal ??= await current.removeDevice(leaving);
  const { code: nextCode, confirm: confirmRemoval } = removal;
  await step('change the keys', '/vault', () => confirmRemoval(nextCode));
  const changed = !(await look(first)).members.some(({ id }) => id === leaving);
  await goOn(first.page);
  expect([await exported(code), await exported(nextCode)]).toEqual(
    changed ? ['vault_pin_mismatch', 'opens'] : ['opens', 'vault_pin_mismatch'],
  );
  await confirmRemoval(nextCode);
  expect(await exported(nextCode)).toBe('opens');
  expect(await refusal(second)).toBe('invalid_grant');
  const answered = { approveSuccession: yes };
  await step('pin the new key', '/vault/pin', () => third.page.start(answered));
  // Whether its user is asked again or not: on a yes it opens, also without a session, and goes on.
  expect((await look(third, answered)).value).toBe('after');
  const again = third.open();
  await again.start(answered);
  expect((await look(third)).value).toBe('after');

  // All of it goes on being used.
  for (const device of [first, third]) {
    const page = device.open();
    await page.start();
    const answer = await page.fetch(`${issuer}/weather`);
    expect(await answer.json()).toEqual({ account: row.account });
    await (await page.vault.open()).updateSecret(secret, { value: 'later' });
    const seen = await look(first);
    expect(seen.value).toBe('later');
    expect(seen.members).toHaveLength(3);
    page.close();
  }
  again.close();
  for (const { page } of devices) page.close();
  return killed;
}

/**
 * @param turn - Where the turns of the first life begin, so that two databases share them.
 */
async function run(place: Place, open: () => SqlDatabase, turn: number): Promise<void> {
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
  const api = await startKilledApi({ ...place, issuer, secret: SECRET });
  let kills = 0;
  const begin = async (moment: (step: Step) => Moment) => {
    const killed = await live(api, { issuer, operator, moment });
    kills += killed.length;
    return killed;
  };
  try {
    let lives = 0;
    for (; lives < Math.min(LIVES, TURNS.length); lives++) {
      const shift = lives + turn;
      expect(await begin((step) => byTurns(step, shift))).toEqual(STEPS);
    }
    let statement = 1;
    let isThrough = false;
    for (; lives < LIVES; lives++) {
      if (isThrough || lives % 2 === 0) {
        await begin(() => ({ after: Math.random() * 60 }));
        continue;
      }
      const at = statement++;
      const killed = await begin((step) =>
        READS.includes(step) ? byTurns(step, at) : { statement: at },
      );
      isThrough = killed.every((step) => READS.includes(step));
    }
    process.stdout.write(
      `${database.dialect}: ${lives} lives of a vault, ${kills} times kill -9 in a step\n`,
    );
    expect(await verifyAuditChain({ audit: stores.audit }, { issuer })).toMatchObject({
      valid: true,
    });
  } finally {
    await api.stop();
    await operator.close();
    await database.close();
  }
}

describe(`kill -9 of the API in each step of ${LIVES} lives of a vault`, () => {
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

  it('leaves the vault of before or the new one, on SQLite', async () => {
    const file = join(directory, 'pzk.db');
    await run({ file }, () => sqliteDatabase(file), 0);
  }, 3_600_000);

  it('leaves the vault of before or the new one, on PostgreSQL', async () => {
    const url = await server.createDatabase();
    await run({ url }, () => postgresDatabase(url), 1);
  }, 3_600_000);
});
