import type * as v from 'valibot';
import { parseRow } from './columns.js';
import type { SqlSession } from './sql-session.js';

/** The tables whose rows have an id of their own. */
type TableWithId = 'pzk_accounts' | 'pzk_invitations' | 'pzk_pairings' | 'pzk_releases';

/** The row of an id, if there is one. */
export function findRow<T extends v.GenericSchema>(
  { issuer, read }: SqlSession,
  table: TableWithId,
  id: string,
  schema: T,
): Promise<v.InferOutput<T> | undefined> {
  return read(async (db) => {
    const row = await db
      .selectFrom(table)
      .selectAll()
      .where('issuer', '=', issuer)
      .where('id', '=', id)
      .executeTakeFirst();
    return row && parseRow(schema, row);
  });
}
