import type { VaultEntry, VaultOpenResponse } from '@pzk-auth/protocol';
import type { Engine } from '../exchange/engine.js';
import type { VaultRecipientRow, VaultRow } from '../stores/vault-stores.js';

/** The vault as one recipient gets it. */
export function vaultEntryFor(vault: VaultRow, recipient: VaultRecipientRow): VaultEntry {
  return {
    vault_id: vault.vaultId,
    manifest: vault.manifest,
    manifest_signature: vault.manifestSignature,
    sealed: recipient.sealed,
    pin: recipient.pin,
    slots: [...vault.slots],
  };
}

/** What waits to be done about a vault, docs/protocol.md sections 12.15 and 12.16. */
export async function vaultNotices(
  engine: Engine,
  vault: VaultRow,
): Promise<Pick<VaultOpenResponse, 'revoked' | 'reset_at'>> {
  const { devices, resets } = engine.stores;
  const [rows, reset] = await Promise.all([
    devices.listByAccount(vault.account),
    resets.get(vault.account),
  ]);
  const revoked = new Set(
    rows.filter(({ revokedAt }) => revokedAt !== undefined).map(({ id }) => id),
  );
  return {
    revoked: vault.recipients.filter(({ device }) => revoked.has(device)).map(({ id }) => id),
    ...(reset === undefined ? {} : { reset_at: Math.ceil(reset.effectiveAt / 1000) }),
  };
}

/** What an opening gives. */
export async function vaultOpening(
  engine: Engine,
  vault: VaultRow,
  recipient: VaultRecipientRow,
): Promise<VaultOpenResponse> {
  return {
    vault: vaultEntryFor(vault, recipient),
    successions: [...vault.successions],
    ...(await vaultNotices(engine, vault)),
  };
}
