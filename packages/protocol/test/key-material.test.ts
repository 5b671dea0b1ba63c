import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { integerToBytes, packKey, parseApiKey, utf8 } from '../src/index.js';
import { readVectors, toHex } from './read-vectors.js';

interface PackingVectors {
  readonly cases: readonly {
    bytes: number;
    key: string;
    m0: string;
    m1: string;
    length: number;
  }[];
}

const { cases } = readVectors<PackingVectors>('key-packing');

describe('packKey', () => {
  it.each(cases)('packs a key of $bytes bytes', ({ key, m0, m1, length }) => {
    expect(packKey(parseApiKey(key))).toEqual({ m0: BigInt(m0), m1: BigInt(m1), length });
  });

  it('covers the edges of both limbs and of hashing', () => {
    const covered = new Set(cases.map(({ bytes }) => bytes));
    for (const bytes of [1, 30, 31, 32, 61, 62, 63, 4096]) expect(covered).toContain(bytes);
  });

  it('holds the whole of a key of up to 62 bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 62 }), (key) => {
        const { m0, m1, length } = packKey(key);
        const bytes = toHex(integerToBytes(m0, 31)) + toHex(integerToBytes(m1, 31));
        expect(bytes.slice(0, length * 2)).toBe(toHex(key));
        expect(/^0*$/.test(bytes.slice(length * 2))).toBe(true);
      }),
    );
  });

  it('keeps keys apart that differ in zero bytes at the end', () => {
    expect(packKey(Uint8Array.of(1))).not.toEqual(packKey(Uint8Array.of(1, 0)));
  });

  it('leaves the bytes of its caller as they are', () => {
    for (const length of [5, 62, 63, 200]) {
      const key = utf8('k'.repeat(length));
      packKey(key);
      expect(key).toEqual(utf8('k'.repeat(length)));
    }
  });

  it('refuses an empty key', () => {
    expect(() => packKey(new Uint8Array())).toThrow(RangeError);
  });
});
