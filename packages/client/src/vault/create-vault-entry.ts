import {
  type Bytes,
  blobHash,
  concatBytes,
  encodeBase64url,
  formatManifest,
  manifestSignatureMessage,
  pinMessage,
  type SlotFields,
  sealedHash,
  type VaultEntry,
  vaultSealInfo,
} from '@pzk-auth/protocol';
import { sealHpke } from './hpke.js';
import { generateIdentityKey } from './identity-key.js';
import { randomId } from './random-id.js';
import { type ConfirmedSecret, deriveConfirmedKeys } from './recipient-keys.js';
import { sealSlot } from './slot-cipher.js';
import { rememberManifest, type VaultMemory } from './vault-memory.js';

const FIRST_COUNTER = 1;
const FIRST_VERSION = 1;

/** What a new vault is made of. */
export interface CreateVaultEntryOptions extends ConfirmedSecret {
  readonly issuer: string;
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
  const keys = await deriveConfirmedKeys(options, derivation, salt);

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
      history: [],
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
