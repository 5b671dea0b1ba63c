import type { Transaction } from 'kysely';
import * as v from 'valibot';
import type { VaultRow } from '../stores/vault-stores.js';
import { column, optional } from './columns.js';
import type { SqlSchema } from './schema.js';

/** A row of `pzk_vaults`. */
export const vaultSchema = v.pipe(
  v.object({
    account: column.text,
    vault_id: column.text,
    manifest: column.text,
    manifest_signature: column.text,
    etag: column.text,
    slots: column.json(v.array(v.strictObject({ id: v.string(), blob: v.string() }))),
    recipients: column.json(
      v.array(
        v.strictObject({
          id: v.string(),
          device: v.string(),
          sealed: v.strictObject({ enc: v.string(), ct: v.string() }),
          pin: v.string(),
        }),
      ),
    ),
    successions: column.json(
      v.array(
        v.strictObject({
          old_identity_key: v.string(),
          identity_key: v.string(),
          counter: v.number(),
          previous: v.string(),
          by: v.string(),
          signature: v.string(),
        }),
      ),
    ),
    recovery_key: v.nullable(column.text),
  }),
  v.transform(
    (row): VaultRow => ({
      account: row.account,
      vaultId: row.vault_id,
      manifest: row.manifest,
      manifestSignature: row.manifest_signature,
      etag: row.etag,
      slots: row.slots,
      recipients: row.recipients,
      successions: row.successions,
      ...optional('recoveryKey', row.recovery_key),
    }),
  ),
);

/** What of a vault can change. */
export function toVaultColumns(vault: VaultRow) {
  return {
    vault_id: vault.vaultId,
    manifest: vault.manifest,
    manifest_signature: vault.manifestSignature,
    etag: vault.etag,
    slots: JSON.stringify(vault.slots),
    recipients: JSON.stringify(vault.recipients),
    successions: JSON.stringify(vault.successions),
    recovery_key: vault.recoveryKey ?? null,
  };
}

/** Writes a vault unless the account has one. */
export async function insertVault(
  db: Transaction<SqlSchema>,
  issuer: string,
  vault: VaultRow,
): Promise<void> {
  await db
    .insertInto('pzk_vaults')
    .values({ issuer, account: vault.account, ...toVaultColumns(vault) })
    .onConflict((conflict) => conflict.columns(['issuer', 'account']).doNothing())
    .execute();
}

/** Writes a vault in the place of the one that the account may have. */
export async function replaceVault(
  db: Transaction<SqlSchema>,
  issuer: string,
  vault: VaultRow,
): Promise<void> {
  const columns = toVaultColumns(vault);
  await db
    .insertInto('pzk_vaults')
    .values({ issuer, account: vault.account, ...columns })
    .onConflict((conflict) => conflict.columns(['issuer', 'account']).doUpdateSet(columns))
    .execute();
}
