import type { EventEmitter } from 'node:events';
import { Kysely, PostgresDialect, type PostgresPool, sql } from 'kysely';
import { publishDatabase, type SqlDatabase } from './database.js';
import { retryWhile } from './retry.js';
import type { SqlSchema } from './schema.js';

/** Names our lock among the advisory locks of a database: "pzk" in ASCII. */
const MIGRATION_LOCK = 0x70_7a_6b;

/** SQLSTATEs of class 40: the transaction was rolled back and asks to be run again. */
const ROLLED_BACK = new Set(['40001', '40P01']);

/** A pool of `pg` 8. */
export type PgPool = PostgresPool;

async function createPool(connectionString: string): Promise<PgPool> {
  const { Pool } = await importPg();
  const pool = new Pool({
    connectionString,
    application_name: 'pzk-auth',
    // A connection attempt and a statement fail before the engine stops waiting for them (2 s).
    connectionTimeoutMillis: 1_500,
    statement_timeout: 1_800,
    idle_in_transaction_session_timeout: 5_000,
    keepAlive: true,
  });
  // Without a listener an idle connection that breaks would end the process. Calls see it themselves.
  pool.on('error', () => {});
  return pool;
}

/** Whatever of `pg` emits. */
type Emitter = Partial<Pick<EventEmitter, 'on'>>;

/**
 * A connection that breaks raises `error` besides failing its query, and an event that nobody listens
 * to ends the process: the pool listens only to connections that are idle. Listened to from `connect`
 * on, which the pool emits while it still handles what the server sent: the end of a connection may
 * stand in the same packet as its beginning.
 */
function withListeners(pool: PgPool & Emitter): PgPool {
  const known = new WeakSet<object>();
  const listen = (client: object & Emitter) => {
    if (known.has(client)) return;
    known.add(client);
    client.on?.('error', () => {});
  };
  pool.on?.('connect', listen);
  return {
    options: pool.options,
    connect: async () => {
      const client = await pool.connect();
      // One that the application's pool had before.
      listen(client);
      return client;
    },
    end: () => pool.end(),
  };
}

async function importPg() {
  try {
    return (await import('pg')).default;
  } catch (cause) {
    throw new Error('postgresDatabase needs the package pg: npm install pg.', { cause });
  }
}

function isRolledBack(error: unknown): boolean {
  return error instanceof Error && ROLLED_BACK.has(String(Reflect.get(error, 'code')));
}

/**
 * PostgreSQL 12 or newer. Takes a connection string (`postgresql://...`), of which it makes a pool of
 * its own with time limits, or a `Pool` of `pg` that the application configured; give that one a
 * listener for `error`, a `connectionTimeoutMillis` and a `statement_timeout` under 2 s.
 *
 * What was acknowledged survives as PostgreSQL is set up: `synchronous_commit` must not be `off`.
 * Our tables begin with `pzk_` and stand in the first schema of the `search_path`.
 *
 * Needs the packages `kysely` and `pg`.
 *
 * @throws TypeError if it is neither
 */
export function postgresDatabase(source: string | PgPool): SqlDatabase {
  const own = typeof source === 'string';
  // Not quoted in the message: it holds a password.
  if (own ? !/^postgres(ql)?:\/\//.test(source) : typeof source?.connect !== 'function') {
    throw new TypeError('postgresDatabase takes a URL postgresql://... or a Pool of pg.');
  }
  const kysely = new Kysely<SqlSchema>({
    dialect: new PostgresDialect({
      pool: async () => withListeners(own ? await createPool(source) : source),
    }),
  });
  return publishDatabase({
    dialect: 'postgres',
    // Reads too: where the default level is serializable, PostgreSQL may refuse any statement.
    read: (work) => retryWhile(isRolledBack, () => work(kysely)),
    write: (work) => retryWhile(isRolledBack, () => work(kysely)),
    transact: (work) =>
      // Our statements are made for this level; a server may have another default.
      retryWhile(isRolledBack, () =>
        kysely.transaction().setIsolationLevel('read committed').execute(work),
      ),
    lockMigrations: async (db) => {
      // An index on a large table takes longer than any request may.
      await sql`set local statement_timeout = 0`.execute(db);
      await sql`select pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)})`.execute(db);
    },
    hasTable: async (db, name) => {
      const { rows } = await sql<{ found: boolean }>`
        select to_regclass(${name}) is not null as found`.execute(db);
      return rows[0]?.found === true;
    },
    close: async () => {
      // Kysely would end the application's pool, too.
      if (own) await kysely.destroy();
    },
  });
}
