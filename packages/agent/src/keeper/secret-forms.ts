/** Shorter pieces would be found in any text. */
const MINIMUM_PIECE_BYTES = 6;
/** A pattern for more characters at once would be too large for the engine. */
const PATTERN_CHARACTERS = 256;
/** The longest way of writing one character that is searched for: `&#x0073;`. */
const ESCAPE_CHARACTERS = 8;
/** In decimal with a comma and a space behind each byte. */
const LIST_CHARACTERS = 5;

const ascii = (text: string) => Buffer.from(text, 'latin1');
const hexOf = (byte: number) => byte.toString(16).padStart(2, '0');

/**
 * base64 of any text that holds the secret: its characters depend on the place of the secret modulo
 * three bytes. For each place, those that the secret alone decides.
 */
function base64Pieces(secret: Buffer): Buffer[] {
  return [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), secret]).toString('base64');
    const first = Math.ceil((offset * 8) / 6);
    const last = Math.floor(((offset + secret.length) * 8) / 6);
    return ascii(text.slice(first, last));
  });
}

const toUrlAlphabet = (piece: Buffer) =>
  ascii(piece.toString('latin1').replaceAll('+', '-').replaceAll('/', '_'));

/** Spellings of the whole secret, byte for byte. */
function wholeForms(secret: Buffer): Buffer[] {
  const bytes = [...secret];
  const hex = bytes.map(hexOf);
  const base64 = base64Pieces(secret);
  const utf16 = Buffer.from(secret.toString('latin1'), 'utf16le');
  const listed = [
    ...['', ' ', ':', '-'].map((separator) => hex.join(separator)),
    ...[',', ', '].map((separator) => bytes.join(separator)),
  ];
  return [
    secret,
    Buffer.from(secret).reverse(),
    ...base64,
    ...base64.map(toUrlAlphabet),
    ...listed.map(ascii),
    ...listed.map((text) => ascii(text.toUpperCase())),
    utf16,
    Buffer.from(utf16).swap16(),
  ];
}

/** What is an entity in HTML though it need not be. */
const ENTITIES: Readonly<Record<string, string>> = {
  ...{ '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos', '+': 'plus', '/': 'sol' },
  ...{ '=': 'equals', _: 'lowbar', '.': 'period', ':': 'colon' },
};

/**
 * What an escape begins with is itself only where no such escape follows: no text is read in two ways, which
 * would take for ever.
 */
const LITERALS: Readonly<Record<string, string>> = {
  ...{ '%': '%(?!25)', '&': '&(?!#|amp;)', '=': '=(?!3d)' },
};

/** One character as it is, in either case, or in an escape that is in use; a source for `RegExp` with flag `i`. */
function characterSource(character: string, backslash: string): string {
  const codes = [...new Set([character.toLowerCase(), character.toUpperCase()])].map((one) =>
    one.charCodeAt(0),
  );
  const hex = `(?:${codes.map(hexOf).join('|')})`;
  const decimal = `(?:${codes.join('|')})`;
  const octal = `(?:${codes.map((code) => code.toString(8).padStart(3, '0')).join('|')})`;
  const escaped = LITERALS[character] ?? character.replace(/[^a-z0-9]/i, '\\$&');
  // Behind backslashes stand quotes and slashes in JSON, and much else in Markdown.
  const literal = /[a-z0-9]/i.test(character) ? escaped : `\\\\{0,3}${escaped}`;
  const entity = ENTITIES[character];
  return [
    character === '\\' ? backslash : literal,
    `%(?:25)?${hex}`, // also encoded twice
    `\\\\{1,2}(?:x${hex}|u00${hex}|${octal})`,
    `&#(?:0{0,2}${decimal}|x0{0,2}${hex});`,
    `=${hex}`, // quoted-printable
    ...(character === ' ' ? ['\\+'] : []),
    ...(entity === undefined ? [] : [`&${entity};`]),
  ].join('|');
}

/** The secret with each character escaped or not, as anybody likes. */
function escapePattern(text: string): RegExp {
  // One or two of them, unless that, too, could be read in many ways.
  const backslash = text.includes('\\\\') ? '\\\\\\\\' : '\\\\{1,2}';
  const sources = [...text].map((one) => `(?:${characterSource(one, backslash)})`);
  return new RegExp(sources.join(''), 'gi');
}

/** Spellings of a secret, and how long one may be: that depends on the length of the secret alone. */
export interface SecretForms {
  readonly whole: readonly Buffer[];
  /** With flag `g`, for text whose characters are the bytes (`latin1`). */
  readonly patterns: readonly RegExp[];
  readonly longest: number;
}

/** How a secret could come back: spellings that common software writes text in. */
export function secretForms(secret: Uint8Array): SecretForms {
  const raw = Buffer.from(secret);
  const text = raw.toString('latin1');
  const unique = new Map(wholeForms(raw).map((form) => [form.toString('latin1'), form]));
  const pieces: string[] = [];
  for (let start = 0; start < text.length; start += PATTERN_CHARACTERS) {
    // The last one is as long as the others, where there are others.
    const from = Math.max(0, Math.min(start, text.length - PATTERN_CHARACTERS));
    pieces.push(text.slice(from, from + PATTERN_CHARACTERS));
  }
  return {
    whole: [...unique.values()]
      .filter((form) => form.length >= MINIMUM_PIECE_BYTES)
      .sort((a, b) => b.length - a.length),
    patterns: pieces.map(escapePattern),
    longest: Math.max(
      Math.min(text.length, PATTERN_CHARACTERS) * ESCAPE_CHARACTERS,
      text.length * LIST_CHARACTERS,
    ),
  };
}
