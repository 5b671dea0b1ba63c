import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatVaultSecret, isDisplayText, parseVaultSecret } from '../../src/index.js';
import { codeOf, fromHex, readVectors, toHex } from '../read-vectors.js';

interface SecretVectors {
  readonly cases: readonly {
    readonly name: string;
    readonly secret: { readonly name: string; readonly provider: string; readonly value: string };
    readonly plaintext: string;
  }[];
  readonly names: readonly string[];
  readonly badNames: readonly { readonly name: string; readonly text: string }[];
  readonly refused: readonly { readonly name: string; readonly plaintext: string }[];
}

const vectors = readVectors<SecretVectors>('vault-secrets');
const text = (minimum: number) =>
  fc
    .string({ unit: 'grapheme', minLength: minimum, maxLength: 64 })
    .filter((one) => isDisplayText(one, minimum, 64));

describe('secrets of other services', () => {
  it.each(vectors.cases)('reads and writes: $name', ({ secret, plaintext }) => {
    const value = fromHex(secret.value);
    expect(toHex(formatVaultSecret({ ...secret, value }))).toBe(plaintext);
    const parsed = parseVaultSecret(fromHex(plaintext));
    expect(parsed).toEqual({ ...secret, value });
    expect(plaintext.length % 512).toBe(0);
  });

  it.each(vectors.refused)('refuses $name', ({ plaintext }) => {
    expect(codeOf(() => parseVaultSecret(fromHex(plaintext)))).toBe('vault_slot_damaged');
  });

  it('writes what it reads, and nothing that it would refuse', () => {
    fc.assert(
      fc.property(
        text(1),
        text(0),
        fc.uint8Array({ minLength: 1, maxLength: 1024 }),
        (name, provider, value) => {
          const plaintext = formatVaultSecret({ name, provider, value });
          const parsed = parseVaultSecret(plaintext);
          expect(parsed).toMatchObject({ name, provider });
          expect(toHex(parsed.value)).toBe(toHex(value));
          expect(plaintext.length % 256).toBe(0);
        },
      ),
    );
    const secret = { name: 'a', provider: '', value: Uint8Array.of(1) };
    for (const wrong of [
      { ...secret, name: '' },
      { ...secret, value: new Uint8Array() },
      { ...secret, value: new Uint8Array(8193) },
      ...vectors.badNames.map((one) => ({ ...secret, name: one.text })),
    ]) {
      expect(() => formatVaultSecret(wrong)).toThrow(TypeError);
    }
  });

  it('gives a value that is wiped with its plaintext', () => {
    const plaintext = formatVaultSecret({ name: 'a', provider: '', value: Uint8Array.of(7, 7) });
    const { value } = parseVaultSecret(plaintext);
    plaintext.fill(0);
    expect([...value]).toEqual([0, 0]);
  });

  it('refuses any single change of a byte outside name, provider and value', () => {
    const plaintext = formatVaultSecret({ name: 'a', provider: 'b', value: Uint8Array.of(7) });
    const content = [4, 9, 14];
    for (let index = 0; index < plaintext.length; index++) {
      if (content.includes(index)) continue;
      const changed = plaintext.slice();
      changed[index] = (changed[index] ?? 0) ^ 0x01;
      expect(
        codeOf(() => parseVaultSecret(changed)),
        `byte ${index}`,
      ).toBe('vault_slot_damaged');
    }
  });
});

describe('text that is shown to people', () => {
  it.each(vectors.names)('takes %s', (name) => {
    expect(isDisplayText(name, 1, 64)).toBe(true);
  });

  it.each(vectors.badNames)('refuses $name', (bad) => {
    expect(isDisplayText(bad.text, 1, 64)).toBe(false);
  });

  it('refuses lone surrogates and takes nothing where the minimum is 0', () => {
    for (const bad of ['\ud800', 'a\udc00b', '\udc00\ud800']) {
      expect(isDisplayText(bad, 1, 64)).toBe(false);
    }
    expect(isDisplayText('', 0, 64)).toBe(true);
    expect(isDisplayText('a'.repeat(1_000_000), 0, 64)).toBe(false);
  });
});
