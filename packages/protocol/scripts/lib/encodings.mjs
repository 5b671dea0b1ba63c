/**
 * The encodings of docs/protocol.md section 3, written a second time: nothing here comes from `src`, so
 * that vectors and code can disagree.
 */
import { createHash, hkdfSync } from 'node:crypto';

export const SCALAR_FIELD_MODULUS =
  21888242871839275222246405745257275088548364400416034343698204186575808495617n;
export const BASE_FIELD_MODULUS =
  21888242871839275222246405745257275088696311157297823662689037894645226208583n;

export const hex = (bytes) => Buffer.from(bytes).toString('hex');
export const fromHex = (text) => Buffer.from(text, 'hex');
export const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
export const sha256 = (bytes) => createHash('sha256').update(bytes).digest();
export const bigEndian = (bytes) => BigInt(`0x${hex(bytes)}`);
export const toBytes = (value, length) => fromHex(value.toString(16).padStart(length * 2, '0'));

export const hkdf = (ikm, salt, info, length) =>
  Buffer.from(hkdfSync('sha256', ikm, salt, info, length));

/** Section 3.2. A part is a string, a number or bytes. */
export function lp(...parts) {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.isBuffer(part) ? part : Buffer.from(String(part), 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** Section 3.8: a hash as a field element. */
export const truncate = (hash) => bigEndian(hash.subarray(0, 31));

/** Bytes that look random and are the same in every run. */
export function seededBytes(name, length) {
  const blocks = [];
  for (let index = 0; blocks.length * 32 < length; index++) {
    blocks.push(sha256(Buffer.from(`pzk-auth test vector ${name} ${index}`)));
  }
  return Buffer.concat(blocks).subarray(0, length);
}
