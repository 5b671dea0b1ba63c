import type { Kysely, Transaction } from 'kysely';
import type { SqlSchema } from './schema.js';

/** The two families of SQL that we speak. */
export type SqlDialect = 'sqlite' | 'postgres';

/** A database that `sqliteDatabase` or `postgresDatabase` opened. */
export interface SqlDatabase {
  readonly dialect: SqlDialect;
  /**
   * Closes what we opened: the file, or the pool that was made of a connection string. A pool that was
   * passed in stays the application's. Call it after `verifier.close()`.
   */
  close(): Promise<void>;
}

/** What the stores need of a database, whatever its dialect. */
export interface DatabaseCore {
  readonly dialect: SqlDialect;
  /** Runs one statement that reads. */
  read<T>(work: (db: Kysely<SqlSchema>) => Promise<T>): Promise<T>;
  /** Runs one statement that writes; it is durable when this resolves. */
  write<T>(work: (db: Kysely<SqlSchema>) => Promise<T>): Promise<T>;
  /**
   * Runs several statements, all or none; durable when this resolves. It may be run anew where the
   * database asks for that, so `work` has no other effects.
   */
  transact<T>(work: (db: Transaction<SqlSchema>) => Promise<T>): Promise<T>;
  /** The same for as long as it takes, and while no other process does it. */
  migrate<T>(work: (db: Transaction<SqlSchema>) => Promise<T>): Promise<T>;
  /** Whether a table exists. */
  hasTable(db: Kysely<SqlSchema>, name: keyof SqlSchema): Promise<boolean>;
  close(): Promise<void>;
}

const cores = new WeakMap<SqlDatabase, DatabaseCore>();

/** Hands out a database and keeps its core to ourselves. */
export function publishDatabase(core: DatabaseCore): SqlDatabase {
  const database: SqlDatabase = Object.freeze<SqlDatabase>({
    dialect: core.dialect,
    close: () => core.close(),
  });
  cores.set(database, core);
  return database;
}

/** @throws TypeError if it is no database of ours. */
export function coreOf(database: SqlDatabase): DatabaseCore {
  const core = cores.get(database);
  if (core === undefined) {
    throw new TypeError('database is what sqliteDatabase or postgresDatabase returned.');
  }
  return core;
}
