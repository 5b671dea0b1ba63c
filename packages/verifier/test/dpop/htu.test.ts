import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalizeHtu } from '../../src/dpop/htu.js';

const codePoint = fc.oneof(
  fc.integer({ min: 0, max: 0x7f }),
  fc.integer({ min: 0, max: 0x10ffff }),
);
const anyText = fc
  .array(codePoint, { maxLength: 64 })
  .map((codePoints) => String.fromCodePoint(...codePoints));

const host = fc.domain();
const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });
const segment = fc
  .string({ unit: fc.constantFrom(..."abcXYZ019-._~!$&'()*+,;=:@"), minLength: 1, maxLength: 8 })
  .filter((text) => text !== '.' && text !== '..');
const path = fc.array(segment, { maxLength: 5 }).map((parts) => `/${parts.join('/')}`);
const target = fc.record({ scheme: fc.constantFrom('http', 'https'), host, port, path });

type Target = { scheme: string; host: string; port: number | undefined; path: string };

function format({ scheme, host: name, port: number, path: rest }: Target): string {
  return `${scheme}://${name}${number === undefined ? '' : `:${number}`}${rest}`;
}

/** Writes some characters of a text as percent-encodings, in either case. */
function encode(text: string, choice: readonly number[]): string {
  return [...text]
    .map((character, index) => {
      const hex = character.charCodeAt(0).toString(16);
      if (!/[A-Za-z0-9._~-]/.test(character)) return character;
      const way = choice[index % Math.max(choice.length, 1)];
      return way === 1 ? `%${hex}` : way === 2 ? `%${hex.toUpperCase()}` : character;
    })
    .join('');
}

describe('canonicalizeHtu', () => {
  it('is idempotent', () => {
    fc.assert(
      fc.property(target, (parts) => {
        const once = canonicalizeHtu(format(parts));
        expect(once).toBeDefined();
        expect(canonicalizeHtu(once as string)).toBe(once);
      }),
    );
  });

  it('ignores query, fragment, default port, case of scheme and host, needless encodings', () => {
    const noise = fc.string({ unit: fc.constantFrom(...'ab=&/?.%20') });
    const choice = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(target, noise, choice, (parts, extra, ways) => {
        const canonical = canonicalizeHtu(format(parts));
        const standard = parts.scheme === 'https' ? 443 : 80;
        const { scheme, port: number } = parts;
        const spelled = {
          scheme: scheme.toUpperCase(),
          host: parts.host.toUpperCase(),
          port: number ?? standard,
          path: encode(parts.path, ways),
        };
        expect(canonicalizeHtu(format(spelled))).toBe(canonical);
        expect(canonicalizeHtu(`${format(parts)}?${extra}`)).toBe(canonical);
        expect(canonicalizeHtu(`${format(parts)}#${extra}`)).toBe(canonical);
      }),
    );
  });

  it('resolves dot segments', () => {
    fc.assert(
      fc.property(target, segment, fc.constantFrom('..', '%2e%2E', '.%2e'), (parts, name, up) => {
        const detour = { ...parts, path: `/${name}/${up}${parts.path}` };
        expect(canonicalizeHtu(format(detour))).toBe(canonicalizeHtu(format(parts)));
      }),
    );
  });

  it('tells apart what differs in one part', () => {
    fc.assert(
      fc.property(
        target,
        target,
        fc.constantFrom('scheme', 'host', 'port', 'path'),
        (a, b, part) => {
          const standard = (parts: Target) => parts.port ?? (parts.scheme === 'https' ? 443 : 80);
          const other = { ...a, [part]: b[part] };
          const same =
            a.scheme === other.scheme &&
            a.host.toLowerCase() === other.host.toLowerCase() &&
            standard(a) === standard(other) &&
            a.path === other.path;
          expect(canonicalizeHtu(format(a)) === canonicalizeHtu(format(other))).toBe(same);
        },
      ),
    );
  });

  it('keeps encodings that mean something', () => {
    const base = canonicalizeHtu('https://a.example/b/c');
    for (const path of ['/b%2Fc', '/b%2fc', '/b%252Fc', '/b/c%00', '/b/c%3F', '/b//c', '/b/c/']) {
      expect(canonicalizeHtu(`https://a.example${path}`)).not.toBe(base);
    }
    expect(canonicalizeHtu('https://a.example/b%2fc')).toBe('https://a.example/b%2Fc');
  });

  it('gives a target without a path the path /', () => {
    for (const text of ['https://a.example', 'https://a.example?q', 'https://a.example#f']) {
      expect(canonicalizeHtu(text)).toBe('https://a.example/');
    }
  });

  it('refuses what is no http(s) URI, or one with credentials', () => {
    const odd = [
      '',
      '/path',
      '//a.example/',
      'a.example',
      'ftp://a.example/',
      'javascript:alert(1)',
      'https:a.example/',
      'https:/a.example/',
      'https:///a.example/',
      'https://',
      'https://?q',
      'https://user@a.example/',
      'https://user:secret@a.example/',
      'https://:@a.example/',
      'https://@a.example/',
      'https:\\\\a.example\\',
      'https://a.example\\b',
      ' https://a.example/',
      'https://a.example/ ',
      'https://a.exa\tmple/',
      'https://a.example/\n',
      'https://a.example/ä',
      'https://a.example:99999/',
      'https://[::1/',
    ];
    for (const text of odd) expect(canonicalizeHtu(text)).toBeUndefined();
  });

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const url of [text, `https://${text}`, `https://a.example/${text}`]) {
          const canonical = canonicalizeHtu(url);
          if (canonical !== undefined) expect(canonicalizeHtu(canonical)).toBe(canonical);
        }
      }),
    );
  });
});
