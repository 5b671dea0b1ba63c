import { closeSync, openSync } from 'node:fs';
import type { SqliteDatabase as KyselySqliteDatabase, SqliteStatement } from 'kysely';
import type Libsql from 'libsql';

/** Milliseconds that SQLite itself waits for a lock, during which nothing else runs in this thread. */
const BUSY_TIMEOUT = 10;

/** How many prepared statements are kept. Ours are fewer. */
const STATEMENT_LIMIT = 256;

/** What Kysely sends for a transaction, and what we make of it. */
const TRANSACTION_STATEMENTS: ReadonlyMap<string, string> = new Map([
  // Takes the write lock at once: a transaction that reads first could not get it later.
  ['begin', 'begin immediate'],
  ['commit', 'commit'],
  ['rollback', 'rollback'],
]);

async function loadLibsql(): Promise<typeof Libsql> {
  try {
    return (await import('libsql')).default;
  } catch (cause) {
    throw new Error('sqliteDatabase needs the package libsql: npm install libsql.', { cause });
  }
}

/** Whether SQLite refused only because another connection was at it. */
export function isBusy(error: unknown): boolean {
  return error instanceof Error && /^SQLITE_BUSY/.test(String(Reflect.get(error, 'code')));
}

/**
 * Opens a file so that what was acknowledged stays: write-ahead log, synchronised at each commit.
 * Kysely's SQLite dialect drives the result.
 */
export async function openLibsql(path: string): Promise<KyselySqliteDatabase> {
  const Database = await loadLibsql();
  // SQLite would create it readable for everybody; its -wal and -shm files take over the mode.
  closeSync(openSync(path, 'a', 0o600));
  const database = new Database(path, { timeout: BUSY_TIMEOUT });
  try {
    const [mode] = database.prepare('pragma journal_mode = wal').all() as unknown[];
    if (typeof mode !== 'object' || mode === null || Reflect.get(mode, 'journal_mode') !== 'wal') {
      throw new Error('This file system does not allow a write-ahead log.');
    }
    // FULL, not the usual NORMAL: with NORMAL the last commits are lost when the power fails.
    database.exec('pragma synchronous = full');
    // On macOS only this reaches the medium.
    database.exec('pragma fullfsync = on');
    return wrapDatabase(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Three properties of libsql 0.5 are answered here.
 *
 * A prepared statement that was refused as busy stays open until it is collected, and as long as it
 * does SQLite commits no autocommit write of this connection: those would look done and be gone after
 * a crash. So locks are asked for by `exec`, which leaves nothing open, every write stands in a
 * transaction that says so, and a commit that could not be one fails.
 *
 * Preparing a statement anew for each call costs memory until the next collection: they are kept.
 *
 * Some calls on a closed database end the whole process: none is made after `close`.
 */
function wrapDatabase(database: Libsql.Database): KyselySqliteDatabase {
  const statements = new Map<string, SqliteStatement>();
  let open = true;

  function assertOpen(): void {
    if (!open) throw new Error('The database is closed.');
  }

  function prepare(sql: string): SqliteStatement {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const prepared = database.prepare<unknown[]>(sql);
    const { reader } = prepared;
    const statement: SqliteStatement = {
      reader,
      all: (parameters) => {
        assertOpen();
        return prepared.all([...parameters]);
      },
      run: (parameters) => {
        assertOpen();
        if (!database.inTransaction) throw new Error('A write outside of a transaction.');
        return prepared.run([...parameters]);
      },
      iterate: (parameters) => {
        assertOpen();
        return prepared.iterate([...parameters]);
      },
    };
    if (statements.size >= STATEMENT_LIMIT) {
      const [oldest] = statements.keys();
      if (oldest !== undefined) statements.delete(oldest);
    }
    statements.set(sql, statement);
    return statement;
  }

  function control(sql: string): SqliteStatement {
    return {
      reader: false,
      all: () => [],
      run: () => {
        assertOpen();
        // A failure as grave as a full disk has rolled back already.
        if (sql !== 'rollback' || database.inTransaction) database.exec(sql);
        return { changes: 0, lastInsertRowid: 0 };
      },
      iterate: () => [][Symbol.iterator](),
    };
  }

  return {
    prepare: (sql) => {
      assertOpen();
      const statement = TRANSACTION_STATEMENTS.get(sql);
      return statement === undefined ? prepare(sql) : control(statement);
    },
    close: () => {
      if (!open) return;
      open = false;
      statements.clear();
      database.close();
    },
  };
}
