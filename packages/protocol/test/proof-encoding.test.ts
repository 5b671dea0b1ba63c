import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BASE_FIELD_MODULUS,
  concatBytes,
  encodeBase64url,
  formatProof,
  integerToBytes,
  isProofEncoding,
  PROOF_BYTES,
  parseProof,
} from '../src/index.js';
import { codeOf, readVectors } from './read-vectors.js';

interface ProofVectors {
  readonly order: readonly string[];
  readonly cases: readonly {
    name: string;
    coordinates: Readonly<Record<string, string>>;
    text: string;
  }[];
  readonly refused: readonly { name: string; text: string }[];
}

const vectors = readVectors<ProofVectors>('proof-encoding');
const coordinate = fc.bigInt({ min: 0n, max: BASE_FIELD_MODULUS - 1n });
const coordinates = fc.array(coordinate, { minLength: 8, maxLength: 8 });
const encode = (values: readonly bigint[]) =>
  concatBytes(...values.map((value) => integerToBytes(value, 32)));

describe('proof encoding', () => {
  it.each(vectors.cases)('[P4] honest: takes a proof: $name', ({ coordinates: named, text }) => {
    const bytes = encode(vectors.order.map((name) => BigInt(named[name] ?? '')));
    expect(formatProof(bytes)).toBe(text);
    expect(parseProof(text)).toEqual(bytes);
  });

  it.each(vectors.refused)('[P4] refuses a proof: $name', ({ text }) => {
    expect(codeOf(() => parseProof(text))).toBe('invalid_request');
  });

  it('[P2] refuses a coordinate plus q in any place', () => {
    fc.assert(
      fc.property(coordinates, fc.nat({ max: 7 }), (values, place) => {
        const moved = values.map((value, index) =>
          index === place ? value + BASE_FIELD_MODULUS : value,
        );
        const text = encodeBase64url(encode(moved));
        expect(codeOf(() => parseProof(text))).toBe('invalid_request');
        expect(() => formatProof(encode(moved))).toThrow(RangeError);
      }),
    );
  });

  it('[P2] honest: round trip of any eight coordinates smaller than q', () => {
    fc.assert(
      fc.property(coordinates, (values) => {
        const bytes = encode(values);
        expect(isProofEncoding(bytes)).toBe(true);
        expect(parseProof(formatProof(bytes))).toEqual(bytes);
      }),
    );
  });

  it('refuses every other length', () => {
    for (const length of [0, 32, PROOF_BYTES - 1, PROOF_BYTES + 1, 2 * PROOF_BYTES]) {
      expect(isProofEncoding(new Uint8Array(length))).toBe(false);
    }
  });
});
