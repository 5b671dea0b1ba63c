import * as v from 'valibot';
import { decodeBase64url } from '../base64url.js';
import { type Bytes, concatBytes } from '../bytes.js';
import { sha256 } from '../hash.js';
import { lp } from '../length-prefix.js';
import { limits } from '../limits.js';
import {
  base64urlBetween,
  base64urlBytes,
  boundedArray,
  identifier,
} from '../messages/wire-types.js';
import type { SlotKind } from './slot.js';
import { GCM_IV_BYTES, GCM_TAG_BYTES, SEC1_POINT_BYTES, VAULT_SECRET_BYTES } from './vault-seal.js';
import { PADDED_BYTES } from './vault-secret.js';

/** HPKE: vault key and identity scalar sealed to one recipient. */
export const sealedSchema = v.strictObject({
  enc: base64urlBytes(SEC1_POINT_BYTES),
  ct: base64urlBytes(VAULT_SECRET_BYTES + GCM_TAG_BYTES),
});

/** Bytes of sealed slots, read off their base64url. */
function blobBytes(slots: readonly { readonly blob: string }[]): number {
  return slots.reduce((sum, { blob }) => sum + Math.floor((blob.length * 3) / 4), 0);
}

/** Sealed slots. A blob is IV (12 bytes), ciphertext, tag (16 bytes). */
export const slotBlobsSchema = v.pipe(
  boundedArray(
    v.strictObject({
      id: identifier,
      blob: base64urlBetween(GCM_IV_BYTES + 1 + GCM_TAG_BYTES, limits.slotBlobBytes),
    }),
    0,
    limits.vaultSlots,
  ),
  v.check((slots) => fitsVault(slots)),
);

/**
 * Whether sealed slots together keep the limit of a vault. Whoever completes a write by what is stored
 * asks it again for the whole.
 */
export function fitsVault(slots: readonly { readonly blob: string }[]): boolean {
  return blobBytes(slots) <= limits.vaultBlobBytes;
}

/** Printable ASCII and white space. */
const isTextByte = (byte: number) =>
  (byte >= 0x20 && byte <= 0x7e) || [0x09, 0x0a, 0x0d].includes(byte);

/**
 * Whether a blob can be the ciphertext of a slot, docs/protocol.md section 12.7. A net for clients that
 * store plaintext by mistake, and no proof of encryption.
 */
export function mayBeSealed(kind: SlotKind, blob: string): boolean {
  const bytes = decodeBase64url(blob);
  if (bytes.every(isTextByte)) return false;
  const plaintextBytes = bytes.length - GCM_IV_BYTES - GCM_TAG_BYTES;
  return kind === 'api-key' || plaintextBytes % PADDED_BYTES === 0;
}

/** What the server keeps of a vault for one recipient. */
export const vaultEntrySchema = v.strictObject({
  vault_id: identifier,
  /** Bytes of the signed manifest, opaque on the way. */
  manifest: base64urlBetween(2, limits.manifestBytes),
  /** ECDSA signature, 64 bytes r and s. */
  manifest_signature: base64urlBytes(64),
  sealed: sealedSchema,
  /** This recipient's statement on who may sign the vault. */
  pin: base64urlBytes(32),
  /** In the manifest's order. */
  slots: slotBlobsSchema,
});

/** A vault entry on the wire. */
export type VaultEntry = v.InferOutput<typeof vaultEntrySchema>;

/** The raw bytes of a sealed vault key: `enc` followed by `ct`, both of fixed length. */
export function sealedBytes(sealed: VaultEntry['sealed']): Bytes {
  return concatBytes(decodeBase64url(sealed.enc), decodeBase64url(sealed.ct));
}

/** SHA-256 of a sealed vault key, as the manifest lists it. */
export function sealedHash(sealed: VaultEntry['sealed']): Bytes {
  return sha256(sealedBytes(sealed));
}

/** SHA-256 of a slot's blob, as the manifest lists it. */
export function blobHash(blob: string): Bytes {
  return sha256(decodeBase64url(blob));
}

/** The hash of a whole vault entry, which the proof of an enrolment binds. */
export function vaultEntryHash(entry: VaultEntry): Bytes {
  return sha256(
    lp(
      entry.vault_id,
      decodeBase64url(entry.manifest),
      decodeBase64url(entry.manifest_signature),
      sealedBytes(entry.sealed),
      decodeBase64url(entry.pin),
      ...entry.slots.map(({ blob }) => blobHash(blob)),
    ),
  );
}
