/** Shorter pieces would be found in any text. */
const MINIMUM_PIECE_BYTES = 6;

const ascii = (text: string) => Buffer.from(text, 'latin1');
const escapeEach = (secret: Buffer, write: (hex: string) => string) =>
  ascii([...secret].map((byte) => write(byte.toString(16).padStart(2, '0'))).join(''));

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

/** Percent-encoding by the rules that are in use: each leaves other characters as they are. */
function percentForms(secret: Buffer): Buffer[] {
  const text = secret.toString('latin1');
  const keeps = [/[A-Za-z0-9]/, /[A-Za-z0-9\-_.~]/, /[A-Za-z0-9\-_.!~*'()]/, /[A-Za-z0-9*\-._]/];
  const encode = (keep: RegExp, space: string, isUpper: boolean) =>
    ascii(
      [...text]
        .map((character) => {
          if (keep.test(character)) return character;
          if (character === ' ') return space;
          const hex = character.charCodeAt(0).toString(16).padStart(2, '0');
          return `%${isUpper ? hex.toUpperCase() : hex}`;
        })
        .join(''),
    );
  return keeps.flatMap((keep) =>
    ['%20', '+'].flatMap((space) => [encode(keep, space, true), encode(keep, space, false)]),
  );
}

/** How a secret could come back: spellings that common software writes text in. */
export function secretForms(secret: Uint8Array): readonly Buffer[] {
  const raw = Buffer.from(secret);
  const text = raw.toString('latin1');
  const json = JSON.stringify(text).slice(1, -1);
  const html = text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
  const base64 = base64Pieces(raw);
  const utf16 = Buffer.from(text, 'utf16le');
  const forms = [
    raw,
    ascii(text.toLowerCase()),
    ascii(text.toUpperCase()),
    ...base64,
    ...base64.map(toUrlAlphabet),
    escapeEach(raw, (hex) => hex),
    escapeEach(raw, (hex) => hex.toUpperCase()),
    escapeEach(raw, (hex) => `%${hex}`),
    escapeEach(raw, (hex) => `%${hex.toUpperCase()}`),
    escapeEach(raw, (hex) => `\\x${hex}`),
    escapeEach(raw, (hex) => `\\u00${hex}`),
    escapeEach(raw, (hex) => `\\u00${hex.toUpperCase()}`),
    ...percentForms(raw),
    ascii(json),
    ascii(json.replaceAll('/', '\\/')),
    ascii(html),
    ascii(html.replaceAll("'", '&#39;')),
    ascii(html.replaceAll("'", '&#x27;')),
    utf16,
    Buffer.from(utf16).swap16(),
  ];
  const unique = new Map(forms.map((form) => [form.toString('latin1'), form]));
  return [...unique.values()]
    .filter((form) => form.length >= MINIMUM_PIECE_BYTES)
    .sort((a, b) => b.length - a.length);
}
