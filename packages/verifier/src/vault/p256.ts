import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { decodeBase64url, encodeBase64url, sha256, utf8 } from '@pzk-auth/protocol';

/** The public members of a P-256 key in the order of RFC 7638 section 3.2. */
function publicJwk(point: Uint8Array) {
  const x = encodeBase64url(point.slice(1, 33));
  return { crv: 'P-256', kty: 'EC', x, y: encodeBase64url(point.slice(33)) };
}

/**
 * Imports a public key on P-256.
 *
 * @param publicKey - base64url of 65 bytes, uncompressed SEC1.
 * @returns `undefined` if that is no point on the curve.
 */
function importP256(publicKey: string): KeyObject | undefined {
  const point = decodeBase64url(publicKey);
  if (point.length !== 65 || point[0] !== 4) return undefined;
  try {
    return createPublicKey({ key: publicJwk(point), format: 'jwk' });
  } catch {
    return undefined;
  }
}

/** Whether a text is base64url of a point on P-256 in uncompressed SEC1. */
export function isP256Point(publicKey: string): boolean {
  return importP256(publicKey) !== undefined;
}

/** RFC 7638 thumbprint of a P-256 key, as a DPoP proof of it shows. */
export function p256Thumbprint(publicKey: string): string {
  return encodeBase64url(sha256(utf8(JSON.stringify(publicJwk(decodeBase64url(publicKey))))));
}

/**
 * Whether a key on P-256 signed a message: ECDSA with SHA-256.
 *
 * @param publicKey - base64url of 65 bytes, uncompressed SEC1; what is no point signed nothing.
 * @param signature - base64url of 64 bytes, r and s.
 */
export function isSignedByP256(publicKey: string, message: Uint8Array, signature: string): boolean {
  const key = importP256(publicKey);
  if (key === undefined) return false;
  return verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, decodeBase64url(signature));
}
