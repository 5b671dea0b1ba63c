import type { Transaction } from 'kysely';
import * as v from 'valibot';
import type { VaultResetRow, VaultResetStore } from '../stores/vault-stores.js';
import { column, parseRow } from './columns.js';
import type { SqlSchema } from './schema.js';
import type { SqlSession } from './sql-session.js';

const resetSchema = v.pipe(
  v.object({
    account: column.text,
    requested_at: column.integer,
    effective_at: column.integer,
  }),
  v.transform(
    (row): VaultResetRow => ({
      account: row.account,
      requestedAt: row.requested_at,
      effectiveAt: row.effective_at,
    }),
  ),
);

/** Deletes the reset whose time has come; `false` if there is none. Of it and a cancellation one succeeds. */
export async function takeReset(
  db: Transaction<SqlSchema>,
  issuer: string,
  account: string,
  at: number,
): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('pzk_vault_resets')
    .where('issuer', '=', issuer)
    .where('account', '=', account)
    .where('effective_at', '<=', at)
    .executeTakeFirst();
  return numDeletedRows === 1n;
}

/** Resets in the table `pzk_vault_resets`. */
export function sqlVaultResetStore({ issuer, read, write }: SqlSession): VaultResetStore {
  return Object.freeze<VaultResetStore>({
    get: (account) =>
      read(async (db) => {
        const row = await db
          .selectFrom('pzk_vault_resets')
          .selectAll()
          .where('issuer', '=', issuer)
          .where('account', '=', account)
          .executeTakeFirst();
        return row && parseRow(resetSchema, row);
      }),
    request: (reset) =>
      write(async (db) => {
        const row = await db
          .insertInto('pzk_vault_resets')
          .values({
            issuer,
            account: reset.account,
            requested_at: reset.requestedAt,
            effective_at: reset.effectiveAt,
          })
          // An update that changes nothing gives the row that is there, which nobody deletes meanwhile.
          .onConflict((conflict) => conflict.columns(['issuer', 'account']).doUpdateSet({ issuer }))
          .returningAll()
          .executeTakeFirst();
        return parseRow(resetSchema, row);
      }),
    cancel: (account) =>
      write(async (db) => {
        const { numDeletedRows } = await db
          .deleteFrom('pzk_vault_resets')
          .where('issuer', '=', issuer)
          .where('account', '=', account)
          .executeTakeFirst();
        return numDeletedRows === 1n;
      }),
  });
}
