import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  isFieldElement,
  limits,
  parseFieldElement,
  parseJson,
  parseManifest,
  parseMessage,
  utf8,
  vaultEntrySchema,
} from '../src/index.js';
import { samples } from './messages/samples.js';
import { codeOf, readVectors } from './read-vectors.js';

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

afterEach(() => {
  vi.restoreAllMocks();
});

/** An array that counts how often one of its elements is read. */
function countReads<T>(items: T[]): { array: T[]; reads: () => number } {
  let reads = 0;
  const array = new Proxy(items, {
    get(target, property, receiver) {
      if (typeof property === 'string' && /^\d+$/.test(property)) reads += 1;
      return Reflect.get(target, property, receiver) as unknown;
    },
  });
  return { array, reads: () => reads };
}

describe('parseJson', () => {
  it('[P10] refuses nesting of 5,000 after as many characters as the limit allows', () => {
    const text = nested(5000);
    const parse = vi.spyOn(JSON, 'parse');
    const read = vi.spyOn(String.prototype, 'charCodeAt');
    const code = codeOf(() => parseJson(text));
    const looked = read.mock.calls.length;
    vi.restoreAllMocks();
    expect(code).toBe('invalid_request');
    expect(looked).toBe(limits.jsonDepth + 1);
    expect(parse).not.toHaveBeenCalled();
  });

  it('[P10] refuses one level too many, of arrays and of objects', () => {
    expect(codeOf(() => parseJson(nested(limits.jsonDepth + 1)))).toBe('invalid_request');
    const objects = `${'{"a":'.repeat(limits.jsonDepth + 1)}1${'}'.repeat(limits.jsonDepth + 1)}`;
    expect(codeOf(() => parseJson(objects))).toBe('invalid_request');
    expect(codeOf(() => parseJson(nested(3), 2))).toBe('invalid_request');
  });

  it('[P10] honest: takes the deepest nesting that is allowed, and brackets in texts', () => {
    expect(parseJson(nested(limits.jsonDepth))).toEqual(JSON.parse(nested(limits.jsonDepth)));
    const text = '['.repeat(100);
    expect(parseJson(JSON.stringify({ a: text, b: `\\"${text}` }))).toEqual({
      a: text,
      b: `\\"${text}`,
    });
  });

  it('[P10] refuses a list of 100,000 elements without reading one', () => {
    const { entry } = readVectors<{ entry: { slots: object[] } }>('vault-entry');
    const slot = entry.slots[0] as object;
    const { array, reads } = countReads(Array.from({ length: 100_000 }, () => slot));
    expect(codeOf(() => parseMessage(vaultEntrySchema, { ...entry, slots: array }))).toBe(
      'invalid_request',
    );
    expect(reads()).toBe(0);
  });

  it('[P10] refuses 100,000 unknown members after the first of them', () => {
    const members = Array.from({ length: 100_000 }, (_, index) => [`x${index}`, 1] as const);
    let reads = 0;
    const value = new Proxy(
      { ...samples.challengeRequest.value, ...Object.fromEntries(members) },
      {
        get(target, property, receiver) {
          reads += 1;
          return Reflect.get(target, property, receiver) as unknown;
        },
      },
    );
    const { schema } = samples.challengeRequest;
    expect(codeOf(() => parseMessage(schema, value))).toBe('invalid_request');
    expect(reads).toBeLessThan(20);
  });

  it('[P10] honest: takes a list at its limit', () => {
    const { entry } = readVectors<{ entry: { slots: object[] } }>('vault-entry');
    const slot = entry.slots[0] as object;
    const { array, reads } = countReads(Array.from({ length: limits.vaultSlots }, () => slot));
    expect(
      codeOf(() => parseMessage(vaultEntrySchema, { ...entry, slots: array })),
    ).toBeUndefined();
    expect(reads()).toBeGreaterThanOrEqual(limits.vaultSlots);
  });

  it('[P10] makes no big integer of 5,000,000 digits', () => {
    const digits = '7'.repeat(5_000_000);
    const make = vi.spyOn(globalThis, 'BigInt');
    const refused = [
      isFieldElement(digits),
      isFieldElement(`${digits}n`),
      isFieldElement(`-${digits}`),
    ];
    const message = codeOf(() =>
      parseMessage(samples.proofGrant.schema, { ...samples.proofGrant.value, commitment: digits }),
    );
    const made = make.mock.calls.length;
    vi.restoreAllMocks();
    expect(refused).toEqual([false, false, false]);
    expect(message).toBe('invalid_request');
    expect(made).toBe(0);
  });

  it('[P10] honest: counts levels that are open, not those that were', () => {
    for (const empty of ['[]', '{}']) {
      const text = `[${Array.from({ length: 100 }, () => empty).join()}]`;
      expect(parseJson(text)).toHaveLength(100);
    }
  });

  it('[P10] honest: makes one big integer of an element of 77 digits', () => {
    const make = vi.spyOn(globalThis, 'BigInt');
    parseFieldElement('1'.repeat(76));
    const made = make.mock.calls.length;
    vi.restoreAllMocks();
    expect(made).toBe(1);
  });

  it('refuses what is not JSON or not UTF-8', () => {
    for (const text of ['', '{', '{}x', "{'a':1}", 'undefined', '[1,]', ']']) {
      expect(codeOf(() => parseJson(text))).toBe('invalid_request');
    }
    expect(codeOf(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22)))).toBe('invalid_request');
    expect(parseJson(utf8('{"a":"ü"}'))).toEqual({ a: 'ü' });
  });

  it('[H6] makes own members of __proto__, constructor and prototype, never a prototype', () => {
    const text = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
    const value = parseJson(text) as Record<string, unknown>;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.hasOwn(value, '__proto__')).toBe(true);
    expect('polluted' in {}).toBe(false);
    expect(codeOf(() => parseManifest(utf8(text)))).toBe('vault_manifest_invalid');
  });
});
