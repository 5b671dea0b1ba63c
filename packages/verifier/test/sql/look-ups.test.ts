import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { postgresDatabase, sqliteDatabase, sqlStores } from '../../src/sql/index.js';
import type { DurableStores } from '../../src/stores/durable-stores.js';
import { type PostgresServer, startPostgres } from './start-postgres.js';

const ISSUER = 'https://api.example.com';

/** Every statement that looks something up, with the columns by which the index has to find it. */
const LOOK_UPS: readonly (readonly [
  string,
  (stores: DurableStores) => Promise<unknown>,
  readonly string[],
])[] = [
  ['accounts.get', ({ accounts }) => accounts.get('x'), ['id']],
  ['accounts.linkUser', ({ accounts }) => accounts.linkUser('x', 'y'), ['id']],
  ['accounts.listByUser', ({ accounts }) => accounts.listByUser('x'), ['user_id']],
  ['accounts.revoke', ({ accounts }) => accounts.revoke('x', 1), ['id']],
  ['keys.get', ({ keys }) => keys.get('x'), ['id']],
  ['keys.findByCommitment', ({ keys }) => keys.findByCommitment('1'), ['commitment']],
  ['keys.listByAccount', ({ keys }) => keys.listByAccount('x'), ['account']],
  ['keys.list', ({ keys }) => keys.list({ after: 'x', limit: 5 }), ['id']],
  ['keys.expire', ({ keys }) => keys.expire('x', 1), ['id']],
  ['keys.revoke', ({ keys }) => keys.revoke('x', 1), ['id']],
  ['devices.get', ({ devices }) => devices.get('x'), ['id']],
  [
    'devices.findByCredentialId',
    ({ devices }) => devices.findByCredentialId('x'),
    ['credential_id'],
  ],
  ['devices.findByJkt', ({ devices }) => devices.findByJkt('x', 'y'), ['account']],
  ['devices.listByAccount', ({ devices }) => devices.listByAccount('x'), ['account']],
  ['devices.advanceCounter', ({ devices }) => devices.advanceCounter('x', 1, 'y'), ['id']],
  ['devices.revoke', ({ devices }) => devices.revoke('x', 1), ['id']],
  ['vaults.get', ({ vaults }) => vaults.get('x'), ['account']],
  ['vaults.findByRecoveryKey', ({ vaults }) => vaults.findByRecoveryKey('x'), ['recovery_key']],
  ['agents.findByJkt', ({ agents }) => agents.findByJkt('x'), ['jkt']],
  ['invitations.get', ({ invitations }) => invitations.get('x'), ['id']],
  ['invitations.end', ({ invitations }) => invitations.end('x'), ['id']],
  ['pairings.get', ({ pairings }) => pairings.get('x'), ['id']],
  [
    'pairings.advance',
    ({ pairings }) => pairings.advance('x', { from: 'open', to: 'ended', step: {} }, 1),
    ['id'],
  ],
  ['releases.get', ({ releases }) => releases.get('x'), ['id']],
  [
    'releases.listByAccount',
    ({ releases }) => releases.listByAccount('x', { before: 9, limit: 5 }),
    ['account', 'requested_at'],
  ],
  [
    'releases.listChanged',
    ({ releases }) => releases.listChanged({ account: 'x', agent: 'y' }, 1),
    ['account', 'agent', 'changed_at'],
  ],
  [
    'vaults.findHistory',
    ({ vaults }) =>
      vaults.findHistory(
        'x',
        [1, 2, 3].map((position) => ({ level: 0, position })),
      ),
    ['account'],
  ],
  [
    'releases.settle',
    ({ releases }) => releases.settle('x', { from: 'waiting', to: 'cancelled', at: 1 }),
    ['id'],
  ],
  ['releases.recordUses', ({ releases }) => releases.recordUses('x', 1, 1), ['id']],
  ['releases.takeSealed', ({ releases }) => releases.takeSealed('x', 1), ['id']],
  [
    'releases.listReceipts',
    ({ releases }) => releases.listReceipts('x', { after: 1, limit: 5 }),
    ['account', 'number'],
  ],
  ['resets.get', ({ resets }) => resets.get('x'), ['account']],
  ['resets.cancel', ({ resets }) => resets.cancel('x'), ['account']],
  ['signingKeys.list', ({ signingKeys }) => signingKeys.list(), ['issuer']],
  ['signingKeys.remove', ({ signingKeys }) => signingKeys.remove('x'), ['kid']],
  ['audit.last', ({ audit }) => audit.last(), ['issuer']],
  ['audit.list', ({ audit }) => audit.list({ after: 1, limit: 5 }), ['seq']],
  [
    'audit.listByAccount',
    ({ audit }) => audit.listByAccount('a1', { before: 900, limit: 5 }),
    ['account', 'at'],
  ],
];

