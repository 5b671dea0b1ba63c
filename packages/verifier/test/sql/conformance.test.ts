import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  postgresDatabase,
  type SqlDatabase,
  sqliteDatabase,
  sqlStores,
} from '../../src/sql/index.js';
import { durableStoresConformance } from '../../src/testing/index.js';
import { type PostgresServer, startPostgres } from './start-postgres.js';

/** Empty stores each time: rows of other issuers are none of theirs. */
function freshStores(database: SqlDatabase) {
  const issuer = `https://${randomBytes(8).toString('hex')}.example.com`;
  return sqlStores({ database, issuer });
}

/** Lets 200 calls queue for as long as a busy machine needs; ours would refuse after 1.5 seconds. */
function openPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString });
  // The server ends while connections are still being closed.
  pool.on('error', () => {});
  return pool;
}

/** How often the database had to break up a circle of transactions; counted when connections end. */
async function countDeadlocks(connectionString: string): Promise<number> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const { rows } = await client.query(
    'select deadlocks from pg_stat_database where datname = current_database()',
  );
  await client.end();
  return Number(rows[0].deadlocks);
}

describe('SQLite', () => {
  let directory: string;
  let database: SqlDatabase;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pzk-sqlite-'));
    database = sqliteDatabase(join(directory, 'pzk.db'));
  });
  afterAll(async () => {
    await database.close();
    await rm(directory, { recursive: true, force: true });
  });

  for (const { name, run } of durableStoresConformance(() => freshStores(database))) it(name, run);
});

describe('PostgreSQL', () => {
  let server: PostgresServer;
  let url: string;
  let pool: pg.Pool;
  let database: SqlDatabase;
  beforeAll(async () => {
    server = await startPostgres();
    url = await server.createDatabase();
    pool = openPool(url);
    database = postgresDatabase(pool);
  });
  afterAll(async () => {
    await pool?.end();
    // They are run again and end well, which is why no case shows them: locks have one order.
    const deadlocks = await countDeadlocks(url);
    await server?.stop();
    expect(deadlocks).toBe(0);
  });

  for (const { name, run } of durableStoresConformance(() => freshStores(database))) it(name, run);
});

describe('PostgreSQL that sorts by a language', () => {
  let server: PostgresServer;
  let pool: pg.Pool;
  let database: SqlDatabase;
  beforeAll(async () => {
    server = await startPostgres();
    const url = await server.createDatabase(
      "locale_provider icu icu_locale 'de-DE-u-kn-true' locale 'C'",
    );
    pool = openPool(url);
    database = postgresDatabase(pool);
  });
  afterAll(async () => {
    await pool?.end();
    await server?.stop();
  });

  for (const { name, run } of durableStoresConformance(() => freshStores(database))) it(name, run);
});
