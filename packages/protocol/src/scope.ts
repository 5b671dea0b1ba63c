import { PzkError } from './errors.js';
import { limits } from './limits.js';

/** RFC 6749 section 3.3: printable ASCII without space, quote and backslash. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Whether the text is one scope token (RFC 6749 section 3.3). */
export function isScopeToken(text: string): boolean {
  return SCOPE_TOKEN.test(text);
}

/**
 * Parses a scope string into its sorted, unique tokens. Empty text gives an empty list.
 *
 * @throws PzkError `invalid_scope`
 */
export function parseScope(text: string): readonly string[] {
  if (text.length > limits.scopeBytes)
    throw new PzkError('invalid_scope', 'The scope is too long.');
  if (text === '') return [];
  const tokens = text.split(' ');
  if (!tokens.every(isScopeToken)) throw new PzkError('invalid_scope', 'The scope is malformed.');
  return [...new Set(tokens)].sort();
}

/** The canonical text of a set of scope tokens: sorted by code unit, unique, joined by one space. */
export function formatScope(tokens: readonly string[]): string {
  return [...new Set(tokens)].sort().join(' ');
}

/**
 * Brings a scope string into the form that enters hashes.
 *
 * @throws PzkError `invalid_scope`
 */
export function canonicalizeScope(text: string): string {
  return formatScope(parseScope(text));
}
