import * as v from 'valibot';
import type { AccountRow, AccountStore } from '../stores/durable-stores.js';
import { column, optional } from './columns.js';
import { findRow } from './find-row.js';
import { listRows, revokeRow } from './revocable-rows.js';
import type { SqlSession } from './sql-session.js';

const accountSchema = v.pipe(
  v.object({
    id: column.text,
    user_id: v.nullable(column.text),
    created_at: column.integer,
    revoked_at: v.nullable(column.integer),
  }),
  v.transform(
    (row): AccountRow => ({
      id: row.id,
      ...optional('user', row.user_id),
      createdAt: row.created_at,
      ...optional('revokedAt', row.revoked_at),
    }),
  ),
);

const accountsSchema = v.array(accountSchema);

/** Accounts in the table `pzk_accounts`. */
export function sqlAccountStore(session: SqlSession): AccountStore {
  const { issuer, write } = session;
  return Object.freeze<AccountStore>({
    insert: (account) =>
      write(async (db) => {
        await db
          .insertInto('pzk_accounts')
          .values({
            issuer,
            id: account.id,
            user_id: account.user ?? null,
            created_at: account.createdAt,
            revoked_at: account.revokedAt ?? null,
          })
          .execute();
      }),
    get: (id) => findRow(session, 'pzk_accounts', id, accountSchema),
    linkUser: (id, user) =>
      write(async (db) => {
        const { numUpdatedRows } = await db
          .updateTable('pzk_accounts')
          .set({ user_id: user })
          .where('issuer', '=', issuer)
          .where('id', '=', id)
          .where((eb) => eb.or([eb('user_id', 'is', null), eb('user_id', '=', user)]))
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      }),
    listByUser: (user) =>
      listRows(session, 'pzk_accounts', { column: 'user_id', id: user }, accountsSchema),
    revoke: (id, at) => revokeRow(session, 'pzk_accounts', id, at),
  });
}
