import type { Bytes } from './bytes.js';
import { sha256 } from './hash.js';
import { labels } from './labels.js';
import { lp } from './length-prefix.js';

/** What a passkey signs in an exchange. Both sides compute it; it never travels. */
export interface WebAuthnChallengeFields {
  readonly purpose: 'enroll' | 'session';
  readonly issuer: string;
  readonly audience: string;
  readonly nonce: string;
  /** RFC 7638 thumbprint of the session key, base64url. */
  readonly jkt: string;
  /** Canonical scope. */
  readonly scope: string;
}

/** The WebAuthn challenge of an exchange, 32 bytes. */
export function webauthnChallenge(fields: WebAuthnChallengeFields): Bytes {
  const { purpose, issuer, audience, nonce, jkt, scope } = fields;
  return sha256(lp(labels.webauthn, purpose, issuer, audience, nonce, jkt, scope));
}
