import {
  type Bytes,
  blobHash,
  decodeBase64url,
  encodeBase64url,
  equalBytes,
  manifestSignatureMessage,
  PzkError,
  parseJson,
  parseManifest,
  pinMessage,
  SEC1_POINT_BYTES,
  sealedHash,
  type VaultEntry,
  type VaultManifest,
  type VaultRecipient,
  vaultSealInfo,
} from '@pzk-auth/protocol';
import { openHpke } from './hpke.js';
import { isIdentityScalar, verifyIdentitySignature } from './identity-key.js';
import { deriveRecipientKeys, type RecipientKeys } from './recipient-keys.js';
import { openSlot } from './slot-cipher.js';
import { assertNotRolledBack, rememberManifest, type VaultMemory } from './vault-memory.js';

const VAULT_KEY_BYTES = 32;

/** What opening a vault takes. */
export interface OpenVaultEntryOptions {
  readonly issuer: string;
  /** Credential id of this device, base64url. */
  readonly credentialId: string;
  readonly entry: VaultEntry;
  /**
   * The secret of this device for a PRF generation. May ask the user. The generation comes from a
   * manifest that is not trusted yet.
   */
  readonly secretFor: (generation: number) => Promise<CryptoKey>;
  /** What this device remembers of the vault; absent on a fresh one. */
  readonly memory?: VaultMemory | undefined;
}

/** An opened vault. Overwrite `apiKey` after use. */
export interface OpenedVaultEntry {
  readonly apiKey: Bytes;
  readonly generation: number;
  readonly memory: VaultMemory;
}

function manifestError(cause?: unknown): PzkError {
  const options = cause === undefined ? {} : { cause };
  return new PzkError('vault_manifest_invalid', 'The manifest of the vault is refused.', options);
}

/** The key that the manifest claims to be signed with: all that is read before the signature. */
function readClaimedIdentityKey(manifest: Bytes): Bytes {
  try {
    const value = parseJson(manifest);
    if (typeof value !== 'object' || value === null || !('identity_key' in value))
      throw manifestError();
    if (typeof value.identity_key !== 'string') throw manifestError();
    return decodeBase64url(value.identity_key, SEC1_POINT_BYTES);
  } catch (cause) {
    throw manifestError(cause);
  }
}

/**
 * Checks the signature by the key that the manifest itself claims, then parses it. A server can pass
 * this with a key of its own: nothing is trusted until the pin covers that key.
 */
async function readManifest(entry: VaultEntry): Promise<{ manifest: VaultManifest; bytes: Bytes }> {
  const bytes = decodeBase64url(entry.manifest);
  const message = manifestSignatureMessage(entry.vault_id, bytes);
  const signature = decodeBase64url(entry.manifest_signature);
  if (!(await verifyIdentitySignature(readClaimedIdentityKey(bytes), signature, message))) {
    throw manifestError();
  }
  return { manifest: parseManifest(bytes), bytes };
}

async function assertPin(
  keys: RecipientKeys,
  recipient: VaultRecipient,
  manifest: VaultManifest,
  options: OpenVaultEntryOptions,
): Promise<void> {
  // Issuer and ids of this client and of the entry: a pin made elsewhere does not fit here.
  const message = pinMessage({
    issuer: options.issuer,
    vaultId: options.entry.vault_id,
    recipientId: recipient.id,
    identityKey: decodeBase64url(manifest.identity_key),
  });
  const pin = decodeBase64url(options.entry.pin);
  if (await crypto.subtle.verify('HMAC', keys.pinKey, pin, message)) return;
  throw new PzkError('vault_pin_mismatch', 'This passkey never approved the signer of the vault.', {
    hint: 'The vault may have been replaced. Do not enter the API key; ask the operator.',
  });
}

function sealedError(cause?: unknown): PzkError {
  const options = cause === undefined ? {} : { cause };
  return new PzkError('vault_sealed_invalid', 'The sealed key of the vault is refused.', options);
}

