import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import { publishDatabase, type SqlDatabase } from './database.js';
import {
  ANSWER_TIMEOUT,
  createPool,
  listenToClients,
  type PgPool,
  watchPool,
} from './postgres-pool.js';
import { retryWhile } from './retry.js';
import type { SqlSchema } from './schema.js';

/** Names our lock among the advisory locks of a database: "pzk" in ASCII. */
const MIGRATION_LOCK = 0x70_7a_6b;

/** SQLSTATEs of class 40: the transaction was rolled back and asks to be run again. */
const ROLLED_BACK = new Set(['40001', '40P01']);

function isRolledBack(error: unknown): boolean {
  return error instanceof Error && ROLLED_BACK.has(String(Reflect.get(error, 'code')));
}

/**
 * PostgreSQL 12 or newer. Takes a connection string (`postgresql://...`), of which it makes a pool of
 * its own with time limits, or a `Pool` of `pg` that the application configured; give that one a
 * `connectionTimeoutMillis` and a `statement_timeout` under 2 s. A connection that leaves a statement
 * without an answer for as long is closed, in either.
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
  let pool: Promise<PgPool> | undefined;
  const openPool = () => {
    pool ??= (own ? createPool(source) : Promise.resolve(source)).then(listenToClients);
    return pool;
  };
  const connect = (timeout: number) =>
    new Kysely<SqlSchema>({
      dialect: new PostgresDialect({ pool: async () => watchPool(await openPool(), timeout) }),
    });
  const kysely = connect(ANSWER_TIMEOUT);
  // An index on a large table takes longer than any request may.
  const patient = connect(Number.POSITIVE_INFINITY);
  // Our statements are made for this level; a server may have another default.
  const transactIn = <T>(db: Kysely<SqlSchema>, work: (db: Transaction<SqlSchema>) => Promise<T>) =>
    retryWhile(isRolledBack, () =>
      db.transaction().setIsolationLevel('read committed').execute(work),
    );
  let closed: Promise<void> | undefined;
  async function close(): Promise<void> {
    await Promise.all([kysely.destroy(), patient.destroy()]);
    // A pool that was passed in stays the application's.
    if (own) await (await pool)?.end();
  }
  return publishDatabase({
    dialect: 'postgres',
    // Reads too: where the default level is serializable, PostgreSQL may refuse any statement.
    read: (work) => retryWhile(isRolledBack, () => work(kysely)),
    write: (work) => retryWhile(isRolledBack, () => work(kysely)),
    transact: (work) => transactIn(kysely, work),
    migrate: (work) =>
      transactIn(patient, async (db) => {
        await sql`set local statement_timeout = 0`.execute(db);
        await sql`select pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)})`.execute(db);
        return work(db);
      }),
    hasTable: async (db, name) => {
      const { rows } = await sql<{ found: boolean }>`
        select to_regclass(${name}) is not null as found`.execute(db);
      return rows[0]?.found === true;
    },
    close: () => {
      closed ??= close();
      return closed;
    },
  });
}
