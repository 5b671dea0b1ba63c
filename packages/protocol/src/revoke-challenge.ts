import type { Bytes } from './bytes.js';
import { sha256 } from './hash.js';
import { labels } from './labels.js';
import { lp } from './length-prefix.js';

/** What the passkey signs when its user ends a device. */
export interface RevokeChallengeFields {
  readonly issuer: string;
  /** Of the device to end: the server's id. */
  readonly device: string;
  /** Of purpose `revoke`. */
  readonly nonce: string;
}

/** The WebAuthn challenge of ending a device, 32 bytes. It stands for this one device. */
export function revokeChallenge({ issuer, device, nonce }: RevokeChallengeFields): Bytes {
  return sha256(lp(labels.revokeChallenge, issuer, device, nonce));
}
