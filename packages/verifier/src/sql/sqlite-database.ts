import { fileURLToPath } from 'node:url';
import { Kysely, SqliteDialect, sql } from 'kysely';
import { type DatabaseCore, publishDatabase, type SqlDatabase } from './database.js';
import { isBusy, openLibsql } from './libsql-connection.js';
import { retryWhile } from './retry.js';
import type { SqlSchema } from './schema.js';

function resolvePath(path: string | URL): string {
  if (path instanceof URL) return fileURLToPath(path);
  // libsql would take an address for a remote database, and :memory: for one that is forgotten.
  if (typeof path !== 'string' || path.trim() === '' || /^:|^[a-z][a-z0-9+.-]+:|\0/i.test(path)) {
    throw new TypeError('sqliteDatabase takes the path of a file.');
  }
  return path;
}

/**
 * A SQLite file on a local disk, through libsql, for one machine: several processes may use it at
 * once. Its directory has to exist; the file is made when it is first used, readable by its owner.
 *
 * What was acknowledged survives the end of the process at any moment (also `kill -9`), and a loss of
 * power as far as the disk keeps what it has confirmed. Not for network file systems.
 *
 * Calls run in the caller's thread. Needs the packages `kysely` and `libsql`.
 *
 * @throws TypeError if the path is none
 */
export function sqliteDatabase(path: string | URL): SqlDatabase {
  const file = resolvePath(path);
  const kysely = new Kysely<SqlSchema>({
    dialect: new SqliteDialect({ database: () => openLibsql(file) }),
  });
  const transact: DatabaseCore['transact'] = (work) =>
    retryWhile(isBusy, () => kysely.transaction().execute(work));
  return publishDatabase({
    dialect: 'sqlite',
    read: (work) => retryWhile(isBusy, () => work(kysely)),
    write: (work) => retryWhile(isBusy, () => kysely.transaction().execute(work)),
    transact,
    // The transaction holds the write lock from its first statement on.
    migrate: transact,
    hasTable: async (db, name) => {
      const { rows } = await sql`
        select 1 from sqlite_master where type = 'table' and name = ${name}`.execute(db);
      return rows.length > 0;
    },
    close: () => kysely.destroy(),
  });
}
