import { decodeBase64url } from '../base64url.js';
import { type Bytes, concatBytes, equalBytes } from '../bytes.js';
import { formatCrockford, parseCrockford } from '../crockford.js';
import { PzkError } from '../errors.js';
import { sha256 } from '../hash.js';
import { labels } from '../labels.js';
import { lp } from '../length-prefix.js';
import type { VaultWrite } from './vault-write.js';

/** Bytes of a recovery code, random. */
export const RECOVERY_CODE_BYTES = 32;
const CHECKSUM_BYTES = 3;

/**
 * Writes a recovery code for people: code and checksum as 56 characters of Crockford's base 32 in 14
 * groups of four. The checksum tells a typing error; it secures nothing.
 *
 * @param code - 32 random bytes.
 */
export function formatRecoveryCode(code: Uint8Array): string {
  if (code.length !== RECOVERY_CODE_BYTES) throw new TypeError('A recovery code has 32 bytes.');
  const bytes = concatBytes(code, sha256(code).subarray(0, CHECKSUM_BYTES));
  try {
    return formatCrockford(bytes);
  } finally {
    bytes.fill(0);
  }
}

function malformed(): PzkError {
  return new PzkError('recovery_code_malformed', 'This is no recovery code.', {
    hint: 'Look for a typing error: a code has 14 groups of four characters.',
  });
}

/**
 * Reads a recovery code as a person types it: either case, `O` for 0, `I` and `L` for 1, `-` and white
 * space anywhere. The bytes are a secret: overwrite them after use. Says nothing about whether any
 * vault knows the code.
 *
 * @throws PzkError `recovery_code_malformed`
 */
export function parseRecoveryCode(text: string): Bytes {
  const bytes = parseCrockford(text, RECOVERY_CODE_BYTES + CHECKSUM_BYTES);
  if (bytes === undefined) throw malformed();
  const code = bytes.slice(0, RECOVERY_CODE_BYTES);
  const checksum = bytes.subarray(RECOVERY_CODE_BYTES);
  const isRight = equalBytes(sha256(code).subarray(0, CHECKSUM_BYTES), checksum);
  bytes.fill(0);
  if (isRight) return code;
  // Nearly the code of somebody, all the same.
  code.fill(0);
  throw malformed();
}

/**
 * HKDF info of the input key material of a recovery code's signing key: HKDF-SHA256 of the code with
 * an empty salt, 32 bytes, then DeriveKeyPair (RFC 9180 section 7.1.3).
 */
export function recoveryKeyInfo(issuer: string): Bytes {
  return lp(labels.recovery, issuer);
}

/** The exchange in which somebody shows a recovery code. */
export interface RecoveryFields {
  readonly issuer: string;
  readonly audience: string;
  readonly nonce: string;
  /** RFC 7638 thumbprint of the session key, base64url. */
  readonly jkt: string;
  /** Path below the base: reading the vault, or enrolling into it. */
  readonly endpoint: '/vault/recover' | '/enroll';
  /** What is written at `/enroll`: {@link recoveryWriteHash}. */
  readonly writeHash?: Uint8Array | undefined;
}

/** What a recovery code's key signs: ECDSA P-256 with SHA-256, 64 bytes r and s. */
export function recoveryMessage(fields: RecoveryFields): Bytes {
  const { issuer, audience, nonce, jkt, endpoint, writeHash } = fields;
  return lp(labels.recovery, issuer, audience, nonce, jkt, endpoint, writeHash ?? '');
}

/**
 * The hash of the write that an enrolment by recovery code brings: its manifest, which lists the rest by
 * hash, and the pins, which it does not.
 */
export function recoveryWriteHash(write: VaultWrite): Bytes {
  return sha256(
    lp(
      decodeBase64url(write.manifest),
      decodeBase64url(write.manifest_signature),
      ...write.recipients.flatMap(({ id, pin }) => [
        id,
        pin === undefined ? '' : decodeBase64url(pin),
      ]),
    ),
  );
}
