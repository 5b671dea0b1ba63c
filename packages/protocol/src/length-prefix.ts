import { type Bytes, concatBytes, utf8 } from './bytes.js';
import { PzkError } from './errors.js';

/** A part of a composite value; `undefined` is an absent part and counts as empty. */
export type LengthPrefixedPart = string | number | bigint | Uint8Array | undefined;

function toBytes(part: LengthPrefixedPart): Uint8Array {
  if (part === undefined) return new Uint8Array();
  if (part instanceof Uint8Array) return part;
  if (typeof part === 'string') return utf8(part);
  if (typeof part === 'number' && !Number.isSafeInteger(part)) {
    throw new TypeError('A number in a length-prefixed value must be a safe integer.');
  }
  if (part < 0) throw new TypeError('An integer in a length-prefixed value must not be negative.');
  return utf8(part.toString(10));
}

/**
 * `lp(a, b, ...)`: each part after its length as four bytes big-endian. Text counts as UTF-8,
 * integers as canonical decimal, byte arrays raw. Injective, so that no two lists of parts share an
 * encoding: `lp('a|b', 'c')` and `lp('a', 'b|c')` differ. Every hash and every additional
 * authenticated data of composite values goes through it.
 */
export function lp(...parts: readonly LengthPrefixedPart[]): Bytes {
  return concatBytes(
    ...parts.flatMap((part) => {
      const bytes = toBytes(part);
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, bytes.length, false);
      return [length, bytes];
    }),
  );
}

function malformed(): PzkError {
  return new PzkError('invalid_request', 'A length-prefixed value is malformed.');
}

/**
 * Takes `lp(a, b, ...)` apart, where there may be any number of parts.
 *
 * @param maximum - How many parts there may be.
 * @throws PzkError `invalid_request` if there are more, or bytes are missing or left over.
 */
export function splitLengthPrefixedList<Buffer extends ArrayBufferLike>(
  bytes: Uint8Array<Buffer>,
  maximum: number,
): readonly Uint8Array<Buffer>[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array<Buffer>[] = [];
  let offset = 0;
  while (offset + 4 <= bytes.length && parts.length < maximum) {
    const start = offset + 4;
    offset = start + view.getUint32(offset, false);
    if (offset > bytes.length) break;
    parts.push(bytes.subarray(start, offset));
  }
  if (offset !== bytes.length) throw malformed();
  return parts;
}

/**
 * Takes `lp(a, b, ...)` apart. The parts are views into the bytes, not copies. Not yet verified:
 * anything about what stands in them.
 *
 * @param count - How many parts there must be.
 * @throws PzkError `invalid_request` if there are more or fewer, or bytes are missing or left over.
 */
export function splitLengthPrefixed<Buffer extends ArrayBufferLike>(
  bytes: Uint8Array<Buffer>,
  count: number,
): readonly Uint8Array<Buffer>[] {
  const parts = splitLengthPrefixedList(bytes, count);
  if (parts.length !== count) throw malformed();
  return parts;
}
