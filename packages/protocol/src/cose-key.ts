import { type Bytes, concatBytes, equalBytes } from './bytes.js';
import { PzkError } from './errors.js';

/** CBOR of {1: 2, 3: -7, -1: 1, -2: bytes(32)} up to the first coordinate (RFC 9053 section 7.1.1). */
const HEAD = Uint8Array.of(0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20);
/** Label -3 and the head of the second coordinate. */
const MIDDLE = Uint8Array.of(0x22, 0x58, 0x20);
const X_END = HEAD.length + 32;
const Y_START = X_END + MIDDLE.length;

/** Bytes of an ES256 COSE key. */
export const ES256_COSE_KEY_BYTES = Y_START + 32;

/**
 * The COSE key (ES256, labels 1, 3, -1, -2, -3 in this order) of a public key on P-256.
 *
 * @param publicKey - 65 bytes, uncompressed SEC1.
 */
export function formatEs256CoseKey(publicKey: Uint8Array): Bytes {
  if (publicKey.length !== 65 || publicKey[0] !== 4) {
    throw new TypeError('A public key on P-256 has 65 bytes, the first of them 4.');
  }
  return concatBytes(HEAD, publicKey.subarray(1, 33), MIDDLE, publicKey.subarray(33));
}

/**
 * The public key, 65 bytes SEC1, in a COSE key of exactly the form of {@link formatEs256CoseKey}. Not
 * yet verified: that it lies on the curve.
 *
 * @throws PzkError `invalid_request`
 */
export function parseEs256CoseKey(coseKey: Uint8Array): Bytes {
  const x = coseKey.subarray(HEAD.length, X_END);
  const y = coseKey.subarray(Y_START);
  const publicKey = concatBytes(Uint8Array.of(4), x, y);
  if (publicKey.length !== 65 || !equalBytes(formatEs256CoseKey(publicKey), coseKey)) {
    throw new PzkError('invalid_request', 'Not an ES256 COSE key in its one form.');
  }
  return publicKey;
}
