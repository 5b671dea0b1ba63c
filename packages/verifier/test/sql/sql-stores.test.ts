import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createVerifier, memoryStores } from '../../src/index.js';
import {
  migrate,
  pendingMigrations,
  postgresDatabase,
  type SqlDatabase,
  sqliteDatabase,
  sqlStores,
} from '../../src/sql/index.js';
import { columnTypes, migrations, migrationsTable } from '../../src/sql/migrations.js';
import type { VaultRow } from '../../src/stores/vault-stores.js';
import {
  accountRow,
  agentRow,
  auditRow,
  deviceRow,
  invitationRow,
  keyRow,
  pairingRow,
  releaseRow,
  signingKeyRow,
  vaultRow,
} from '../../src/testing/sample-rows.js';
import { writeAfter } from '../../src/testing/vault-fixture.js';
import { startEndingServer } from './ending-server.js';
import { startSilentNetwork } from './silent-network.js';
import { type PostgresServer, startPostgres } from './start-postgres.js';

const ISSUER = 'https://api.example.com';
const OTHER = 'https://api.example.com/tenant';
const STEPS = ['1 first schema', '2 vaults and agents'];
const unavailable = { name: 'PzkError', code: 'store_unavailable' };

let directory: string;
let server: PostgresServer;
const opened: SqlDatabase[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pzk-sql-'));
  server = await startPostgres();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const database of opened.splice(0)) await database.close();
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

function keep(database: SqlDatabase): SqlDatabase {
  opened.push(database);
  return database;
}

let files = 0;
/** An address of an empty database, which `open` opens as often as one likes. */
const KINDS = {
  SQLite: {
    place: async () => join(directory, `${++files}.db`),
    open: (place: string) => keep(sqliteDatabase(place)),
    run: async (place: string, statement: string) => {
      const database = new Database(place);
      database.exec(statement);
      database.close();
    },
  },
  PostgreSQL: {
    place: () => server.createDatabase(),
    open: (place: string) => keep(postgresDatabase(place)),
    run: async (place: string, statement: string) => {
      const client = new pg.Client(place);
      await client.connect();
      await client.query(statement).finally(() => client.end());
    },
  },
} as const;

/** A vault as the first version wrote it, and what is read of it now. */
function firstVault(index: number) {
  const issuer = index % 2 === 0 ? ISSUER : OTHER;
  const account = `account ${index}`;
  const vaultId = `vault ${index}`;
  const recipient = { id: `recipient ${index}`, credential_id: 'credential' };
  const bytes = Buffer.from(JSON.stringify({ issuer, counter: 1, recipients: [recipient] }));
  const manifest = bytes.toString('base64url');
  const slots = [{ id: 'slot', blob: 'blob' }];
  const stored = { device: `device ${index}`, sealed: { enc: 'enc', ct: 'ct' }, pin: 'pin' };
  const json = [slots, [stored]].map((value) => `'${JSON.stringify(value)}'`);
  const texts = [issuer, account, vaultId, manifest, 'signature'].map((text) => `'${text}'`);
  const row: VaultRow = {
    account,
    vaultId,
    manifest,
    manifestSignature: 'signature',
    etag: createHash('sha256').update(bytes).digest('base64url'),
    slots,
    recipients: [{ id: recipient.id, ...stored }],
    successions: [],
  };
  return {
    issuer,
    row,
    statement: `insert into pzk_vaults values (${[...texts, ...json].join()})`,
  };
}

