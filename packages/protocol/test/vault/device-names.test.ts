import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeBase64url,
  formatDeviceNames,
  isDisplayText,
  parseDeviceNames,
} from '../../src/index.js';
import { codeOf, fromHex, readVectors, toHex } from '../read-vectors.js';

const vectors = readVectors<{
  readonly cases: readonly {
    readonly name: string;
    readonly names: readonly (readonly [string, string])[];
    readonly plaintext: string;
  }[];
  readonly refused: readonly { readonly name: string; readonly plaintext: string }[];
}>('vault-names');

const id = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(encodeBase64url);
const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 64 })
  .filter((one) => isDisplayText(one, 1, 64));

describe('names of devices', () => {
  it.each(vectors.cases)('reads and writes: $name', ({ names, plaintext }) => {
    expect(toHex(formatDeviceNames(new Map(names.toReversed())))).toBe(plaintext);
    expect([...parseDeviceNames(fromHex(plaintext))]).toEqual(names);
    expect(plaintext.length % 512).toBe(0);
  });

  it.each(vectors.refused)('refuses $name', ({ plaintext }) => {
    expect(codeOf(() => parseDeviceNames(fromHex(plaintext)))).toBe('vault_slot_damaged');
  });

  it('writes what it reads, and nothing that it would refuse', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(id, name), {
          selector: ([one]) => one,
          minLength: 1,
          maxLength: 16,
        }),
        (pairs) => {
          const names = new Map(pairs);
          expect(new Map(parseDeviceNames(formatDeviceNames(names)))).toEqual(names);
        },
      ),
    );
    const own = encodeBase64url(new Uint8Array(16));
    for (const wrong of [[], [[own, '']], [['short', 'a']], [[own, 'a\u202eb']]] as [
      string,
      string,
    ][][]) {
      expect(() => formatDeviceNames(new Map(wrong))).toThrow(TypeError);
    }
  });
});