async function unseal(
  keys: RecipientKeys,
  recipient: VaultRecipient,
  manifest: VaultManifest,
  { issuer, entry }: OpenVaultEntryOptions,
): Promise<Bytes> {
  const listed = decodeBase64url(recipient.sealed_hash);
  if (!equalBytes(sealedHash(entry.sealed), listed)) throw sealedError();
  if (!equalBytes(keys.hpkePublicKey, decodeBase64url(recipient.hpke_key))) throw sealedError();
  const info = vaultSealInfo({
    issuer,
    vaultId: entry.vault_id,
    recipientId: recipient.id,
    counter: recipient.counter,
  });
  const sealed = {
    enc: decodeBase64url(entry.sealed.enc),
    ct: decodeBase64url(entry.sealed.ct),
  };
  let secrets: Bytes;
  try {
    secrets = await openHpke(keys.hpke, info, sealed);
  } catch (cause) {
    throw sealedError(cause);
  }
  const scalar = secrets.slice(VAULT_KEY_BYTES);
  try {
    // Who holds the vault key holds the identity key, or something was put together from two vaults.
    if (await isIdentityScalar(scalar, decodeBase64url(manifest.identity_key))) {
      return secrets.slice(0, VAULT_KEY_BYTES);
    }
    throw sealedError();
  } finally {
    scalar.fill(0);
    secrets.fill(0);
  }
}

/** Every slot of the entry is in the manifest, in its order, and none is missing. */
function assertSlots(entry: VaultEntry, manifest: VaultManifest): void {
  const listed = manifest.slots;
  const covered =
    entry.slots.length === listed.length &&
    entry.slots.every(({ id, blob }, index) => {
      const slot = listed[index];
      return slot?.id === id && slot.blob_hash === encodeBase64url(blobHash(blob));
    });
  if (covered) return;
  throw new PzkError('vault_slot_invalid', 'The slots are not those of the manifest.');
}

/**
 * Opens a vault entry from the server. In this order:
 *
 * 1. the signature over the manifest's bytes, by the identity key that the manifest claims. The pin
 *    is keyed with a salt from the roster inside the manifest, so one of the two has to be read
 *    first; up to the pin, what was read chooses only which derivation to try.
 * 2. neither rolled back, forked nor replaced against what this device remembers. Before `secretFor`:
 *    a device that knows its vault asks nobody for a touch at the word of another signer, and is not
 *    told by one that its secret lies elsewhere;
 * 3. the pin of this recipient covers that identity key, for this issuer, vault and recipient;
 * 4. issuer and vault id of the manifest;
 * 5. the hash of what is sealed; it opens; the identity scalar in it fits the identity key;
 * 6. every slot, its order and its hash;
 * 7. the slot decrypts in its place.
 *
 * @throws PzkError `vault_manifest_invalid`, `vault_pin_mismatch`, `vault_sealed_invalid`,
 * `vault_slot_invalid`, `vault_rollback`; and what `secretFor` throws.
 */
export async function openVaultEntry(options: OpenVaultEntryOptions): Promise<OpenedVaultEntry> {
  const { issuer, entry, credentialId, memory } = options;
  const { manifest, bytes } = await readManifest(entry);
  if (memory !== undefined) assertNotRolledBack(manifest, bytes, memory);
  const recipient = manifest.recipients.find((one) => one.credential_id === credentialId);
  if (recipient === undefined) throw manifestError();

  const { generation } = recipient;
  const keys = await deriveRecipientKeys(
    await options.secretFor(generation),
    { issuer, vaultId: entry.vault_id, credentialId, generation },
    decodeBase64url(recipient.salt),
  );
  await assertPin(keys, recipient, manifest, options);
  if (manifest.issuer !== issuer || manifest.vault_id !== entry.vault_id) throw manifestError();
  const vaultKey = await unseal(keys, recipient, manifest, options);
  try {
    assertSlots(entry, manifest);
    const index = manifest.slots.findIndex(({ kind }) => kind === 'api-key');
    const slot = manifest.slots[index];
    const stored = entry.slots[index];
    if (slot === undefined || stored === undefined) {
      throw new PzkError('vault_missing', 'The vault holds no API key.');
    }
    const fields = {
      issuer,
      vaultId: entry.vault_id,
      slotId: slot.id,
      version: slot.version,
      kind: slot.kind,
    };
    const apiKey = await openSlot(vaultKey, fields, decodeBase64url(stored.blob));
    return { apiKey, generation, memory: rememberManifest(manifest, bytes) };
  } finally {
    vaultKey.fill(0);
  }
}