describe.each(Object.entries(KINDS))('%s', (kind, { place: makePlace, open, run }) => {
  async function runFirstSchema(place: string): Promise<void> {
    const types = columnTypes[kind === 'SQLite' ? 'sqlite' : 'postgres'];
    const [first] = migrations;
    const statements = [migrationsTable(types), ...(first?.statements(types) ?? [])];
    for (const statement of statements) await run(place, String(statement));
    await run(place, "insert into pzk_migrations values (1, 'first schema', 1)");
  }

  describe('migrations', () => {
    it('are applied once by processes that start together', async () => {
      const place = await makePlace();
      const databases = Array.from({ length: 8 }, () => open(place));
      const applied = await Promise.all(databases.map(migrate));
      expect(applied.filter(({ length }) => length > 0)).toEqual([STEPS]);
      expect(await pendingMigrations(open(place))).toEqual([]);
      expect(await migrate(open(place))).toEqual([]);
    });

    it('run by themselves in development', async () => {
      const place = await makePlace();
      const { accounts } = sqlStores({ database: open(place), issuer: ISSUER });
      const row = accountRow();
      await accounts.insert(row);
      expect(await accounts.get(row.id)).toEqual(row);
    });

    it('that are pending let production refuse to start, with a hint; then they are made', async () => {
      vi.stubEnv('NODE_ENV', 'production');
      const place = await makePlace();
      const database = open(place);
      const verifier = createVerifier({
        issuer: ISSUER,
        audience: ISSUER,
        rpId: 'app.example.com',
        origins: ['https://app.example.com'],
        scopes: ['a:read'],
        secret: 'a secret of more than 32 bytes, for a test',
        stores: { ...memoryStores(), ...sqlStores({ database, issuer: ISSUER }) },
      });
      await expect(verifier.ready()).rejects.toMatchObject({
        ...unavailable,
        hint: expect.stringMatching(/migrate\(database\).*1 first schema, 2 vaults and agents/),
      });
      expect(await pendingMigrations(database)).toEqual(STEPS);
      expect(await migrate(database)).toEqual(STEPS);
      await verifier.ready();
      const { row } = await verifier.keys.issue({ scopes: ['a:read'] });
      await verifier.close();
      const again = sqlStores({ database: open(place), issuer: ISSUER, migrate: 'check' });
      expect(await again.keys.get(row.id)).toEqual(row);
    });

    it('give the vaults of the first schema etag, recipient id and the rest', async () => {
      const place = await makePlace();
      await runFirstSchema(place);
      const vaults = Array.from({ length: 205 }, (_, index) => firstVault(index));
      for (const { statement } of vaults) await run(place, statement);
      const old = accountRow();
      await run(
        place,
        `insert into pzk_accounts values ('${ISSUER}', '${old.id}', null, ${old.createdAt}, null)`,
      );
      const database = open(place);
      expect(await pendingMigrations(database)).toEqual(STEPS.slice(1));
      expect(await migrate(database)).toEqual(STEPS.slice(1));
      for (const { issuer, row } of vaults) {
        const stores = sqlStores({ database, issuer, migrate: 'check' });
        expect(await stores.vaults.get(row.account)).toEqual(row);
      }
      const stores = sqlStores({ database, issuer: ISSUER, migrate: 'check' });
      expect(await stores.accounts.get(old.id)).toEqual(old);
      const row = vaults[0]?.row;
      expect(row && (await stores.vaults.write(writeAfter(row)))).toBe('written');
      // A process of the version before cannot write a vault any more.
      await expect(run(place, firstVault(300).statement)).rejects.toThrow();
    });

    it.each([
      ["manifest = 'AAAA'"],
      [`recipients = '[]'`],
      [`recipients = '[{"device":"SECRET"},{"device":"SECRET"}]'`],
      [`recipients = 'SECRET'`],
    ])('change nothing where a vault is corrupt (%s)', async (change) => {
      const place = await makePlace();
      await runFirstSchema(place);
      await run(place, firstVault(0).statement);
      await run(place, firstVault(2).statement);
      await run(place, `update pzk_vaults set ${change} where account = 'account 2'`);
      const database = open(place);
      const failure = await migrate(database).catch((error: unknown) => error);
      expect(failure).toMatchObject(unavailable);
      expect(JSON.stringify([String(failure), (failure as Error).cause])).not.toContain('SECRET');
      expect(await pendingMigrations(database)).toEqual(STEPS.slice(1));
      await run(place, "delete from pzk_vaults where account = 'account 2'");
      expect(await migrate(database)).toEqual(STEPS.slice(1));
    });

    it('of a newer version are left alone, and nothing works on them', async () => {
      const place = await makePlace();
      await migrate(open(place));
      await run(place, "insert into pzk_migrations values (99, 'later', 1)");
      const database = open(place);
      await expect(migrate(database)).rejects.toMatchObject(unavailable);
      await expect(pendingMigrations(database)).rejects.toMatchObject(unavailable);
      const { keys } = sqlStores({ database, issuer: ISSUER });
      await expect(keys.get('x')).rejects.toMatchObject(unavailable);
    });
  });

  it('keeps the rows of two issuers apart', async () => {
    const database = open(await makePlace());
    const here = sqlStores({ database, issuer: ISSUER });
    const there = sqlStores({ database, issuer: OTHER });
    const account = accountRow({ user: 'user' });
    const key = keyRow({ account: account.id });
    const device = deviceRow({ account: account.id, jkt: 'jkt' });
    const vault = vaultRow(account.id, device.id);
    const signingKey = signingKeyRow();
    const write = writeAfter(vault, {
      next: { recoveryKey: 'recovery' },
      agents: [agentRow({ account: account.id })],
    });
    const jkt = write.agents[0]?.jkt ?? '';
    const invitation = invitationRow({ account: account.id });
    const pairing = pairingRow({ account: account.id });
    const request = releaseRow({ account: account.id });
    const reset = { account: account.id, requestedAt: 1, effectiveAt: 2 };
    const limits = { waitingOfAgent: 1, waitingOfAccount: 1, hourlyOfAgent: 1, keptSince: 0 };
    for (const stores of [here, there]) {
      expect(await stores.accounts.get(account.id)).toBeUndefined();
      expect(await stores.accounts.listByUser('user')).toEqual([]);
      expect(await stores.keys.get(key.id)).toBeUndefined();
      expect(await stores.keys.findByCommitment(key.commitment)).toBeUndefined();
      expect(await stores.keys.listByAccount(account.id)).toEqual([]);
      expect(await stores.keys.list({ limit: 10 })).toEqual([]);
      expect(await stores.devices.get(device.id)).toBeUndefined();
      expect(await stores.devices.findByCredentialId(device.credentialId)).toBeUndefined();
      expect(await stores.devices.findByJkt(account.id, 'jkt')).toBeUndefined();
      expect(await stores.devices.listByAccount(account.id)).toEqual([]);
      expect(await stores.vaults.get(account.id)).toBeUndefined();
      expect(await stores.vaults.findByRecoveryKey('recovery')).toBeUndefined();
      expect(await stores.vaults.write(write)).toBe('conflict');
      expect(await stores.agents.findByJkt(jkt)).toBeUndefined();
      expect(await stores.invitations.get(invitation.id)).toBeUndefined();
      expect(await stores.invitations.end(invitation.id)).toBe(false);
      expect(await stores.pairings.get(pairing.id)).toBeUndefined();
      expect(await stores.releases.get(request.id)).toBeUndefined();
      expect(await stores.releases.listByAccount(account.id, { limit: 9 })).toEqual([]);
      expect(await stores.releases.listChanged(request, 0)).toEqual([]);
      expect(await stores.resets.get(account.id)).toBeUndefined();
      expect(await stores.resets.cancel(account.id)).toBe(false);
      expect(await stores.signingKeys.list()).toEqual([]);
      expect(await stores.audit.last()).toBeUndefined();
      expect(await stores.audit.list({ after: 0, limit: 10 })).toEqual([]);

      // The very same rows are news at each issuer.
      await stores.accounts.insert(account);
      expect(await stores.keys.insert(key)).toBe(true);
      expect(await stores.devices.enroll({ device, vault, onlyFirst: true })).toBe('enrolled');
      expect(await stores.vaults.write(write)).toBe('written');
      expect(await stores.invitations.insert(invitation, 0)).toBe(true);
      expect(await stores.pairings.insert(pairing, 0)).toBe(true);
      expect(await stores.releases.insert(request, limits)).toBe('added');
      expect(await stores.resets.request(reset)).toEqual(reset);
      expect(await stores.signingKeys.insertFirst(signingKey)).toBe(true);
      expect(await stores.audit.append([auditRow(1)])).toBe(true);
    }
    await there.accounts.revoke(account.id, 1);
    await there.keys.revoke(key.id, 1);
    await there.keys.expire(key.id, 1);
    await there.devices.revoke(device.id, 1);
    await there.devices.advanceCounter(device.id, 9, 'nonce');
    await there.signingKeys.remove(signingKey.kid);
    const resetting = deviceRow({ account: account.id });
    const other = vaultRow(account.id, resetting.id);
    const enrollment = { device: resetting, vault: other, onlyFirst: false, resets: { at: 3 } };
    expect(await there.devices.enroll(enrollment)).toBe('enrolled');
    await there.invitations.insert(invitationRow(), invitation.expiresAt + 90_000_000);
    await there.pairings.insert(pairingRow(), pairing.expiresAt + 90_000_000);
    expect(await here.vaults.get(account.id)).toEqual(write.next);
    expect(await here.agents.findByJkt(jkt)).toEqual(write.agents[0]);
    expect(await here.invitations.get(invitation.id)).toEqual(invitation);
    expect(await here.pairings.get(pairing.id)).toEqual(pairing);
    expect(await here.releases.get(request.id)).toEqual(request);
    expect(await here.resets.get(account.id)).toEqual(reset);
    expect(await here.accounts.get(account.id)).toEqual(account);
    expect(await here.keys.get(key.id)).toEqual(key);
    expect(await here.devices.get(device.id)).toEqual(device);
    expect(await here.signingKeys.list()).toEqual([signingKey]);
  });

  it('takes no text that the database would shorten or replace', async () => {
    const { accounts, keys } = sqlStores({ database: open(await makePlace()), issuer: ISSUER });
    const id = 'account';
    await accounts.insert(accountRow({ id, user: 'user' }));
    for (const tail of ['\0', '\0tail', '\ud800', '\udc00\ud800']) {
      await expect(accounts.get(id + tail)).rejects.toThrow(TypeError);
      await expect(accounts.listByUser(`user${tail}`)).rejects.toThrow(TypeError);
      await expect(accounts.linkUser(id, `user${tail}`)).rejects.toThrow(TypeError);
      await expect(keys.insert(keyRow({ scopes: [`a${tail}`] }))).rejects.toThrow(TypeError);
    }
    // Honest: what only looks odd is kept to the letter.
    const odd = `O'Brien"; -- \u{1f5dd} e\u0301 \ufffd`;
    await accounts.insert(accountRow({ id: odd, user: odd }));
    expect((await accounts.get(odd))?.user).toBe(odd);
    expect(await accounts.listByUser(odd.normalize('NFC'))).toEqual([]);
  });

  it('takes a row that it did not write for an error, and does not quote it', async () => {
    const place = await makePlace();
    const { keys } = sqlStores({ database: open(place), issuer: ISSUER });
    const key = keyRow();
    await keys.insert(key);
    for (const change of [
      "demands = 'everything'",
      "scopes = 'SECRET, no JSON'",
      `scopes = '{"a":"SECRET"}'`,
    ]) {
      await run(place, `update pzk_keys set ${change}`);
      const failure = await keys.get(key.id).catch((error: unknown) => error);
      expect(failure).toMatchObject(unavailable);
      expect(JSON.stringify([String(failure), (failure as Error).cause])).not.toContain('SECRET');
      await run(place, `update pzk_keys set demands = 'none', scopes = '["a"]'`);
      expect((await keys.get(key.id))?.scopes).toEqual(['a']);
    }
  });

  it('refuses a vault of another account, and a device id that exists', async () => {
    const { devices, vaults } = sqlStores({ database: open(await makePlace()), issuer: ISSUER });
    const device = deviceRow();
    const stray = { device, vault: vaultRow('another', device.id), onlyFirst: true };
    await expect(devices.enroll(stray)).rejects.toThrow(TypeError);
    expect(await devices.get(device.id)).toBeUndefined();
    expect(await vaults.get('another')).toBeUndefined();
    expect(await devices.enroll({ device, onlyFirst: true })).toBe('enrolled');
    const twin = deviceRow({ id: device.id });
    await expect(devices.enroll({ device: twin, onlyFirst: false })).rejects.toThrow(TypeError);
    expect(await devices.findByCredentialId(twin.credentialId)).toBeUndefined();
  });

  it('refuses to work when it is closed', async () => {
    const database = open(await makePlace());
    const { keys } = sqlStores({ database, issuer: ISSUER });
    await keys.get('x');
    await database.close();
    await expect(keys.get('x')).rejects.toThrow();
    await expect(keys.insert(keyRow())).rejects.toThrow();
  });

  it('may be closed while calls are on their way: each ends well or is refused', async () => {
    const place = await makePlace();
    const { keys, devices } = sqlStores({ database: open(place), issuer: ISSUER });
    await keys.get('x');
    for (let round = 0; round < 20; round++) {
      const database = open(place);
      const stores = sqlStores({ database, issuer: ISSUER });
      if (round % 2 === 0) await stores.keys.get('x');
      const key = keyRow();
      const device = deviceRow();
      const vault = vaultRow(device.account, device.id);
      const calls = [
        stores.keys.insert(key),
        stores.devices.enroll({ device, vault, onlyFirst: true }),
        stores.keys.get(key.id),
      ];
      for (let turn = 0; turn < round; turn++) await Promise.resolve();
      const closing = database.close();
      const [inserted, enrolled] = await Promise.allSettled(calls);
      await closing;
      if (inserted?.status === 'fulfilled') expect(await keys.get(key.id)).toEqual(key);
      if (enrolled?.status === 'fulfilled') expect(await devices.get(device.id)).toEqual(device);
    }
  });

  it('adds many entries of the audit log in one step', async () => {
    const { audit } = sqlStores({ database: open(await makePlace()), issuer: ISSUER });
    const rows = Array.from({ length: 250 }, (_, index) => auditRow(index + 1));
    expect(await audit.append(rows)).toBe(true);
    // The last one is taken already: none of the others is written.
    expect(await audit.append([auditRow(252), auditRow(253)])).toBe(false);
    expect(await audit.append([])).toBe(true);
    expect(await audit.list({ after: 0, limit: 1000 })).toEqual(rows);
  });
});

