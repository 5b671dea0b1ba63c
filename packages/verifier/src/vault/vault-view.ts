import {
  ancestryPlaces,
  decodeBase64url,
  parseManifest,
  type VaultEntry,
  type VaultOpenResponse,
} from '@pzk-auth/protocol';
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

/** What leads from the manifest that a device remembers to the stored one, docs/protocol.md section 12.4. */
async function ancestryOf(
  engine: Engine,
  { account, manifest }: VaultRow,
  remembered: number | undefined,
): Promise<string[]> {
  if (remembered === undefined) return [];
  const { counter } = parseManifest(decodeBase64url(manifest));
  const places = ancestryPlaces(counter, remembered);
  if (places.length === 0) return [];
  const nodes = await engine.stores.vaults.findHistory(account, places);
  return places.map(({ level, position }) => {
    const node = nodes.find((one) => one.level === level && one.position === position);
    if (node !== undefined) return node.hash;
    // No fault of the store that would pass: each write adds its own.
    throw new Error(`The history of a vault lacks level ${level}, position ${position}.`);
  });
}

/** What an opening gives; `remembered` is the counter of the manifest that the device remembers. */
export async function vaultOpening(
  engine: Engine,
  vault: VaultRow,
  recipient: VaultRecipientRow,
  remembered: number | undefined,
): Promise<VaultOpenResponse> {
  return {
    vault: vaultEntryFor(vault, recipient),
    ancestry: await ancestryOf(engine, vault, remembered),
    successions: [...vault.successions],
    ...(await vaultNotices(engine, vault)),
  };
}
