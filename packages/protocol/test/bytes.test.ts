import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToInteger, concatBytes, equalBytes, integerToBytes } from '../src/index.js';

const bytes = fc.uint8Array({ maxLength: 40 });

describe('bytes', () => {
  it('and integers are each other, big-endian', () => {
    expect(integerToBytes(0x0102n, 3)).toEqual(Uint8Array.of(0, 1, 2));
    expect(bytesToInteger(Uint8Array.of(1, 2))).toBe(0x0102n);
    fc.assert(
      fc.property(bytes, (value) => {
        expect(integerToBytes(bytesToInteger(value), value.length)).toEqual(value);
      }),
    );
  });

  it('hold no integer that is too large or negative', () => {
    expect(integerToBytes(255n, 1)).toEqual(Uint8Array.of(255));
    for (const value of [256n, 1n << 64n, -1n]) {
      expect(() => integerToBytes(value, 1)).toThrow(RangeError);
    }
    expect(() => integerToBytes(1n, 0)).toThrow(RangeError);
  });

  it('are equal if all of them are', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(equalBytes(a, a.slice())).toBe(true);
        expect(equalBytes(a, b)).toBe(Buffer.from(a).equals(b));
        expect(equalBytes(a, concatBytes(a, Uint8Array.of(0)))).toBe(false);
        expect(equalBytes(concatBytes(a, Uint8Array.of(0)), a)).toBe(false);
      }),
    );
    for (const index of [0, 1, 2]) {
      const other = Uint8Array.of(1, 2, 3);
      other[index] = 9;
      expect(equalBytes(Uint8Array.of(1, 2, 3), other)).toBe(false);
    }
  });
});
