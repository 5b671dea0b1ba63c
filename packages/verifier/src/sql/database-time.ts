import { sql } from 'kysely';
import { coreOf, type SqlDatabase } from './database.js';

/**
 * What a database server takes for the time, in milliseconds since the epoch; `undefined` for SQLite,
 * which has this machine's clock.
 */
export async function readDatabaseTime(database: SqlDatabase): Promise<number | undefined> {
  const core = coreOf(database);
  if (core.dialect === 'sqlite') return undefined;
  const { rows } = await core.read((db) =>
    sql<{ now: number }>`
      select (extract(epoch from clock_timestamp()) * 1000)::float8 as now`.execute(db),
  );
  return Number(rows[0]?.now);
}
