import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { type Bytes, bytesToInteger } from './bytes.js';

/** SHA-256 (FIPS 180-4). Synchronous, and the same in browsers and servers. */
export function sha256(bytes: Uint8Array): Bytes {
  return new Uint8Array(nobleSha256(bytes));
}

/** HKDF-SHA256 with an empty salt (RFC 5869). */
export function hkdfSha256(ikm: Uint8Array, info: Uint8Array, length: number): Bytes {
  return new Uint8Array(hkdf(nobleSha256, ikm, undefined, info, length));
}

/**
 * The first 31 bytes of a hash, read big-endian: always smaller than the order of the scalar field,
 * so no reduction and no second spelling of the same value.
 */
export function truncateToField(hash: Uint8Array): bigint {
  return bytesToInteger(hash.subarray(0, 31));
}
