import { bytesToInteger, utf8 } from './bytes.js';
import { sha256 } from './hash.js';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 62^43 > 2^256. */
const BODY_CHARACTERS = 43;
/** 62^6 > 2^32. */
const CHECKSUM_CHARACTERS = 6;
const PREFIX = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
const MAXIMUM_PREFIX = 12;

function base62(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest /= 62n)
    text = ALPHABET[Number(rest % 62n)] + text;
  return text;
}

function checksum(text: string): string {
  return base62(bytesToInteger(sha256(utf8(text)).subarray(0, 4)), CHECKSUM_CHARACTERS);
}

/** Whether the text can be the prefix of issued keys: lower case words joined by `_`, at most 12. */
export function isApiKeyPrefix(prefix: string): boolean {
  return prefix.length <= MAXIMUM_PREFIX && PREFIX.test(prefix);
}

/**
 * Writes an API key: `prefix_` and 43 characters of base62 holding 256 bits, then 6 of checksum. The
 * prefix lets secret scanners recognise it; the checksum tells a typing error from a wrong key
 * without asking the server. At most 62 bytes, so it enters the commitment as it is.
 *
 * @param entropy - 32 random bytes.
 */
export function formatApiKey(prefix: string, entropy: Uint8Array): string {
  if (!isApiKeyPrefix(prefix)) throw new TypeError('The prefix of API keys is malformed.');
  if (entropy.length !== 32) throw new TypeError('An API key needs 32 random bytes.');
  const body = `${prefix}_${base62(bytesToInteger(entropy), BODY_CHARACTERS)}`;
  return body + checksum(body);
}

/**
 * Whether a text is a key as {@link formatApiKey} writes it, checksum included. Says nothing about
 * whether any issuer knows it.
 *
 * @param prefix - Demanded prefix; any if absent.
 */
export function isIssuedApiKey(text: string, prefix?: string): boolean {
  const match = /^([a-z0-9_]+)_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/.exec(text);
  if (match === null) return false;
  const [, found = '', body = '', sum = ''] = match;
  if (prefix === undefined ? !isApiKeyPrefix(found) : found !== prefix) return false;
  return checksum(`${found}_${body}`) === sum;
}
