import * as v from 'valibot';
import { type Bytes, equalBytes, utf8 } from '../bytes.js';
import { PzkError } from '../errors.js';
import { parseJson } from '../json.js';
import { labels } from '../labels.js';
import { lp } from '../length-prefix.js';
import {
  base64urlBytes,
  boundedArray,
  count,
  identifier,
  issuerUrl,
} from '../messages/wire-types.js';
import { slotKinds } from './slot.js';
import { SEC1_POINT_BYTES } from './vault-seal.js';

const recipientSchema = v.strictObject({
  id: identifier,
  /** HPKE public key, SEC1. */
  hpke_key: base64urlBytes(SEC1_POINT_BYTES),
  /** Credential id, or `recovery`. */
  credential_id: v.pipe(v.string(), v.minLength(1), v.maxLength(1400)),
  /** COSE key of the credential as registered; empty for `recovery`. */
  cose_key: v.pipe(v.string(), v.maxLength(1400)),
  /** HKDF salt of this recipient. */
  salt: base64urlBytes(32),
  /** PRF generation; 0 where the secret rests on device storage instead of a PRF. */
  generation: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000)),
  /** The manifest's counter when the vault's secrets were sealed to this recipient. */
  counter: count,
  /** SHA-256 of `enc` followed by `ct`. */
  sealed_hash: base64urlBytes(32),
});

const manifestSchema = v.strictObject({
  issuer: issuerUrl,
  vault_id: identifier,
  /** ECDSA P-256 public key that signs this manifest, SEC1. */
  identity_key: base64urlBytes(SEC1_POINT_BYTES),
  counter: count,
  /** SHA-256 of the previous manifest's bytes; empty in the first. */
  previous: v.union([v.literal(''), base64urlBytes(32)]),
  recipients: boundedArray(recipientSchema, 1, 32),
  slots: boundedArray(
    v.strictObject({
      id: identifier,
      version: count,
      kind: v.picklist(slotKinds),
      /** SHA-256 of the slot's blob. */
      blob_hash: base64urlBytes(32),
    }),
    0,
    512,
  ),
  agents: boundedArray(v.never(), 0, 0),
  receipts_head: v.union([v.literal(''), base64urlBytes(32)]),
});

/** The signed table of contents of a vault. What it does not cover is refused. */
export type VaultManifest = v.InferOutput<typeof manifestSchema>;

/** A recipient in a manifest's roster. */
export type VaultRecipient = VaultManifest['recipients'][number];

/** What the identity key signs for a manifest: ECDSA P-256 with SHA-256, 64 bytes r and s. */
export function manifestSignatureMessage(vaultId: string, manifest: Uint8Array): Bytes {
  return lp(labels.manifest, vaultId, manifest);
}

/**
 * Writes a manifest as the UTF-8 JSON that is signed and then carried as opaque bytes: members in the
 * order of the specification, no white space.
 *
 * @throws TypeError if it is not one that {@link parseManifest} would take.
 */
export function formatManifest(manifest: VaultManifest): Bytes {
  const result = v.safeParse(manifestSchema, manifest, { abortEarly: true });
  if (!result.success) throw new TypeError('The manifest is malformed.');
  return utf8(JSON.stringify(result.output));
}

/**
 * Parses the bytes of a manifest. Check the signature over the bytes first. Not verified here: that
 * signature, the pin, and that the blobs match their hashes.
 *
 * @throws PzkError `vault_manifest_invalid`
 */
export function parseManifest(bytes: Uint8Array): VaultManifest {
  try {
    const manifest = v.parse(manifestSchema, parseJson(bytes), { abortEarly: true });
    const ids = [...manifest.recipients, ...manifest.slots].map(({ id }) => id);
    if (new Set(ids).size !== ids.length) throw new RangeError('An id occurs twice.');
    // One spelling only: a member given twice, or white space, could carry what nobody looks at.
    if (!equalBytes(utf8(JSON.stringify(manifest)), bytes)) throw new RangeError('Not canonical.');
    return manifest;
  } catch (cause) {
    throw new PzkError('vault_manifest_invalid', 'The manifest of the vault is malformed.', {
      cause,
    });
  }
}
