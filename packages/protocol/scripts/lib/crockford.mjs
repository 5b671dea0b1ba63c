/** Crockford's base 32 for people, as docs/protocol.md sections 12.13 and 13.2 write it. */
import { bigEndian } from './encodings.mjs';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** For whole numbers of five bits only: 35 and 10 bytes. */
export function crockford(bytes) {
  const count = (bytes.length * 8) / 5;
  let text = '';
  for (let index = count - 1; index >= 0; index--) {
    text += ALPHABET[Number((bigEndian(bytes) >> BigInt(index * 5)) & 31n)];
    if (index % 4 === 0 && index > 0) text += '-';
  }
  return text;
}
