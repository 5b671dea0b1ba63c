import * as v from 'valibot';
import { decodeBase64url } from '../base64url.js';
import { type Bytes, equalBytes, utf8 } from '../bytes.js';
import { parseEs256CoseKey } from '../cose-key.js';
import { PzkError } from '../errors.js';
import { parseJson } from '../json.js';
import { labels } from '../labels.js';
import { lp } from '../length-prefix.js';
import { limits } from '../limits.js';
import {
  base64urlBetween,
  base64urlBytes,
  boundedArray,
  count,
  credentialId,
  displayText,
  identifier,
  issuerUrl,
  publicPoint,
  RECOVERY,
} from '../messages/wire-types.js';
import { FIRST_PRF_GENERATION } from '../prf.js';
import { historyLength } from './history.js';
import { slotKinds } from './slot.js';
import { SEC1_POINT_BYTES } from './vault-seal.js';

/** A recipient in the roster of a manifest. */
export const recipientSchema = v.strictObject({
  id: identifier,
  /** HPKE public key, SEC1. */
  hpke_key: base64urlBytes(SEC1_POINT_BYTES),
  /** Credential id, or `recovery`. */
  credential_id: v.union([v.literal(RECOVERY), credentialId]),
  /** COSE key of the credential as registered; for `recovery` that of the code's signing key. */
  cose_key: base64urlBetween(1, 1050),
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
  /** What came before the previous one: tops of trees of hashes, base64url. */
  history: boundedArray(base64urlBytes(32), 0, limits.historyHashes),
  recipients: boundedArray(recipientSchema, 1, limits.vaultRecipients),
  slots: boundedArray(
    v.strictObject({
      id: identifier,
      version: count,
      kind: v.picklist(slotKinds),
      /** SHA-256 of the slot's blob. */
      blob_hash: base64urlBytes(32),
    }),
    0,
    limits.vaultSlots,
  ),
  agents: boundedArray(
    v.strictObject({
      id: identifier,
      /** For people. */
      name: displayText(1, limits.nameCharacters),
      /** ECDSA P-256 public key that signs its requests, SEC1. */
      key: publicPoint,
    }),
    0,
    limits.vaultAgents,
  ),
  /** Hash of the last receipt; empty before the first. */
  receipts_head: v.union([v.literal(''), base64urlBytes(32)]),
});

/** The signed table of contents of a vault. What it does not cover is refused. */
export type VaultManifest = v.InferOutput<typeof manifestSchema>;

/** A recipient in a manifest's roster. */
export type VaultRecipient = VaultManifest['recipients'][number];

/** An agent in a manifest's roster. */
export type VaultAgent = VaultManifest['agents'][number];

/** What the identity key signs for a manifest: ECDSA P-256 with SHA-256, 64 bytes r and s. */
export function manifestSignatureMessage(vaultId: string, manifest: Uint8Array): Bytes {
  return lp(labels.manifest, vaultId, manifest);
}

function assertDistinct(texts: readonly string[]): void {
  if (new Set(texts).size !== texts.length) throw new RangeError('A value occurs twice.');
}

/**
 * What a manifest must be beyond its members: its history that of its counter, nobody found by two
 * entries, one code at most.
 */
function assertConsistent({ recipients, slots, agents, counter, history }: VaultManifest): void {
  if (history.length !== historyLength(counter)) throw new RangeError('Another history.');
  assertDistinct([...recipients, ...slots, ...agents].map(({ id }) => id));
  // One recovery recipient at most follows from this, too.
  assertDistinct(recipients.map(({ credential_id }) => credential_id));
  assertDistinct(agents.map(({ key }) => key));
  if (slots.filter(({ kind }) => kind === 'names').length > 1) throw new RangeError('Names twice.');
  const recovery = recipients.find(({ credential_id }) => credential_id === RECOVERY);
  if (recovery === undefined) return;
  parseEs256CoseKey(decodeBase64url(recovery.cose_key));
  if (recovery.generation !== FIRST_PRF_GENERATION) throw new RangeError('Not generation 1.');
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
  try {
    assertConsistent(result.output);
    const bytes = utf8(JSON.stringify(result.output));
    if (bytes.length <= limits.manifestBytes) return bytes;
  } catch (cause) {
    throw new TypeError('The manifest is malformed.', { cause });
  }
  throw new TypeError('The manifest is too large.');
}

/**
 * Parses the bytes of a manifest. Check the signature over the bytes first. Not verified here: that
 * signature, the pin, and that the blobs match their hashes.
 *
 * @throws PzkError `vault_manifest_invalid`
 */
export function parseManifest(bytes: Uint8Array): VaultManifest {
  try {
    if (bytes.length > limits.manifestBytes) throw new RangeError('Too large.');
    const manifest = v.parse(manifestSchema, parseJson(bytes), { abortEarly: true });
    assertConsistent(manifest);
    // One spelling only: a member given twice, or white space, could carry what nobody looks at.
    if (!equalBytes(utf8(JSON.stringify(manifest)), bytes)) throw new RangeError('Not canonical.');
    return manifest;
  } catch (cause) {
    throw new PzkError('vault_manifest_invalid', 'The manifest of the vault is malformed.', {
      cause,
    });
  }
}
