import { decodeBase64url, encodeBase64url } from './base64url.js';
import { type Bytes, bytesToInteger } from './bytes.js';
import { PzkError } from './errors.js';
import { BASE_FIELD_MODULUS } from './field.js';

/**
 * Bytes of a Groth16 proof: A.x A.y B.x.c0 B.x.c1 B.y.c0 B.y.c1 C.x C.y, each 32 bytes big-endian
 * and smaller than q.
 */
export const PROOF_BYTES = 256;

/** Whether the bytes have the form of a proof: eight coordinates, each smaller than q. */
export function isProofEncoding(bytes: Uint8Array): boolean {
  if (bytes.length !== PROOF_BYTES) return false;
  for (let offset = 0; offset < PROOF_BYTES; offset += 32) {
    if (bytesToInteger(bytes.subarray(offset, offset + 32)) >= BASE_FIELD_MODULUS) return false;
  }
  return true;
}

/**
 * Parses a proof from the wire. Not yet verified: that the points lie on the curve and in the
 * subgroup, and that the proof proves anything.
 *
 * @throws PzkError `invalid_request`
 */
export function parseProof(text: string): Bytes {
  const bytes = decodeBase64url(text, PROOF_BYTES);
  if (!isProofEncoding(bytes)) {
    throw new PzkError('invalid_request', 'A coordinate of the proof is not canonical.');
  }
  return bytes;
}

/**
 * Writes a proof for the wire.
 *
 * @throws RangeError if the bytes are not a proof in its one accepted spelling.
 */
export function formatProof(bytes: Uint8Array): string {
  if (!isProofEncoding(bytes)) throw new RangeError('Not the encoding of a proof.');
  return encodeBase64url(bytes);
}
