import { type Bytes, PzkError, parseApiKey } from '@pzk-auth/protocol';

/**
 * Takes an API key from the input field into bytes, which can be overwritten, and checks it against
 * the application's pattern.
 *
 * @throws PzkError `api_key_malformed`
 */
export function parseOwnApiKey(text: string, pattern: RegExp | undefined): Bytes {
  const key = parseApiKey(text);
  // A pattern with the `g` or `y` flag keeps a position between calls.
  if (
    pattern !== undefined &&
    !new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).test(text.trim())
  ) {
    key.fill(0);
    throw new PzkError('api_key_malformed', 'The API key does not have the expected form.', {
      hint: 'Copy the whole key again.',
    });
  }
  return key;
}
