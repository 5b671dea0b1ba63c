import { base32crockford } from '@scure/base';
import type { Bytes } from './bytes.js';

const SEPARATORS = /[-\s]/g;

/** Writes bytes for people: Crockford's base 32 in groups of four characters separated by `-`. */
export function formatCrockford(bytes: Uint8Array): string {
  return (base32crockford.encode(bytes).match(/.{1,4}/g) ?? []).join('-');
}

/**
 * Reads what a person typed: either case, `O` as 0, `I` and `L` as 1, `-` and white space anywhere.
 * `undefined` if that is not so many bytes; the characters have to fill them exactly.
 */
export function parseCrockford(text: string, length: number): Bytes | undefined {
  // Far more than anybody separates; so nothing long is searched.
  if (text.length > 8 * length) return undefined;
  const characters = text.replace(SEPARATORS, '');
  if (characters.length !== Math.ceil((length * 8) / 5)) return undefined;
  try {
    const decoded = base32crockford.decode(characters);
    const bytes = decoded.length === length ? new Uint8Array(decoded) : undefined;
    // It may be a secret, and the caller overwrites its own copy alone.
    decoded.fill(0);
    return bytes;
  } catch {
    return undefined;
  }
}
