import {
  type Bytes,
  decodeBase64url,
  manifestSignatureMessage,
  PzkError,
  type SlotFields,
  type VaultManifest,
  type VaultRecipient,
} from '@pzk-auth/protocol';
import { signWithScalar } from './identity-key.js';
import type { SeenGeneration } from './seen-generation.js';
import { openSlot } from './slot-cipher.js';
import type { VaultMemory } from './vault-memory.js';

/** Bytes of the vault key, the first of a vault's secrets; the identity key's scalar follows it. */
export const VAULT_KEY_BYTES = 32;

/** A vault that passed every check, with its secrets. Internal: it leaves no function of this package. */
export interface UnlockedVault {
  readonly manifest: VaultManifest;
  /** Those of the manifest. */
  readonly bytes: Bytes;
  /** Over `bytes`, 64 bytes. */
  readonly signature: Bytes;
  /** The recipient as which it was opened. */
  readonly recipient: VaultRecipient;
  /** Of that recipient. */
  readonly pinKey: CryptoKey;
  /** Vault key and identity scalar, 64 bytes. Secret: see {@link wipeVault}. */
  readonly secrets: Bytes;
  /** base64url by slot id. One is missing where the server keeps other bytes than the manifest lists. */
  readonly blobs: ReadonlyMap<string, string>;
  readonly memory: VaultMemory;
  /** The recipient's next PRF generation, where a touch gave it. */
  readonly seenNext?: SeenGeneration | undefined;
}

/** Overwrites the secrets of a vault. Nothing of it opens or signs afterwards. */
export function wipeVault({ secrets }: UnlockedVault): void {
  secrets.fill(0);
}

/** Signs with the vault's identity key. */
export async function signAsVault(
  { secrets, manifest }: Pick<UnlockedVault, 'secrets' | 'manifest'>,
  message: Bytes,
): Promise<Bytes> {
  const scalar = secrets.slice(VAULT_KEY_BYTES);
  try {
    return await signWithScalar(scalar, decodeBase64url(manifest.identity_key), message);
  } finally {
    scalar.fill(0);
  }
}

/** Signs a manifest with the identity key that it names. */
export function signManifest(
  vault: Pick<UnlockedVault, 'secrets' | 'manifest'>,
  bytes: Bytes,
): Promise<Bytes> {
  return signAsVault(vault, manifestSignatureMessage(vault.manifest.vault_id, bytes));
}

/** Where a slot of a manifest stands. */
export function slotFields(
  manifest: VaultManifest,
  slot: VaultManifest['slots'][number],
): SlotFields {
  const { issuer, vault_id: vaultId } = manifest;
  return { issuer, vaultId, slotId: slot.id, version: slot.version, kind: slot.kind };
}

/**
 * Decrypts a slot to its plaintext; overwrite it after use.
 *
 * @throws PzkError `not_found`, `vault_slot_damaged`; `vault_slot_invalid` where its blob is missing
 */
export async function openSlotOf(vault: UnlockedVault, slotId: string): Promise<Bytes> {
  const { manifest, blobs, secrets } = vault;
  const slot = manifest.slots.find(({ id }) => id === slotId);
  const blob = blobs.get(slotId);
  if (slot === undefined) throw new PzkError('not_found', 'The vault has no such slot.');
  if (blob === undefined) {
    throw new PzkError('vault_slot_invalid', 'The slot is not the one of the manifest.');
  }
  const vaultKey = secrets.slice(0, VAULT_KEY_BYTES);
  try {
    return await openSlot(vaultKey, slotFields(manifest, slot), decodeBase64url(blob));
  } finally {
    vaultKey.fill(0);
  }
}
