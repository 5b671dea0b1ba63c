import { describe, expect, it } from 'vitest';
import {
  encodeBase64url,
  hpkeInfo,
  pinKeyInfo,
  prfInput,
  type RecipientDerivation,
} from '../src/index.js';
import { readVectors, toHex } from './read-vectors.js';

interface PrfVectors {
  readonly inputs: readonly { issuer: string; generation: number; input: string }[];
  readonly infos: readonly {
    name: string;
    fields: RecipientDerivation;
    hpke: string;
    pin: string;
  }[];
}

const vectors = readVectors<PrfVectors>('prf');

describe('PRF inputs and infos', () => {
  it.each(vectors.inputs)('input of generation $generation at $issuer', (one) => {
    expect(encodeBase64url(prfInput(one.issuer, one.generation))).toBe(one.input);
  });

  it.each(vectors.infos)('infos: $name', ({ fields, hpke, pin }) => {
    expect(toHex(hpkeInfo(fields))).toBe(hpke);
    expect(toHex(pinKeyInfo(fields))).toBe(pin);
  });

  it('has no two alike', () => {
    const all = [
      ...vectors.inputs.map(({ input }) => input),
      ...vectors.infos.flatMap(({ hpke, pin }) => [hpke, pin]),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
});
