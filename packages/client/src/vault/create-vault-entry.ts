import {
  type Bytes,
  blobHash,
  concatBytes,
  encodeBase64url,
  equalBytes,
  formatManifest,
  manifestSignatureMessage,
  PzkError,
  pinMessage,
  type SlotFields,
  sealedHash,
  type VaultEntry,
  vaultSealInfo,
} from '@pzk-auth/protocol';
import { sealHpke } from './hpke.js';
import { generateIdentityKey } from './identity-key.js';
import { deriveRecipientKeys } from './recipient-keys.js';
import { sealSlot } from './slot-cipher.js';
import { rememberManifest, type VaultMemory } from './vault-memory.js';

const FIRST_COUNTER = 1;
const FIRST_VERSION = 1;

/** What a new vault is made of. */
export interface CreateVaultEntryOptions {
  readonly issuer: string;
  /** Secret of the first recipient: HKDF key of a PRF output of `get()`. */
  readonly secret: CryptoKey;
  /** A second derivation of the same secret; the vault is made only if both agree. */
  readonly confirmation?: CryptoKey | undefined;
  /** Credential id, base64url. */
  readonly credentialId: string;
  /** COSE key of the credential: the exact slice of authData. */
  readonly coseKey: Uint8Array;
  /** PRF generation of `secret`; 0 where it rests on device storage. */
  readonly generation: number;
  /** The API key for the first slot. */
  readonly apiKey: Bytes;
}

/** A new vault, not yet stored anywhere. */
export interface CreatedVaultEntry {
  readonly entry: VaultEntry;
  /** HPKE public key of the recipient, 65 bytes SEC1. */
  readonly recipientKey: Bytes;
  readonly memory: VaultMemory;
}

const randomId = () => encodeBase64url(crypto.getRandomValues(new Uint8Array(16)));

/**
 * Makes a vault with one recipient and one slot, the API key. Everything is encrypted here; what is
 * returned may be stored by a server.
 *
 * @throws PzkError `prf_mismatch` if the two derivations of the secret disagree: such a vault could
 * never be opened again.
 */
export async function createVaultEntry(
  options: CreateVaultEntryOptions,
): Promise<CreatedVaultEntry> {
  const { issuer, credentialId, generation } = options;
  const vaultId = randomId();
  const recipientId = randomId();
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const derivation = { issuer, vaultId, credentialId, generation };
  const keys = await deriveRecipientKeys(options.secret, derivation, salt);
  if (options.confirmation !== undefined) {
    // Compared through their public keys, so that no PRF output has to be held as bytes.
    const again = await deriveRecipientKeys(options.confirmation, derivation, salt);
    if (!equalBytes(keys.hpkePublicKey, again.hpkePublicKey)) {
      throw new PzkError('prf_mismatch', 'The passkey gave two different secrets.', {
        hint: 'Use a passkey on this device instead of one on another device, or update it.',
      });
    }
  }

  const identity = await generateIdentityKey();
  const vaultKey = crypto.getRandomValues(new Uint8Array(32));
  const secrets = concatBytes(vaultKey, identity.scalar);
  try {
    const counter = FIRST_COUNTER;
    const sealInfo = vaultSealInfo({ issuer, vaultId, recipientId, counter });
    const { enc, ct } = await sealHpke(keys.hpke.publicKey, sealInfo, secrets);
    const sealed = { enc: encodeBase64url(enc), ct: encodeBase64url(ct) };
    const slot: SlotFields = {
      issuer,
      vaultId,
      slotId: randomId(),
      version: FIRST_VERSION,
      kind: 'api-key',
    };
    const blob = encodeBase64url(await sealSlot(vaultKey, slot, options.apiKey));
    const manifest = {
      issuer,
      vault_id: vaultId,
      identity_key: encodeBase64url(identity.publicKey),
      counter,
      previous: '',
      recipients: [
        {
          id: recipientId,
          hpke_key: encodeBase64url(keys.hpkePublicKey),
          credential_id: credentialId,
          cose_key: encodeBase64url(options.coseKey),
          salt: encodeBase64url(salt),
          generation,
          counter,
          sealed_hash: encodeBase64url(sealedHash(sealed)),
        },
      ],
      slots: [
        {
          id: slot.slotId,
          version: slot.version,
          kind: slot.kind,
          blob_hash: encodeBase64url(blobHash(blob)),
        },
      ],
      agents: [],
      receipts_head: '',
    };
    const bytes = formatManifest(manifest);
    const signature = await identity.sign(manifestSignatureMessage(vaultId, bytes));
    const pinned = pinMessage({ issuer, vaultId, recipientId, identityKey: identity.publicKey });
    const pin = await crypto.subtle.sign('HMAC', keys.pinKey, pinned);
    return {
      entry: {
        vault_id: vaultId,
        manifest: encodeBase64url(bytes),
        manifest_signature: encodeBase64url(signature),
        sealed,
        pin: encodeBase64url(new Uint8Array(pin)),
        slots: [{ id: slot.slotId, blob }],
      },
      recipientKey: keys.hpkePublicKey,
      memory: rememberManifest(manifest, bytes),
    };
  } finally {
    secrets.fill(0);
    vaultKey.fill(0);
    identity.scalar.fill(0);
  }
}
