import { sql } from 'kysely';
import type * as v from 'valibot';
import { parseRow } from './columns.js';
import type { SqlSession } from './sql-session.js';

/** The tables of what is made once, belongs to somebody and can be revoked. */
type RevocableTable = 'pzk_accounts' | 'pzk_keys' | 'pzk_devices';

/** Whose rows are asked for: `user_id` of accounts, `account` of keys and devices. */
interface Owner {
  readonly column: 'user_id' | 'account';
  readonly id: string;
}

/** The rows of an owner in order of creation, as the index on the column holds them. */
export function listRows<T extends v.GenericSchema>(
  { issuer, read }: SqlSession,
  table: RevocableTable,
  owner: Owner,
  schema: T,
): Promise<v.InferOutput<T>> {
  return read(async (db) => {
    const rows = await db
      .selectFrom(table)
      .selectAll()
      .where('issuer', '=', issuer)
      .where(sql.ref(owner.column), '=', owner.id)
      .orderBy('created_at')
      .orderBy('id')
      .execute();
    return parseRow(schema, rows);
  });
}

/** Marks a row as revoked, once: a second call keeps the first time. `false` if there is none. */
export function revokeRow(
  { issuer, write }: SqlSession,
  table: RevocableTable,
  id: string,
  at: number,
): Promise<boolean> {
  return write(async (db) => {
    const { numUpdatedRows } = await db
      .updateTable(table)
      .set((eb) => ({ revoked_at: eb.fn.coalesce('revoked_at', eb.val(at)) }))
      .where('issuer', '=', issuer)
      .where('id', '=', id)
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  });
}
