import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createScrubber } from '../../src/keeper/scrubber.js';
import { secretForms } from '../../src/keeper/secret-forms.js';

const SECRET = 'sk-ant-Ab3/xY9+zz=Q"7';
const scrubberOf = (secret: string) => createScrubber(secretForms(Buffer.from(secret)));

async function scrub(secret: string, chunks: readonly Buffer[]): Promise<Buffer> {
  const stream = scrubberOf(secret).createStream();
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  const out: Buffer[] = [];
  for await (const chunk of stream) out.push(chunk);
  return Buffer.concat(out);
}

const split = (bytes: Buffer, places: readonly number[]) => {
  const cuts = [0, ...[...places].sort((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
};

const hexOf = (character: string) => character.charCodeAt(0).toString(16).padStart(2, '0');
const escapeUnicode = (character: string) => `\\u00${hexOf(character)}`;

/** Spellings as other programs write them; nothing here is shared with the code. */
const SPELLINGS: Record<string, string> = {
  raw: SECRET,
  base64: Buffer.from(SECRET).toString('base64'),
  'base64 behind one character': Buffer.from(`:${SECRET}`).toString('base64'),
  'base64 of basic credentials': Buffer.from(`me:${SECRET}:`).toString('base64'),
  'base64 of a header': Buffer.from(`{"authorization":"Bearer ${SECRET}"}`).toString('base64'),
  base64url: Buffer.from(SECRET).toString('base64url'),
  'base64url of a header': Buffer.from(`x-api-key: ${SECRET}`).toString('base64url'),
  hex: Buffer.from(SECRET).toString('hex'),
  'hex in upper case': Buffer.from(SECRET).toString('hex').toUpperCase(),
  encodeURIComponent: encodeURIComponent(SECRET),
  'form-encoded': new URLSearchParams({ q: SECRET }).toString(),
  'percent in lower case': encodeURIComponent(SECRET).replace(/%../g, (hex) => hex.toLowerCase()),
  JSON: JSON.stringify({ key: SECRET }),
  'JSON with slashes escaped': JSON.stringify({ key: SECRET }).replaceAll('/', '\\/'),
  HTML: SECRET.replaceAll('"', '&quot;'),
  'JSON with more escaped than need be': SECRET.replace(/[+/="-]/g, escapeUnicode),
  'JSON, all of it escaped': SECRET.replace(/./g, escapeUnicode).toUpperCase().replaceAll('U', 'u'),
  'JSON within JSON': JSON.stringify(JSON.stringify({ key: SECRET })),
  'HTML with numbers for signs': SECRET.replace(/[^a-z0-9]/gi, (c) => `&#${c.charCodeAt(0)};`),
  'HTML with numbers for all': SECRET.replace(/./g, (c) => `&#x00${hexOf(c)};`),
  'HTML with names': SECRET.replace('/', '&sol;')
    .replace('+', '&plus;')
    .replaceAll('=', '&equals;'),
  'percent, all of it, twice': SECRET.replace(/./g, (c) => `%25${hexOf(c)}`),
  'percent for some letters': SECRET.replace(/[aky]/gi, (c) => `%${hexOf(c)}`),
  'form-encoded and then percent': encodeURIComponent(encodeURIComponent(SECRET)),
  'escapes of C': SECRET.replace(/./g, (c) => `\\x${hexOf(c)}`),
  'octal escapes': SECRET.replace(/./g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`),
  'quoted-printable': SECRET.replace(/[^a-z0-9]/gi, (c) => `=${hexOf(c).toUpperCase()}`),
  Markdown: SECRET.replace(/[^a-z0-9]/gi, '\\$&'),
  'the other case': SECRET.replace(/[a-z]/gi, (c) =>
    c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase(),
  ),
  reversed: [...SECRET].reverse().join(''),
  'JSON of bytes': JSON.stringify([...Buffer.from(SECRET)]).slice(1, -1),
  'bytes with commas': [...Buffer.from(SECRET)].join(', '),
  'hex with colons': [...SECRET].map(hexOf).join(':'),
  'UTF-16LE': Buffer.from(SECRET, 'utf16le').toString('latin1'),
};

/** The part of the secret that is long enough to be of use. */
const longestRun = (text: string, spelling: string) => {
  for (let length = spelling.length; length > 0; length--) {
    for (let at = 0; at + length <= spelling.length; at++) {
      if (text.includes(spelling.slice(at, at + length))) return length;
    }
  }
  return 0;
};

describe('what comes back', () => {
  for (const [name, spelling] of Object.entries(SPELLINGS)) {
    it(`[V14] takes the secret out of a body, cut at any place: ${name}`, async () => {
      const body = Buffer.from(`before ${spelling} after`, 'latin1');
      for (let place = 0; place <= body.length; place++) {
        const clean = await scrub(SECRET, split(body, [place]));
        expect(clean.length).toBe(body.length);
        const text = clean.toString('latin1');
        // At the ends of base64 stand bits of its surroundings.
        const secretPart = name.startsWith('base64')
          ? spelling.slice(-Math.ceil((SECRET.length * 4) / 3) + 4, -5)
          : spelling.replace(/^.*?(sk)/, '$1').replace(/"?\}$/, '');
        expect(longestRun(text, secretPart), text).toBeLessThan(8);
        expect(text.startsWith('before ')).toBe(true);
        expect(text.endsWith(' after')).toBe(true);
      }
      expect(scrubberOf(SECRET).scrubText(body.toString('latin1'))).not.toContain(spelling);
    });
  }

  it('[V14] finds it in one-byte chunks and where two of it overlap', async () => {
    const secret = 'abcabcabcabc';
    const body = Buffer.from(`x${secret}abc-${secret}${secret}y`);
    const clean = await scrub(
      secret,
      [...body].map((byte) => Buffer.from([byte])),
    );
    expect(clean.toString()).toBe(`x${'*'.repeat(15)}-${'*'.repeat(24)}y`);
  });

  it('[V14] finds one that is longer than a pattern, to its end', async () => {
    const long = Buffer.from(crypto.getRandomValues(new Uint8Array(1001))).toString('hex');
    const body = Buffer.from(`before ${long.replace(/./g, escapeUnicode)} after`);
    const clean = await scrub(long, split(body, [1000, 7000]));
    expect(clean.toString()).toMatch(/^before \*+ after$/);
  });

  it('[V14] finds one of signs alone, and is not held up by them', async () => {
    const signs = '\\\\%%&&==\\%&='.repeat(8);
    for (const text of [signs, JSON.stringify(signs), encodeURIComponent(signs)]) {
      const clean = await scrub(signs, [Buffer.from(`${text} ${'\\'.repeat(5000)}`)]);
      expect(clean.toString()).not.toContain(text.slice(2, -2));
    }
  });

  it('[V14] leaves nothing of it in any text, however it is cut', async () => {
    const part = fc.oneof(
      fc.constantFrom(...Object.values(SPELLINGS)),
      fc.constantFrom(SECRET.slice(0, 7), SECRET.slice(4), SECRET.repeat(2)),
      fc.string({ maxLength: 12 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { maxLength: 6 }),
        fc.array(fc.nat(300), { maxLength: 8 }),
        async (parts, places) => {
          const body = Buffer.from(parts.join(''), 'latin1');
          const cuts = places.map((place) => Math.min(place, body.length));
          const clean = await scrub(SECRET, split(body, cuts));
          const whole = await scrub(SECRET, [body]);
          expect(clean.equals(whole)).toBe(true);
          const { whole: forms, patterns } = secretForms(Buffer.from(SECRET));
          for (const form of forms) expect(clean.includes(form)).toBe(false);
          for (const pattern of patterns) expect(clean.toString('latin1')).not.toMatch(pattern);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('[V14] cuts its chunks alike for any secret of that length: a guess that comes back tells nothing', async () => {
    const sizes = async (secret: string, chunks: readonly Buffer[]) => {
      const stream = scrubberOf(secret).createStream();
      const seen: number[] = [];
      stream.on('data', (chunk: Buffer) => seen.push(chunk.length));
      for (const chunk of chunks) {
        stream.write(chunk);
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(-1);
      }
      stream.end();
      await new Promise((resolve) => stream.once('end', resolve));
      return seen;
    };
    const other = 'pk_live_"<&>q8\\/%+Zz0'.slice(0, SECRET.length).padEnd(SECRET.length, '~');
    const guess = fc.nat(SECRET.length - 1).map((length) => SECRET.slice(0, length));
    const part = fc.oneof(guess, fc.string({ maxLength: 40 }), fc.constant('\n'));
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 6 }), async (parts) => {
        const chunks = parts.filter((text) => text !== '').map((text) => Buffer.from(text));
        expect(await sizes(SECRET, chunks)).toEqual(await sizes(other, chunks));
      }),
      { numRuns: 100 },
    );
  });

  it('[V14] honest: passes everything else as it is, and at once', async () => {
    const stream = scrubberOf(SECRET).createStream();
    const out: string[] = [];
    stream.on('data', (chunk: Buffer) => out.push(chunk.toString()));
    stream.write('data: sk-ant-other\n\n');
    await new Promise((resolve) => setImmediate(resolve));
    expect(out.join('')).toBe('data: sk-ant-other\n\n');
    const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(50_000)));
    expect((await scrub(SECRET, split(noise, [7, 20_000]))).equals(noise)).toBe(true);
  });
});
