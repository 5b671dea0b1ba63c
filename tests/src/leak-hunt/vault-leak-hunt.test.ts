import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createVerifier, memoryStores } from '@pzk-auth/verifier';
import { postgresDatabase, sqliteDatabase, sqlStores } from '@pzk-auth/verifier/sql';
import Database from 'libsql';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../packages/verifier/test/harness/free-port.js';
import { type RedisServer, startRedis } from '../../../packages/verifier/test/redis/start-redis.js';
import { startPostgres } from '../../../packages/verifier/test/sql/start-postgres.js';
import { findPostgres } from '../../../scripts/lib/find-programs.mjs';
import { type Canary, createCanary, createSearch, hunt } from './canary.js';
import { canReadMemory, searchMemory } from './server-memory.js';
import { readFiles, readRedis } from './server-sinks.js';
import { liveVault } from './vault-life.js';
import { watchSecrets } from './watch-secrets.js';
import { startWatchedServer, type WatchedServer } from './watched-server.js';

/** A database, and how everything in it and left behind by it is read. */
interface Place {
  readonly options: { readonly file: string } | { readonly url: string };
  readonly stores: (issuer: string) => ReturnType<typeof sqlStores>;
  /** Once the tables are there. */
  prepare(): Promise<void>;
  sinks(): Promise<readonly (readonly [string, Buffer])[]>;
  close(): Promise<void>;
}

const run = promisify(execFile);

async function sqlitePlace(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'pzk-leak-hunt-sqlite-'));
  const file = join(directory, 'pzk.db');
  const database = sqliteDatabase(file);
  return {
    options: { file },
    stores: (issuer) => sqlStores({ database, issuer }),
    prepare: async () => {},
    async sinks() {
      const read = (name: string) => readFile(join(directory, name));
      const log = await read('pzk.db-wal');
      await rm(join(directory, 'backup'), { force: true });
      const connection = new Database(file);
      connection.exec(`vacuum into '${join(directory, 'backup')}'`);
      connection.exec('pragma wal_checkpoint(passive)');
      connection.close();
      return [
        ['the WAL', log],
        ['the file', await read('pzk.db')],
        ['the backup', await read('backup')],
      ];
    },
    async close() {
      await database.close();
      await rm(directory, { recursive: true });
    },
  };
}

async function postgresPlace(): Promise<Place> {
  const logging = ['logging_collector=on', 'log_directory=log', 'log_statement=all'];
  const server = await startPostgres(logging.flatMap((setting) => ['-c', setting]));
  const url = await server.createDatabase();
  const database = postgresDatabase(url);
  return {
    options: { url },
    stores: (issuer) => sqlStores({ database, issuer }),
    async prepare() {
      const client = new pg.Client(url);
      await client.connect();
      // Compressed nothing could be found in the files.
      const { rows } = await client.query(
        `select table_name, column_name from information_schema.columns
          where table_schema = 'public' and data_type = 'text'`,
      );
      for (const { table_name: table, column_name: column } of rows) {
        await client.query(`alter table ${table} alter column ${column} set storage external`);
      }
      await client.end();
    },
    async sinks() {
      const client = new pg.Client(url);
      await client.connect();
      await client.query('checkpoint');
      await client.end();
      const program = join(findPostgres()?.path ?? '', 'pg_dump');
      const options = { encoding: 'buffer', maxBuffer: 1024 ** 3 } as const;
      const { stdout } = await run(existsSync(program) ? program : 'pg_dump', [url], options);
      const below = (name: string) => readFiles(join(server.directory, name));
      return [
        ['pg_dump', stdout],
        ['the tables', Buffer.from(await below('base'), 'latin1')],
        ['the WAL', Buffer.from(await below('pg_wal'), 'latin1')],
        ['the log of PostgreSQL', Buffer.from(await below('log'), 'latin1')],
      ];
    },
    async close() {
      await database.close();
      await server.stop();
    },
  };
}

