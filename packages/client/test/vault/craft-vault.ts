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
  type VaultManifest,
  vaultSealInfo,
} from '@pzk-auth/protocol';
import { sealHpke } from '../../src/vault/hpke.js';
import { generateIdentityKey, type NewIdentityKey } from '../../src/vault/identity-key.js';
import { deriveRecipientKeys, type RecipientKeys } from '../../src/vault/recipient-keys.js';
import { sealSlot } from '../../src/vault/slot-cipher.js';

export const issuer = 'https://api.example.com';
export const credentialId = encodeBase64url(new Uint8Array(32).fill(7));

export const randomBytes = (length: number): Bytes =>
  crypto.getRandomValues(new Uint8Array(length));
/** A history of the length that a counter demands; what it stands for nobody knows. */
export function randomHistory(counter: number): string[] {
  const ones = Math.max(counter - 2, 0)
    .toString(2)
    .replaceAll('0', '').length;
  return Array.from({ length: ones }, () => encodeBase64url(randomBytes(32)));
}

export const randomId = () => encodeBase64url(randomBytes(16));

export function importSecret(bytes: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', bytes.slice(), 'HKDF', false, ['deriveBits', 'deriveKey']);
}

/** Everything that makes a vault, in the hands of a test. */
export interface Craft {
  readonly secret: CryptoKey;
  readonly vaultId: string;
  readonly recipientId: string;
  readonly salt: Bytes;
  readonly identity: NewIdentityKey;
  readonly vaultKey: Bytes;
  readonly slotId: string;
  readonly apiKey: Bytes;
}

export async function newCraft(overrides: Partial<Craft> = {}): Promise<Craft> {
  return {
    secret: await importSecret(randomBytes(32)),
    vaultId: randomId(),
    recipientId: randomId(),
    salt: randomBytes(32),
    identity: await generateIdentityKey(),
    vaultKey: randomBytes(32),
    slotId: randomId(),
    apiKey: new TextEncoder().encode('wd_key'),
    ...overrides,
  };
}

/** Where an attacker, or an honest client of another version, departs from the rule. */
export interface CraftChanges {
  readonly issuer?: string;
  readonly counter?: number;
  readonly sealCounter?: number;
  readonly previous?: string;
  readonly history?: string[];
  readonly generation?: number;
  readonly slot?: Partial<SlotFields>;
  readonly sealedSecrets?: Bytes;
  /** HPKE public key to seal to, where the secret of its owner is not known. */
  readonly sealTo?: { readonly publicKey: CryptoKey; readonly bytes: Bytes };
  readonly pin?: Bytes;
  readonly manifest?: (manifest: VaultManifest) => VaultManifest;
}

/** The keys of a craft's recipient. */
export function recipientKeys(craft: Craft, generation = 1, at = issuer): Promise<RecipientKeys> {
  const fields = { issuer: at, vaultId: craft.vaultId, credentialId, generation };
  return deriveRecipientKeys(craft.secret, fields, craft.salt);
}

/** Builds a vault entry as `createVaultEntry` does, but from given parts and with given faults. */
export async function craftVault(craft: Craft, changes: CraftChanges = {}): Promise<VaultEntry> {
  const { vaultId, recipientId, identity, vaultKey, slotId } = craft;
  const at = changes.issuer ?? issuer;
  const { counter = 1, generation = 1 } = changes;
  const keys = await recipientKeys(craft, generation, at);
  const target = changes.sealTo ?? { publicKey: keys.hpke.publicKey, bytes: keys.hpkePublicKey };
  const secrets = changes.sealedSecrets ?? concatBytes(vaultKey, identity.scalar);
  const info = vaultSealInfo({
    issuer: at,
    vaultId,
    recipientId,
    counter: changes.sealCounter ?? counter,
  });
  const { enc, ct } = await sealHpke(target.publicKey, info, secrets);
  const sealed = { enc: encodeBase64url(enc), ct: encodeBase64url(ct) };
  const slot: SlotFields = { issuer: at, vaultId, slotId, version: 1, kind: 'api-key' };
  const blob = encodeBase64url(
    await sealSlot(vaultKey, { ...slot, ...changes.slot }, craft.apiKey),
  );
  const honest: VaultManifest = {
    issuer: at,
    vault_id: vaultId,
    identity_key: encodeBase64url(identity.publicKey),
    counter,
    previous: changes.previous ?? '',
    history: changes.history ?? randomHistory(counter),
    recipients: [
      {
        id: recipientId,
        hpke_key: encodeBase64url(target.bytes),
        credential_id: credentialId,
        cose_key: encodeBase64url(new Uint8Array(77)),
        salt: encodeBase64url(craft.salt),
        generation,
        counter,
        sealed_hash: encodeBase64url(sealedHash(sealed)),
      },
    ],
    slots: [
      { id: slotId, version: 1, kind: 'api-key', blob_hash: encodeBase64url(blobHash(blob)) },
    ],
    agents: [],
    receipts_head: '',
  };
  const manifest = changes.manifest?.(honest) ?? honest;
  const bytes = formatManifest(manifest);
  const signature = await identity.sign(manifestSignatureMessage(vaultId, bytes));
  const pinned = pinMessage({ issuer: at, vaultId, recipientId, identityKey: identity.publicKey });
  const pin = changes.pin ?? new Uint8Array(await crypto.subtle.sign('HMAC', keys.pinKey, pinned));
  return {
    vault_id: vaultId,
    manifest: encodeBase64url(bytes),
    manifest_signature: encodeBase64url(signature),
    sealed,
    pin: encodeBase64url(pin),
    slots: [{ id: slotId, blob }],
  };
}