const ROWS = `from generate_series(1, 5000) n`;
const FILL = [
  `insert into pzk_accounts select '${ISSUER}', 'id' || n, 'user' || n, n ${ROWS}`,
  `insert into pzk_keys select '${ISSUER}', 'id' || n, 'account' || n, n::text, '[]', 'none', null, n ${ROWS}`,
  `insert into pzk_devices select '${ISSUER}', 'id' || n, 'account' || n / 50, 'key', 'passkey',
    'credential' || n, 'jkt' || n, '', '', '[]', 0, 0, 'none', 0, '', n ${ROWS}`,
  `insert into pzk_vaults select '${ISSUER}', 'account' || n, 'vault' || n, '', '', '', '[]', '[]', '[]', 'key' || n ${ROWS}`,
  `insert into pzk_agents select '${ISSUER}', 'jkt' || n, 'account' || n / 9, 'id', '', '' ${ROWS}`,
  `insert into pzk_vault_history select '${ISSUER}', 'account' || n / 50, '0 ' || n, '' ${ROWS}`,
  `insert into pzk_invitations select '${ISSUER}', 'id' || n, 'account' || n / 9, '', '', '', '', 1, '', n, null, 0 ${ROWS}`,
  `insert into pzk_pairings select '${ISSUER}', 'id' || n, 'account' || n / 9, '', '', n, 'open', '', '', '', '', '', '' ${ROWS}`,
  `insert into pzk_releases select '${ISSUER}', 'id' || n, 'account' || n / 50, 'agent' || n % 5, '', '', '', n, n,
    'waiting', '', '', '', '', 0, null, n ${ROWS}`,
  `insert into pzk_receipts select '${ISSUER}', 'account' || n / 50, n, '' ${ROWS}`,
  `insert into pzk_vault_resets select '${ISSUER}', 'account' || n, n, n ${ROWS}`,
  `insert into pzk_signing_keys select '${ISSUER}', 'kid' || n, '', n, n from generate_series(1, 3) n`,
  // Other issuers, so that one is worth looking for.
  `insert into pzk_signing_keys select 'other' || n, 'kid', '', n, n from generate_series(1, 5000) n`,
  `insert into pzk_audit select '${ISSUER}', n, n, '{}', '', '', 'a' || (n % 100) ${ROWS}`,
];

describe('SQLite finds by an index', () => {
  let directory: string;
  let watched: Database.Database;
  let stores: DurableStores;
  let close: () => Promise<void>;
  const prepared = vi.spyOn(Database.prototype, 'prepare');

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pzk-sqlite-'));
    const file = join(directory, 'pzk.db');
    const database = sqliteDatabase(file);
    close = () => database.close();
    stores = sqlStores({ database, issuer: ISSUER });
    await stores.keys.get('x');
    watched = new Database(file);
  });
  afterAll(async () => {
    watched.close();
    await close();
    await rm(directory, { recursive: true, force: true });
  });

  it.each(LOOK_UPS)('%s', async (_, lookUp, columns) => {
    // A database of its own: a statement that an earlier row prepared is not prepared again.
    const fresh = sqliteDatabase(join(directory, 'pzk.db'));
    prepared.mockClear();
    await lookUp(sqlStores({ database: fresh, issuer: ISSUER }));
    const texts = prepared.mock.calls.map(([sql]) => sql).filter((sql) => /"pzk_/.test(sql));
    await fresh.close();
    const statement = texts.findLast((sql) => !sql.includes('pzk_migrations')) ?? '';
    const plan = (watched.prepare(`explain query plan ${statement}`).all() as { detail: string }[])
      .map(({ detail }) => detail)
      .join('\n');
    expect(plan).toMatch(/^SEARCH pzk_\w+ USING (COVERING )?INDEX /);
    expect(plan).not.toMatch(/SCAN/);
    for (const column of columns) expect(plan).toMatch(new RegExp(`[( ]${column}[=<>]\\?`));
  });
});

describe('PostgreSQL finds by an index', () => {
  let server: PostgresServer;
  let pool: pg.Pool;
  let stores: DurableStores;
  const sent: { text: string; values: unknown[] }[] = [];

  beforeAll(async () => {
    server = await startPostgres();
    pool = new pg.Pool({ connectionString: await server.createDatabase(), max: 1 });
    pool.on('error', () => {});
    pool.on('connect', (client) => {
      const query = client.query.bind(client) as (...args: unknown[]) => unknown;
      client.query = ((...args: unknown[]) => {
        if (typeof args[0] === 'string' && Array.isArray(args[1])) {
          sent.push({ text: args[0], values: args[1] });
        }
        return query(...args);
      }) as typeof client.query;
    });
    stores = sqlStores({ database: postgresDatabase(pool), issuer: ISSUER });
    await stores.keys.get('x');
    // Small tables are read through, and of two indexes the better one shows with many rows only.
    for (const statement of FILL) await pool.query(statement);
    await pool.query('analyze');
  });
  afterAll(async () => {
    await pool.end();
    await server.stop();
  });

  it.each(LOOK_UPS)('%s', async (_, lookUp, columns) => {
    sent.length = 0;
    await lookUp(stores);
    const statement = sent.findLast(({ text }) => /"pzk_/.test(text));
    const { rows } = await pool.query(`explain ${statement?.text}`, statement?.values);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).not.toMatch(/Seq Scan/);
    const condition = /Index Cond: (.*)/.exec(plan)?.[1] ?? '';
    for (const column of columns) expect(condition).toMatch(new RegExp(`\\(${column} [=<>] `));
  });
});