describe.each([
  ['SQLite', sqlitePlace],
  ['PostgreSQL', postgresPlace],
])('the vault on %s', (_, openPlace) => {
  let place: Place;
  let redis: RedisServer;
  let server: WatchedServer;
  let directory: string;
  let account: string;
  let canaries: readonly Canary[];
  let issuer: string;

  beforeAll(async () => {
    [place, redis] = await Promise.all([openPlace(), startRedis(['--rdbcompression', 'no'])]);
    directory = await mkdtemp(join(tmpdir(), 'pzk-leak-hunt-'));
    issuer = `http://localhost:${await freePort()}`;
    const secret = randomBytes(32).toString('base64url');
    // The API key is made elsewhere, as by the command line: the server never has it.
    const office = createVerifier({
      ...{ issuer, audience: issuer, rpId: 'localhost', origins: [issuer] },
      ...{ scopes: ['agents:use'], secret },
      stores: { ...memoryStores(), ...place.stores(issuer) },
    });
    await office.ready();
    await place.prepare();
    const issued = await office.keys.issue({ scopes: ['agents:use'] });
    await office.close();
    account = issued.row.account;
    const options = { issuer, secret, directory, redisPort: redis.port, ...place.options };
    server = await startWatchedServer(options);
    const watch = watchSecrets();
    try {
      const known = await liveVault({ issuer, apiKey: issued.apiKey });
      canaries = toCanaries([...known, ...watch.secrets()]);
    } finally {
      watch.stop();
    }
  });
  afterAll(async () => {
    await server?.stop();
    await place?.close();
    await redis?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  /** Everything there is, but for the memory, which is too large to keep. */
  async function collect(): Promise<Map<string, string | Buffer>> {
    const snapshot = join(directory, `${randomBytes(4).toString('hex')}.heapsnapshot`);
    await server.snapshot(snapshot);
    const connection = redis.connect();
    await connection.save();
    const { stdout, stderr } = server.output();
    const audit = await place.stores(issuer).audit.list({ after: 0, limit: 10_000 });
    const sinks = new Map<string, string | Buffer>([
      ['the traffic', await readFiles(join(directory, 'traffic'))],
      ['stdout', stdout],
      ['stderr', stderr],
      ['the events', await readFile(join(directory, 'events'))],
      ['the audit log', Buffer.from(JSON.stringify(audit))],
      ['Redis', await readRedis(connection)],
      ['the dump of Redis', await readFiles(redis.directory)],
      ['the heap snapshot', await readFile(snapshot)],
      ...(await place.sinks()),
    ]);
    await rm(snapshot);
    return sinks;
  }

  async function huntEverywhere(wanted: readonly Canary[]) {
    const sinks = await collect();
    const found = hunt(wanted, sinks);
    if (!canReadMemory) return { sinks: [...sinks.keys()], found };
    const memory = searchMemory(server.pid, createSearch(wanted));
    return {
      sinks: [...sinks.keys(), 'the memory'],
      found: [...found, ...[...memory].map((name) => `${name} in the memory`)],
    };
  }

  it('[K] finds no secret of a vault in what its server stores, logs, hears and remembers', async () => {
    const names = canaries.map(({ name }) => name.replace(/, (start|end)$/, ''));
    // The hunt looks for these; a list that lost one would find nothing for the wrong reason.
    expect(names).toEqual(
      expect.arrayContaining([
        ...['API key', 'key of a third party', 'rotated key of a third party', 'deleted key'],
        ...['PRF output of the first device', 'PRF output of the second device'],
        ...['recovery code', 'entropy of the recovery code', 'code of an invitation'],
        ...['base of slot-key', 'slot-key', 'hpke', 'pin', 'invite-mac-new', 'invite-mac-old'],
        ...['exported ECDSA', 'scalar for ECDSA', 'plaintext'],
      ]),
    );
    expect((await huntEverywhere(canaries)).found).toEqual([]);
  });

  it('[K] honest: planted in each of these sinks, a secret is found there', async () => {
    const text = `planted-${randomBytes(24).toString('hex')}`;
    const planted = [createCanary('planted', Buffer.from(text))];
    await fetch(`${issuer}/pzk/challenge?${text}`, { method: 'POST' });
    await server.plant(text, account);
    const { sinks, found } = await huntEverywhere(planted);
    expect(sinks.length).toBeGreaterThan(10);
    for (const sink of sinks) {
      expect(
        found.some((place) => place.endsWith(` in ${sink}`)),
        sink,
      ).toBe(true);
    }
  });
});

/** Both ends of each: what is cut off is found, too. */
function toCanaries(secrets: readonly { readonly name: string; readonly bytes: Uint8Array }[]) {
  return secrets.flatMap(({ name, bytes }) => {
    if (name === 'plaintext' || bytes.length < 32) return [createCanary(name, bytes)];
    return [
      createCanary(`${name}, start`, bytes.subarray(0, 16)),
      createCanary(`${name}, end`, bytes.subarray(-16)),
    ];
  });
}
