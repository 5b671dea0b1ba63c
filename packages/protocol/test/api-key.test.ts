import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatApiKey,
  isApiKeyPrefix,
  isIssuedApiKey,
  packKey,
  parseApiKey,
} from '../src/index.js';
import { codeOf, fromHex, readVectors, toHex } from './read-vectors.js';

interface ApiKeyVectors {
  readonly cases: readonly { prefix: string; entropy: string; checksum: string; apiKey: string }[];
  readonly badChecksum: readonly { name: string; apiKey: string }[];
  readonly badPrefixes: readonly string[];
  readonly accepted: readonly { name: string; text: string; bytes: string }[];
  readonly refused: readonly { name: string; text: string }[];
}

const vectors = readVectors<ApiKeyVectors>('api-keys');

describe('API keys', () => {
  it.each(vectors.cases)('writes $apiKey', ({ prefix, entropy, checksum, apiKey }) => {
    expect(formatApiKey(prefix, fromHex(entropy))).toBe(apiKey);
    expect(apiKey.endsWith(checksum)).toBe(true);
    expect(isIssuedApiKey(apiKey)).toBe(true);
    expect(isIssuedApiKey(apiKey, prefix)).toBe(true);
    expect(isIssuedApiKey(apiKey, `${prefix}x`)).toBe(false);
    for (const odd of ['!', ' ', 'A', '\n', '-']) {
      expect(isIssuedApiKey(odd + apiKey)).toBe(false);
      expect(isIssuedApiKey(odd + apiKey, prefix)).toBe(false);
      expect(isIssuedApiKey(apiKey + odd)).toBe(false);
    }
    expect(packKey(parseApiKey(apiKey)).length).toBe(apiKey.length);
  });

  it.each(vectors.badChecksum)('refuses a key: $name', ({ apiKey }) => {
    expect(isIssuedApiKey(apiKey)).toBe(false);
    expect(isIssuedApiKey(apiKey, 'pzk')).toBe(false);
  });

  it.each(vectors.badPrefixes)('refuses the prefix "%s"', (prefix) => {
    expect(isApiKeyPrefix(prefix)).toBe(false);
    expect(() => formatApiKey(prefix, new Uint8Array(32))).toThrow(TypeError);
  });

  it('takes 32 random bytes, no fewer and no more', () => {
    for (const length of [0, 16, 31, 33, 64]) {
      expect(() => formatApiKey('pzk', new Uint8Array(length))).toThrow(TypeError);
    }
  });

  it('notices any one changed character', () => {
    const entropy = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const letter = fc.stringMatching(/^[0-9A-Za-z]$/);
    fc.assert(
      fc.property(entropy, fc.nat({ max: 48 }), letter, (bytes, place, replacement) => {
        const key = formatApiKey('pzk', bytes);
        const index = 4 + place;
        const changed = key.slice(0, index) + replacement + key.slice(index + 1);
        expect(isIssuedApiKey(changed)).toBe(changed === key);
      }),
    );
  });

  it.each(vectors.accepted)('accepts $name', ({ text, bytes }) => {
    expect(toHex(parseApiKey(text))).toBe(bytes);
  });

  it.each(vectors.refused)('refuses $name', ({ text }) => {
    expect(codeOf(() => parseApiKey(text))).toBe('api_key_malformed');
  });
});
