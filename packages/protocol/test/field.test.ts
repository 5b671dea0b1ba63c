import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BASE_FIELD_MODULUS,
  formatFieldElement,
  isFieldElement,
  parseFieldElement,
  SCALAR_FIELD_MODULUS,
} from '../src/index.js';
import { codeOf, readVectors } from './read-vectors.js';

interface FieldVectors {
  readonly r: string;
  readonly q: string;
  readonly cases: readonly { text: string; bytes: string }[];
  readonly refused: readonly { name: string; value: unknown }[];
}

const vectors = readVectors<FieldVectors>('field-elements');
const element = fc.bigInt({ min: 0n, max: SCALAR_FIELD_MODULUS - 1n });

describe('field elements', () => {
  it('uses the moduli of BN254', () => {
    expect(SCALAR_FIELD_MODULUS.toString()).toBe(vectors.r);
    expect(BASE_FIELD_MODULUS.toString()).toBe(vectors.q);
  });

  it.each(vectors.refused)('[P4] refuses $name', ({ value }) => {
    expect(isFieldElement(value)).toBe(false);
    expect(codeOf(() => parseFieldElement(value))).toBe('invalid_request');
  });

  it('[P4] refuses what JSON cannot spell: NaN, a big integer, a String object, undefined', () => {
    for (const value of [Number.NaN, 1n, Object('1'), undefined, Symbol('1'), () => '1']) {
      expect(isFieldElement(value)).toBe(false);
    }
  });

  it('[P2] refuses the same element plus a multiple of r', () => {
    fc.assert(
      fc.property(element, fc.constantFrom(1n, 2n, 3n, 4n), (value, times) => {
        const text = (value + times * SCALAR_FIELD_MODULUS).toString();
        expect(isFieldElement(text)).toBe(false);
      }),
    );
  });

  it('[P4] refuses every other spelling of an element', () => {
    const spellings = [
      (text: string) => `0${text}`,
      (text: string) => `+${text}`,
      (text: string) => ` ${text}`,
      (text: string) => `${text} `,
      (text: string) => `${text}n`,
      (text: string) => `${text}.0`,
      (text: string) => `0x${BigInt(text).toString(16)}`,
    ];
    fc.assert(
      fc.property(element, fc.constantFrom(...spellings), (value, spell) => {
        expect(isFieldElement(spell(value.toString()))).toBe(false);
      }),
    );
  });

  it.each(vectors.cases)('[P4] honest: takes $text', ({ text, bytes }) => {
    expect(parseFieldElement(text)).toBe(BigInt(`0x${bytes}`));
    expect(formatFieldElement(BigInt(text))).toBe(text);
  });

  it('[P2] honest: takes every element in its canonical spelling, and gives it back', () => {
    fc.assert(
      fc.property(element, (value) => {
        const text = formatFieldElement(value);
        expect(parseFieldElement(text)).toBe(value);
      }),
    );
  });

  it('writes nothing outside the field', () => {
    for (const value of [-1n, SCALAR_FIELD_MODULUS, SCALAR_FIELD_MODULUS + 1n]) {
      expect(() => formatFieldElement(value)).toThrow(RangeError);
    }
  });
});