describe('SQLite', () => {
  it('waits for another process that writes', async () => {
    const place = join(directory, `${++files}.db`);
    const { keys } = sqlStores({ database: keep(sqliteDatabase(place)), issuer: ISSUER });
    await keys.get('x');
    const other = new Database(place);
    other.exec('begin immediate');
    const key = keyRow();
    const inserting = keys.insert(key);
    // Readers are not held up meanwhile.
    expect(await keys.get(key.id)).toBeUndefined();
    other.exec('commit');
    expect(await inserting).toBe(true);
    other.close();
  });

  it('loses no write that follows one which was refused', async () => {
    const place = join(directory, `${++files}.db`);
    const { keys, devices } = sqlStores({
      database: keep(sqliteDatabase(place)),
      issuer: ISSUER,
    });
    await keys.get('x');
    const other = new Database(place);
    other.exec('begin immediate');
    const busy = { code: 'SQLITE_BUSY' };
    const device = deviceRow();
    const refused = [
      keys.insert(keyRow()),
      keys.revoke('x', 1),
      devices.enroll({ device, onlyFirst: true }),
    ];
    await Promise.all(refused.map((call) => expect(call).rejects.toMatchObject(busy)));
    other.exec('commit');

    // What is acknowledged now is what another process sees.
    const key = keyRow();
    expect(await keys.insert(key)).toBe(true);
    expect(await devices.enroll({ device, onlyFirst: true })).toBe('enrolled');
    const elsewhere = sqlStores({ database: keep(sqliteDatabase(place)), issuer: ISSUER });
    expect(await elsewhere.keys.get(key.id)).toEqual(key);
    expect(await elsewhere.devices.get(device.id)).toEqual(device);
    expect(await elsewhere.keys.list({ limit: 10 })).toHaveLength(1);
    other.close();
  });

  it('keeps a file that only its owner reads, in write-ahead mode, synchronised', async () => {
    const place = join(directory, `${++files}.db`);
    const prepare = vi.spyOn(Database.prototype, 'exec');
    const { keys } = sqlStores({ database: keep(sqliteDatabase(place)), issuer: ISSUER });
    await keys.insert(keyRow());
    for (const tail of ['', '-wal']) {
      expect((await stat(place + tail)).mode & 0o777).toBe(0o600);
    }
    expect(prepare.mock.calls.flat()).toContain('pragma synchronous = full');
    prepare.mockRestore();
  });

  it('rejects where it cannot be opened, and works once it can', async () => {
    const parent = join(directory, 'later');
    const { keys } = sqlStores({
      database: keep(sqliteDatabase(join(parent, 'pzk.db'))),
      issuer: ISSUER,
    });
    await expect(keys.get('x')).rejects.toThrow();
    await mkdir(parent);
    expect(await keys.get('x')).toBeUndefined();

    const text = join(directory, 'text.db');
    await writeFile(text, 'This is no database at all, but a text of some length. '.repeat(40));
    const broken = sqlStores({ database: keep(sqliteDatabase(text)), issuer: ISSUER });
    await expect(broken.keys.get('x')).rejects.toThrow();
  });

  it('takes a path and nothing else', () => {
    for (const path of [
      '',
      ' ',
      ':memory:',
      'libsql://host',
      'https://host',
      'file:pzk.db',
      'a\0',
    ]) {
      expect(() => sqliteDatabase(path)).toThrow(TypeError);
    }
    expect(() => sqliteDatabase(undefined as unknown as string)).toThrow(TypeError);
    expect(() => sqliteDatabase(new URL('https://host/pzk.db'))).toThrow(TypeError);
  });
});

