import type { Bytes } from '../bytes.js';
import { sha256 } from '../hash.js';
import { labels } from '../labels.js';
import { lp } from '../length-prefix.js';

/** What the passkey signs when the user approves. */
export interface ReleaseChallengeFields {
  /** SHA-256 of the request's bytes. */
  readonly requestHash: Uint8Array;
  /** Of purpose `release`. */
  readonly nonce: string;
}

/** The WebAuthn challenge of an approval, 32 bytes. It stands for this one request. */
export function releaseChallenge({ requestHash, nonce }: ReleaseChallengeFields): Bytes {
  return sha256(lp(labels.releaseChallenge, requestHash, nonce));
}

/** HPKE `info` for sealing a secret to the key of a request. */
export function releaseSealInfo(requestHash: Uint8Array): Bytes {
  return lp(labels.releaseSeal, requestHash);
}

/** What the identity key signs for a release. */
export interface ReleaseSignatureFields {
  readonly vaultId: string;
  /** SHA-256 of the request's bytes. */
  readonly requestHash: Uint8Array;
  /** HPKE encapsulated key, 65 bytes. */
  readonly enc: Uint8Array;
  /** The sealed secret with its tag. */
  readonly ct: Uint8Array;
}

/** The message of a release: ECDSA P-256 with SHA-256 by the identity key, 64 bytes r and s. */
export function releaseSignatureMessage(fields: ReleaseSignatureFields): Bytes {
  return lp(labels.releaseSignature, fields.vaultId, fields.requestHash, fields.enc, fields.ct);
}

/** Less could not be told from ordinary text in the answer of a host. */
const MINIMUM_VALUE_BYTES = 8;

/** Whether a broker takes a value: it can be a header's (RFC 9110 section 5.5), and be found again in an answer. */
export function isReleasableValue(value: Uint8Array): boolean {
  return (
    value.length >= MINIMUM_VALUE_BYTES &&
    value.every((byte) => byte >= 0x20 && byte <= 0x7e) &&
    value[0] !== 0x20 &&
    value.at(-1) !== 0x20
  );
}
