import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalizeScope, formatScope, isScopeToken, parseScope } from '../src/index.js';
import { codeOf, readVectors } from './read-vectors.js';

interface ScopeVectors {
  readonly cases: readonly { text: string; canonical: string }[];
  readonly refused: readonly { name: string; text: string }[];
}

const vectors = readVectors<ScopeVectors>('scope');
const token = fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]{1,8}$/);

describe('scope', () => {
  it.each(vectors.cases)('[P9] honest: brings "$text" into its canonical form', (one) => {
    expect(canonicalizeScope(one.text)).toBe(one.canonical);
    expect(canonicalizeScope(one.canonical)).toBe(one.canonical);
    expect(parseScope(one.text)).toEqual(one.canonical === '' ? [] : one.canonical.split(' '));
  });

  it.each(vectors.refused)('[P9] refuses $name', ({ text }) => {
    expect(codeOf(() => parseScope(text))).toBe('invalid_scope');
  });

  it('[P9] honest: order and duplicates make no difference', () => {
    fc.assert(
      fc.property(fc.array(token, { maxLength: 8 }), fc.array(fc.nat()), (tokens, order) => {
        const shuffled = [...tokens, ...tokens].sort(
          (a, b) => (order[a.length] ?? 0) - (order[b.length] ?? 0),
        );
        expect(canonicalizeScope(shuffled.join(' '))).toBe(formatScope(tokens));
      }),
    );
  });

  it('[P9] keeps sets of tokens apart whatever the tokens hold', () => {
    expect(formatScope(['a|b', 'c'])).not.toBe(formatScope(['a', 'b|c']));
    const tokens = fc.array(fc.constantFrom('a', 'b', 'a|b', 'b|c', 'c', 'ab'), { maxLength: 4 });
    fc.assert(
      fc.property(tokens, tokens, (a, b) => {
        const same = new Set(a).size === new Set([...a, ...b]).size;
        const both = same && new Set(b).size === new Set([...a, ...b]).size;
        expect(formatScope(a) === formatScope(b)).toBe(both);
      }),
    );
  });

  it('[P9] takes a scope of 512 characters, and no longer one', () => {
    expect(parseScope('x'.repeat(512))).toHaveLength(1);
    expect(codeOf(() => parseScope('x'.repeat(513)))).toBe('invalid_scope');
  });

  it('takes no token with a space, a quote or a backslash', () => {
    for (const text of ['', ' ', 'a b', '"', '\\', '\u007f', '\u00e9']) {
      expect(isScopeToken(text)).toBe(false);
    }
    expect(isScopeToken('weather:read')).toBe(true);
  });
});
