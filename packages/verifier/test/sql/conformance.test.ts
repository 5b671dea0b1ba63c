import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
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
  let database: SqlDatabase;
  beforeAll(async () => {
    server = await startPostgres();
    database = postgresDatabase(await server.createDatabase());
  });
  afterAll(async () => {
    await database?.close();
    await server?.stop();
  });

  for (const { name, run } of durableStoresConformance(() => freshStores(database))) it(name, run);
});

describe('PostgreSQL that sorts by a language and is serializable by default', () => {
  let server: PostgresServer;
  let database: SqlDatabase;
  beforeAll(async () => {
    server = await startPostgres();
    const url = await server.createDatabase(
      "locale_provider icu icu_locale 'de-DE-u-kn-true' locale 'C'",
    );
    const options = encodeURIComponent('-c default_transaction_isolation=serializable');
    database = postgresDatabase(`${url}?options=${options}`);
  });
  afterAll(async () => {
    await database?.close();
    await server?.stop();
  });

  for (const { name, run } of durableStoresConformance(() => freshStores(database))) it(name, run);
});
