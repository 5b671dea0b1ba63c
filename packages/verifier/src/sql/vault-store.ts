import type { Transaction } from 'kysely';
import * as v from 'valibot';
import type { VaultRow, VaultStore } from '../stores/durable-stores.js';
import { column, parseRow } from './columns.js';
import type { SqlSchema } from './schema.js';
import type { SqlSession } from './sql-session.js';

const vaultSchema = v.pipe(
  v.object({
    account: column.text,
    vault_id: column.text,
    manifest: column.text,
    manifest_signature: column.text,
    slots: column.json(v.array(v.strictObject({ id: v.string(), blob: v.string() }))),
    recipients: column.json(
      v.array(
        v.strictObject({
          device: v.string(),
          sealed: v.strictObject({ enc: v.string(), ct: v.string() }),
          pin: v.string(),
        }),
      ),
    ),
  }),
  v.transform(
    (row): VaultRow => ({
      account: row.account,
      vaultId: row.vault_id,
      manifest: row.manifest,
      manifestSignature: row.manifest_signature,
      slots: row.slots,
      recipients: row.recipients,
    }),
  ),
);

/** Writes a vault unless the account has one. */
export async function insertVault(
  db: Transaction<SqlSchema>,
  issuer: string,
  vault: VaultRow,
): Promise<void> {
  await db
    .insertInto('pzk_vaults')
    .values({
      issuer,
      account: vault.account,
      vault_id: vault.vaultId,
      manifest: vault.manifest,
      manifest_signature: vault.manifestSignature,
      slots: JSON.stringify(vault.slots),
      recipients: JSON.stringify(vault.recipients),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Vaults in the table `pzk_vaults`. */
export function sqlVaultStore({ issuer, read }: SqlSession): VaultStore {
  return Object.freeze<VaultStore>({
    get: (account) =>
      read(async (db) => {
        const row = await db
          .selectFrom('pzk_vaults')
          .selectAll()
          .where('issuer', '=', issuer)
          .where('account', '=', account)
          .executeTakeFirst();
        return row && parseRow(vaultSchema, row);
      }),
  });
}
