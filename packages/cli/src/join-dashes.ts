import type { OptionSpecs } from './command.js';

/** Random ids have 22 characters, key ids of JWK sets 43. */
const ID = /^-[A-Za-z0-9_-]{21}$|^-[A-Za-z0-9_-]{42}$/;

/**
 * Ids are base64url, so one in 64 begins with a dash and would be taken for options. Values are joined
 * to their option, and ids that stand alone are put behind `--`.
 */
export function joinDashes(words: readonly string[], options: OptionSpecs): string[] {
  const rest: string[] = [];
  const ids: string[] = [];
  const end = words.indexOf('--');
  const own = end === -1 ? words : words.slice(0, end);
  for (let index = 0; index < own.length; index++) {
    const word = own[index] ?? '';
    const next = own[index + 1];
    const takesValue = word.startsWith('--') && options[word.slice(2)]?.type === 'string';
    if (takesValue && next !== undefined && ID.test(next)) {
      rest.push(`${word}=${next}`);
      index++;
    } else if (ID.test(word) && !word.includes('=')) {
      ids.push(word);
    } else {
      rest.push(word);
    }
  }
  const positionals = [...ids, ...(end === -1 ? [] : words.slice(end + 1))];
  return positionals.length === 0 ? rest : [...rest, '--', ...positionals];
}
