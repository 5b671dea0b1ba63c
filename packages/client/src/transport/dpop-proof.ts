import { encodeBase64url, sha256, utf8 } from '@pzk-auth/protocol';
import { SignJWT } from 'jose';
import type { SessionKey } from './session-key.js';

/** What a DPoP proof is for. */
export interface DpopProofFields {
  /** HTTP method, as sent. */
  readonly method: string;
  /** URL of the request; query and fragment are cut off here. */
  readonly url: string;
  /** Seconds since the epoch, by the server's clock. */
  readonly issuedAt: number;
  /** Token that the request carries; absent at the issuer's own endpoints. */
  readonly accessToken?: string | undefined;
  /** Nonce that the server asked for (RFC 9449 section 8). */
  readonly nonce?: string | undefined;
}

/** The `htu` of a URL: without query and fragment (RFC 9449 section 4.2). */
export function toHtu(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** The `ath` of a token: its SHA-256 as base64url (RFC 9449 section 4.2). */
export function accessTokenHash(token: string): string {
  return encodeBase64url(sha256(utf8(token)));
}

/** Writes a DPoP proof (RFC 9449 section 4.2), ES256, with a fresh `jti` of 128 bits. */
export function createDpopProof(key: SessionKey, fields: DpopProofFields): Promise<string> {
  const { accessToken, nonce } = fields;
  return new SignJWT({
    htm: fields.method,
    htu: toHtu(fields.url),
    iat: fields.issuedAt,
    jti: encodeBase64url(crypto.getRandomValues(new Uint8Array(16))),
    ...(accessToken === undefined ? {} : { ath: accessTokenHash(accessToken) }),
    ...(nonce === undefined ? {} : { nonce }),
  })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: key.publicJwk })
    .sign(key.keyPair.privateKey);
}
