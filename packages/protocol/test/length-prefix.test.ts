import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LengthPrefixedPart, lp, splitLengthPrefixed, utf8 } from '../src/index.js';
import { codeOf, fromHex, readVectors, toHex } from './read-vectors.js';

interface Part {
  readonly text?: string;
  readonly integer?: string;
  readonly number?: number;
  readonly bytes?: string;
}

interface LpVectors {
  readonly cases: readonly { name: string; parts: readonly Part[]; encoded: string }[];
  readonly refused: readonly { name: string; parts: readonly Part[] }[];
}

const vectors = readVectors<LpVectors>('length-prefix');

function toPart(part: Part): LengthPrefixedPart {
  if (part.text !== undefined) return part.text;
  if (part.integer !== undefined) return BigInt(part.integer);
  if (part.number !== undefined) return part.number;
  return part.bytes === undefined ? undefined : fromHex(part.bytes);
}

/** Reads an encoding back into its parts. */
function split(encoded: Uint8Array): Uint8Array[] {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset < encoded.length; ) {
    const length = view.getUint32(offset, false);
    parts.push(encoded.subarray(offset + 4, offset + 4 + length));
    offset += 4 + length;
  }
  return parts;
}

const part = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.uint8Array({ maxLength: 40 }),
  fc.maxSafeNat(),
  fc.bigInt({ min: 0n, max: 2n ** 256n }),
  fc.constant(undefined),
);

function bytesOf(value: LengthPrefixedPart): Uint8Array {
  if (value === undefined) return new Uint8Array();
  return value instanceof Uint8Array ? value : utf8(String(value));
}

describe('lp', () => {
  it.each(vectors.cases)('encodes: $name', ({ parts, encoded }) => {
    expect(toHex(lp(...parts.map(toPart)))).toBe(encoded);
  });

  it.each(vectors.refused)('refuses $name', ({ parts }) => {
    expect(() => lp(...parts.map(toPart))).toThrow(TypeError);
  });

  it('takes any text, also one that looks like a negative number', () => {
    for (const text of ['-1', '-1e9', '1.5', 'NaN']) {
      expect(lp(text)).toEqual(lp(utf8(text)));
    }
  });

  it('gives back exactly the parts that went in', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        expect(split(lp(...parts)).map(toHex)).toEqual(parts.map((one) => toHex(bytesOf(one))));
      }),
    );
  });

  it('is injective: two lists share an encoding only if their parts are the same bytes', () => {
    // Few letters and short parts, so that concatenations collide all the time.
    const text = fc.array(fc.constantFrom('', 'a', 'b', 'ab', 'aa', '|', 'a|b', '\u0000'), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const same = a.length === b.length && a.every((one, index) => one === b[index]);
        expect(toHex(lp(...a)) === toHex(lp(...b))).toBe(same);
      }),
      { numRuns: 500 },
    );
  });
});

describe('splitLengthPrefixed', () => {
  it.each(vectors.cases)('takes apart: $name', ({ parts, encoded }) => {
    const expected = parts.map((one) => toHex(bytesOf(toPart(one))));
    expect(splitLengthPrefixed(fromHex(encoded), parts.length).map(toHex)).toEqual(expected);
  });

  it('takes only what lp writes of so many parts', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(4), (bytes, count) => {
        const parts = (() => {
          try {
            return splitLengthPrefixed(bytes, count);
          } catch (error) {
            expect(error).toMatchObject({ code: 'invalid_request' });
            return undefined;
          }
        })();
        if (parts === undefined) return;
        expect(parts).toHaveLength(count);
        expect(toHex(lp(...parts))).toBe(toHex(bytes));
      }),
    );
  });

  it.each([
    ['a part less', lp('a'), 2],
    ['a part more', lp('a', 'b', ''), 2],
    ['a cut length', lp('a', 'b').slice(0, 7), 2],
    ['a cut part', lp('a', 'bc').slice(0, -1), 2],
    ['a byte after the end', Uint8Array.of(...lp('a', 'b'), 0), 2],
    ['a length beyond the end', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1), 1],
    ['no parts and a byte', Uint8Array.of(0), 0],
  ])('refuses %s', (_, bytes, count) => {
    expect(codeOf(() => splitLengthPrefixed(bytes, count))).toBe('invalid_request');
  });

  it('reads a view at its own place and gives views', () => {
    const whole = Uint8Array.of(9, 9, ...lp('a', 'b'), 9);
    const parts = splitLengthPrefixed(whole.subarray(2, -1), 2);
    expect(parts.map((one) => new TextDecoder().decode(one))).toEqual(['a', 'b']);
    whole.fill(0);
    expect(parts.map((one) => [...one])).toEqual([[0], [0]]);
  });
});
