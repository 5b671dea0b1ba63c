import {
  type Bytes,
  blobHash,
  concatBytes,
  encodeBase64url,
  formatManifest,
  manifestSignatureMessage,
  pinMessage,
  type SlotFields,
  type SlotKind,
  sealedHash,
  type VaultEntry,
  vaultSealInfo,
} from '@pzk-auth/protocol';
import { sealHpke } from './hpke.js';
import { generateIdentityKey } from './identity-key.js';
import { randomId } from './random-id.js';
import { type ConfirmedSecret, deriveConfirmedKeys } from './recipient-keys.js';
import { encodeNames } from './slot-changes.js';
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
  /** What the user calls the device. Default: nothing. */
  readonly deviceName?: string | undefined;
}

/** A new vault, not yet stored anywhere. */
export interface CreatedVaultEntry {
  readonly entry: VaultEntry;
  /** HPKE public key of the recipient, 65 bytes SEC1. */
  readonly recipientKey: Bytes;
  readonly memory: VaultMemory;
}

/**
 * Makes a vault with one recipient and one slot, the API key, or two where the device has a name. Everything is encrypted here; what is
 * returned may be stored by a server.
 *
 * @throws PzkError `prf_mismatch` if the two derivations of the secret disagree: such a vault could
 * never be opened again.
 */
export async function createVaultEntry(
  options: CreateVaultEntryOptions,
): Promise<CreatedVaultEntry> {
  const { issuer, credentialId, generation, deviceName } = options;
  const vaultId = randomId();
  const recipientId = randomId();
  const names =
    deviceName === undefined ? undefined : encodeNames(new Map([[recipientId, deviceName]]));
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
    const seal = async (kind: SlotKind, plaintext: Bytes) => {
      const slotId = randomId();
      const version = FIRST_VERSION;
      const fields: SlotFields = { issuer, vaultId, slotId, version, kind };
      const blob = encodeBase64url(await sealSlot(vaultKey, fields, plaintext));
      return { id: slotId, version, kind, blob };
    };
    const slots = [await seal('api-key', options.apiKey)];
    if (names !== undefined) slots.push(await seal('names', names));
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
      slots: slots.map(({ blob, ...slot }) => ({
        ...slot,
        blob_hash: encodeBase64url(blobHash(blob)),
      })),
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
        slots: slots.map(({ id, blob }) => ({ id, blob })),
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