describe('PostgreSQL', () => {
  it('rejects while the server is gone, and works when it is back', async () => {
    const own = await startPostgres();
    try {
      const { keys } = sqlStores({
        database: keep(postgresDatabase(await own.createDatabase())),
        issuer: ISSUER,
      });
      const key = keyRow();
      await keys.insert(key);
      await own.kill();
      // The process of a connection outlives its parent by a moment.
      const answer = () => keys.get(key.id).then(String, () => 'rejected');
      await expect.poll(answer).toBe('rejected');
      await expect(keys.insert(keyRow())).rejects.toThrow();
      await own.restart();
      await expect.poll(() => keys.get(key.id).catch(() => 'failed')).toEqual(key);
    } finally {
      await own.stop();
    }
  });

  it.each([
    ['its own pool', (url: string) => url],
    ['the pool of the application', (url: string) => new pg.Pool({ connectionString: url })],
  ])('[N7] survives a server that dies while it works for it, with %s', async (_, toSource) => {
    const own = await startPostgres();
    const url = await own.createDatabase();
    const source = toSource(url);
    const { keys } = sqlStores({ database: keep(postgresDatabase(source)), issuer: ISSUER });
    // Of two connections one will be at work, the other idle.
    await Promise.all([keys.get('x'), keys.get('y')]);
    const other = new pg.Client(url);
    other.on('error', () => {});
    await other.connect();
    await other.query('begin');
    await other.query('lock table pzk_keys');
    const refused = expect(keys.insert(keyRow())).rejects.toThrow();
    await expect
      .poll(async () => (await other.query('select 1 from pg_locks where not granted')).rows)
      .not.toEqual([]);
    await own.kill();
    await refused;
    // An event without a listener would come now, and end the test run.
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (typeof source !== 'string') await source.end();
    await own.stop();
  });

  it.each([
    ['its own pool', (url: string) => url],
    ['the pool of the application', (url: string) => new pg.Pool({ connectionString: url })],
  ])('[N7] survives connections that end as they begin, with %s', async (_, toSource) => {
    const place = await server.createDatabase();
    const ending = await startEndingServer(place, 2);
    const source = toSource(ending.url);
    const { keys } = sqlStores({ database: keep(postgresDatabase(source)), issuer: ISSUER });
    const unheard = vi.fn();
    process.on('uncaughtException', unheard);
    try {
      for (let attempt = 0; attempt < 2; attempt++) await expect(keys.get('x')).rejects.toThrow();
      const key = keyRow();
      expect(await keys.insert(key)).toBe(true);
      expect(await keys.get(key.id)).toEqual(key);
    } finally {
      process.off('uncaughtException', unheard);
    }
    expect(unheard).not.toHaveBeenCalled();
    if (typeof source !== 'string') await source.end();
    ending.stop();
  });

  it.each([
    ['its own pool', (url: string) => url],
    ['the pool of the application', (url: string) => new pg.Pool({ connectionString: url })],
  ])('[N8] gives up connections that answer no more, with %s', async (_, toSource) => {
    const network = await startSilentNetwork(await server.createDatabase());
    const source = toSource(network.url);
    const { keys, devices } = sqlStores({
      database: keep(postgresDatabase(source)),
      issuer: ISSUER,
    });
    const key = keyRow();
    await keys.insert(key);
    // As many as a pool holds, some of them in a transaction.
    await Promise.all(Array.from({ length: 10 }, () => keys.get(key.id)));
    network.swallow();
    const lost = Array.from({ length: 10 }, (_, index) =>
      index % 2 === 0 ? keys.get(key.id) : devices.enroll({ device: deviceRow(), onlyFirst: true }),
    );
    for (const call of lost) await expect(call).rejects.toThrow('in time');
    // [N8] honest: those that follow are answered, on connections of their own.
    expect(await keys.get(key.id)).toEqual(key);
    expect(await devices.enroll({ device: deviceRow(), onlyFirst: true })).toBe('enrolled');
    if (typeof source !== 'string') await source.end();
    network.stop();
  });

  it('migrates for as long as it takes', async () => {
    const place = await server.createDatabase();
    const other = new pg.Client(place);
    other.on('error', () => {});
    await other.connect();
    await other.query('begin');
    // The lock of migrations, as another instance holds it.
    await other.query(`select pg_advisory_xact_lock(${0x70_7a_6b})`);
    const migrating = migrate(keep(postgresDatabase(place)));
    // Longer than any other statement may take.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await other.query('commit');
    expect(await migrating).toEqual(STEPS);
    await other.end();
  });

  it('runs again what a serializable server rolled back', async () => {
    const options = encodeURIComponent('-c default_transaction_isolation=serializable');
    const url = `${await server.createDatabase()}?options=${options}`;
    const { accounts, devices } = sqlStores({
      database: keep(postgresDatabase(url)),
      issuer: ISSUER,
    });
    const account = accountRow();
    await accounts.insert(account);
    const users = Array.from({ length: 20 }, (_, index) => `user-${index}`);
    const linked = await Promise.all(users.map((user) => accounts.linkUser(account.id, user)));
    expect(linked.filter((won) => won)).toHaveLength(1);
    expect((await accounts.get(account.id))?.user).toBe(users[linked.indexOf(true)]);

    const enrolled = await Promise.all(
      users.map(() => {
        const device = deviceRow({ account: account.id });
        return devices.enroll({
          device,
          vault: vaultRow(account.id, device.id),
          onlyFirst: true,
        });
      }),
    );
    expect(enrolled.filter((result) => result === 'enrolled')).toHaveLength(1);
    expect(enrolled.filter((result) => result === 'not_first')).toHaveLength(19);
  });

  it('leaves the pool of the application open', async () => {
    const pool = new pg.Pool({ connectionString: await server.createDatabase() });
    pool.on('error', () => {});
    const database = postgresDatabase(pool);
    await migrate(database);
    await database.close();
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await pool.end();
  });

  it('takes a URL or a pool and repeats no password', () => {
    for (const source of ['', 'host=localhost password=hunter2', 'mysql://user:hunter2@host/db']) {
      expect(() => postgresDatabase(source)).toThrow(TypeError);
      expect(() => postgresDatabase(source)).not.toThrow(/hunter2/);
    }
    expect(() => postgresDatabase({} as never)).toThrow(TypeError);
    expect(() => postgresDatabase(undefined as never)).toThrow(TypeError);
  });
});

describe('sqlStores', () => {
  it('refuses odd options', () => {
    const database = sqliteDatabase(join(directory, 'never.db'));
    const bad = [
      { database: {}, issuer: ISSUER },
      { database: { ...database }, issuer: ISSUER },
      { database, issuer: '' },
      { database, issuer: 'api' },
      { database },
      { database, issuer: ISSUER, migrate: 'never' },
    ];
    for (const options of bad) expect(() => sqlStores(options as never)).toThrow(TypeError);
    expect(() => sqlStores({ database, issuer: ISSUER, migrate: undefined })).not.toThrow();
  });
});
