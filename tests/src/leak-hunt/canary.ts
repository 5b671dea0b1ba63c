/** A secret to look for, in every spelling that software gives to bytes. */
export interface Canary {
  readonly name: string;
  readonly spellings: readonly { readonly name: string; readonly bytes: Buffer }[];
}

/** How software writes bytes as text. */
function writtenAs(bytes: Buffer): readonly { readonly name: string; readonly text: string }[] {
  const numbers = [...bytes];
  const hex = bytes.toString('hex');
  const latin1 = bytes.toString('latin1');
  // Base64 depends on where in its text the bytes start: all three alignments, without their edges.
  const aligned = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    return text.slice(shift === 0 ? 0 : 4, Math.floor(text.length / 4) * 4 - 4);
  });
  const inJson = (text: string) => JSON.stringify(text).slice(1, -1);
  return [
    { name: 'hex', text: hex },
    { name: 'HEX', text: hex.toUpperCase() },
    ...aligned.map((text) => ({ name: 'base64', text })),
    ...aligned.map((text) => ({
      name: 'base64url',
      text: text.replaceAll('+', '-').replaceAll('/', '_'),
    })),
    { name: 'numbers', text: numbers.join(',') },
    { name: 'numbers with spaces', text: numbers.join(', ') },
    {
      name: 'object of numbers',
      text: numbers.map((byte, index) => `"${index}":${byte}`).join(','),
    },
    { name: 'JSON', text: inJson(latin1) },
    { name: 'JSON in JSON', text: inJson(inJson(latin1)) },
    { name: 'percent-encoding', text: encodeURIComponent(latin1) },
    {
      name: '\\u00',
      text: numbers.map((byte) => `\\u00${byte.toString(16).padStart(2, '0')}`).join(''),
    },
  ];
}

/** Prepares a secret for the search. */
export function createCanary(name: string, secret: Uint8Array): Canary {
  const bytes = Buffer.from(secret);
  const spellings = new Map([[bytes.toString('latin1'), { name: 'raw', bytes }]]);
  function add(spelling: string, text: string, encoding: BufferEncoding): void {
    const written = Buffer.from(text, encoding);
    const known = written.toString('latin1');
    if (!spellings.has(known)) spellings.set(known, { name: spelling, bytes: written });
  }
  // As a string whose characters are the bytes: what becomes of it in UTF-8, and in memory.
  add('UTF-8', bytes.toString('latin1'), 'utf8');
  add('UTF-16', bytes.toString('latin1'), 'utf16le');
  for (const { name: spelling, text } of writtenAs(bytes)) {
    add(spelling, text, 'utf8');
    add(`${spelling} in UTF-16`, text, 'utf16le');
  }
  return { name, spellings: [...spellings.values()] };
}

/** Where canaries are looked for: a name and all that was found there; text as Latin-1. */
export type Sinks = ReadonlyMap<string, string | Uint8Array>;

/** Looks for many spellings at once. */
export type Search = (bytes: Uint8Array) => ReadonlySet<string>;

/** What is compared at once, at multiples of it: whatever has two of it has one whole one in it. */
const WINDOW = 8;
const SHORTEST = 2 * WINDOW;
const FILTER = 1 << 22;

/** Where a window leads in the filter that most of a text does not pass. */
const slot = (low: number, high: number) => ((low ^ Math.imul(high, 0x9e3779b1)) >>> 0) % FILTER;

/** One pass over megabytes of memory for thousands of spellings; names what it finds. */
export function createSearch(canaries: readonly Canary[]): Search {
  const filter = new Uint8Array(FILTER);
  const windows = new Map<string, { name: string; bytes: Buffer; offset: number }[]>();
  for (const { name, spellings } of canaries) {
    for (const { name: spelling, bytes } of spellings) {
      if (bytes.length < SHORTEST) throw new TypeError(`${name} is too short to be searched.`);
      for (let offset = 0; offset < WINDOW; offset++) {
        const [low = 0, high = 0] = toWords(bytes.subarray(offset, offset + WINDOW));
        const key = `${low} ${high}`;
        const entry = { name: `${name} as ${spelling}`, bytes, offset };
        filter[slot(low, high)] = 1;
        windows.set(key, [...(windows.get(key) ?? []), entry]);
      }
    }
  }
  return (given) => {
    const found = new Set<string>();
    const text = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
    const words = toWords(text);
    for (let at = 0; at + 1 < words.length; at += 2) {
      const [low, high] = [words[at] as number, words[at + 1] as number];
      if (filter[slot(low, high)] === 0) continue;
      for (const { name, bytes, offset } of windows.get(`${low} ${high}`) ?? []) {
        const start = 4 * at - offset;
        if (start >= 0 && bytes.equals(text.subarray(start, start + bytes.length))) found.add(name);
      }
    }
    return found;
  };
}

/** As numbers of 32 bits; what does not fill the last one is left out. */
function toWords(bytes: Uint8Array): Uint32Array {
  const { buffer, byteOffset, length } =
    bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes);
  return new Uint32Array(buffer, byteOffset, Math.floor(length / 4));
}

/** Every place and spelling in which a canary appears. */
export function hunt(canaries: readonly Canary[], sinks: Sinks): string[] {
  const search = createSearch(canaries);
  return [...sinks].flatMap(([sink, content]) => {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
    return [...search(bytes)].map((found) => `${found} in ${sink}`);
  });
}
