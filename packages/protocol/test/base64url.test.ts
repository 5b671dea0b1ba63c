import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64url, encodeBase64url, isBase64url } from '../src/index.js';
import { codeOf, fromHex, readVectors, toHex } from './read-vectors.js';

interface Base64urlVectors {
  readonly cases: readonly { bytes: string; text: string }[];
  readonly refused: readonly { name: string; text: string }[];
}

const vectors = readVectors<Base64urlVectors>('base64url');

describe('base64url', () => {
  it.each(vectors.cases)('encodes and decodes $text', ({ bytes, text }) => {
    expect(encodeBase64url(fromHex(bytes))).toBe(text);
    expect(toHex(decodeBase64url(text))).toBe(bytes);
    expect(isBase64url(text, bytes.length / 2)).toBe(true);
    expect(isBase64url(text, bytes.length / 2 + 1)).toBe(false);
  });

  it.each(vectors.refused)('refuses $name', ({ text }) => {
    expect(codeOf(() => decodeBase64url(text))).toBe('invalid_request');
    expect(isBase64url(text)).toBe(false);
  });

  it('gives every byte string exactly one spelling', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const text = encodeBase64url(bytes);
        expect(toHex(decodeBase64url(text))).toBe(toHex(bytes));
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{0,12}$/), (text) => {
        if (isBase64url(text)) expect(encodeBase64url(decodeBase64url(text))).toBe(text);
      }),
      { numRuns: 500 },
    );
  });
});
