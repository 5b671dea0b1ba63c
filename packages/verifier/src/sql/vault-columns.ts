import type { HistoryNode } from '@pzk-auth/protocol';
import type { Kysely, Transaction } from 'kysely';
import * as v from 'valibot';
import type { VaultRow } from '../stores/vault-stores.js';
import { column, optional, parseRow } from './columns.js';
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

type Place = Pick<HistoryNode, 'level' | 'position'>;

const placeOf = ({ level, position }: Place) => `${level} ${position}`;

const historySchema = v.array(v.object({ place: column.text, hash: column.text }));

/** Reads nodes of the history of a vault. */
export async function selectHistory(
  db: Kysely<SqlSchema>,
  issuer: string,
  account: string,
  places: readonly Place[],
): Promise<readonly HistoryNode[]> {
  if (places.length === 0) return [];
  const rows = await db
    .selectFrom('pzk_vault_history')
    .select(['place', 'hash'])
    .where('issuer', '=', issuer)
    .where('account', '=', account)
    .where('place', 'in', places.map(placeOf))
    .execute();
  const hashes = new Map(parseRow(historySchema, rows).map(({ place, hash }) => [place, hash]));
  return places.flatMap(({ level, position }) => {
    const hash = hashes.get(placeOf({ level, position }));
    return hash === undefined ? [] : { level, position, hash };
  });
}

/** Writes what the history of a vault gains. The vault has to be locked. */
export async function insertHistory(
  db: Transaction<SqlSchema>,
  issuer: string,
  account: string,
  nodes: readonly HistoryNode[],
): Promise<void> {
  if (nodes.length === 0) return;
  await db
    .insertInto('pzk_vault_history')
    .values(nodes.map((node) => ({ issuer, account, place: placeOf(node), hash: node.hash })))
    .execute();
}

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

/** Whether a write was refused by a unique constraint. */
export function isDuplicate(error: unknown): boolean {
  const code = error instanceof Error ? String(Reflect.get(error, 'code')) : '';
  return code === '23505' || code === 'SQLITE_CONSTRAINT_UNIQUE';
}

/** Writes a vault unless the account has one. `false` if another account has one of this id. */
export async function insertVault(
  db: Transaction<SqlSchema>,
  issuer: string,
  vault: VaultRow,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('pzk_vaults')
    .values({ issuer, account: vault.account, ...toVaultColumns(vault) })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows === 1n) return true;
  const own = await db
    .selectFrom('pzk_vaults')
    .select('account')
    .where('issuer', '=', issuer)
    .where('account', '=', vault.account)
    .executeTakeFirst();
  return own !== undefined;
}

/**
 * Writes a vault in the place of the one that the account may have. `false`, and then the transaction is
 * lost, if another account has one of this id.
 */
export async function replaceVault(
  db: Transaction<SqlSchema>,
  issuer: string,
  vault: VaultRow,
): Promise<boolean> {
  const columns = toVaultColumns(vault);
  try {
    await db
      .insertInto('pzk_vaults')
      .values({ issuer, account: vault.account, ...columns })
      .onConflict((conflict) => conflict.columns(['issuer', 'account']).doUpdateSet(columns))
      .execute();
    return true;
  } catch (error) {
    if (isDuplicate(error)) return false;
    throw error;
  }
}
