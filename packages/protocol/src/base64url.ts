import { base64urlnopad } from '@scure/base';
import type { Bytes } from './bytes.js';
import { PzkError } from './errors.js';

/** Encodes bytes as base64url without padding (RFC 4648 section 5). */
export function encodeBase64url(bytes: Uint8Array): string {
  return base64urlnopad.encode(bytes);
}

/**
 * Decodes canonical base64url: no padding, no other alphabet, unused bits zero. One byte string has
 * exactly one spelling, so that a value that entered a hash cannot return in other letters.
 *
 * @param length - Expected number of bytes; any if absent.
 * @throws PzkError `invalid_request`
 */
export function decodeBase64url(text: string, length?: number): Bytes {
  let bytes: Bytes;
  try {
    bytes = new Uint8Array(base64urlnopad.decode(text));
  } catch (cause) {
    throw new PzkError('invalid_request', 'Not canonical base64url.', { cause });
  }
  if (length !== undefined && bytes.length !== length) {
    throw new PzkError('invalid_request', 'A base64url value has the wrong length.');
  }
  return bytes;
}

/** Whether the text is canonical base64url, of the given number of bytes if told. */
export function isBase64url(text: string, length?: number): boolean {
  try {
    decodeBase64url(text, length);
    return true;
  } catch {
    return false;
  }
}
