import { PzkError } from '@pzk-auth/protocol';

const MAXIMUM_CHARACTERS = 8192;
/** Origin form (RFC 9112 section 3.2.1): visible ASCII, without what URL parsers read in two ways. */
const ORIGIN_FORM = /^\/(?!\/)[!-~]*$/;
const REFUSED_CHARACTERS = /[\\#]/;
const BROKEN_ESCAPE = /%(?![0-9a-fA-F]{2})/;
const ESCAPE = /%([0-9a-fA-F]{2})/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\x00-\x1f\x7f]/;

/** One level of percent-encoding undone, byte by byte. */
const unescapeOnce = (text: string) =>
  text.replace(ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/**
 * Checks path and query of a call. They reach the host as they are: nothing is repaired, so that
 * nobody reads them in another way than they were judged.
 *
 * @throws PzkError `host_refused`
 */
export function assertForwardTarget(target: string): void {
  const path = target.split('?', 1)[0] ?? '';
  const plain = unescapeOnce(path);
  if (
    target.length > MAXIMUM_CHARACTERS ||
    !ORIGIN_FORM.test(target) ||
    REFUSED_CHARACTERS.test(target) ||
    BROKEN_ESCAPE.test(path) ||
    CONTROL.test(plain) ||
    plain.split(/[/\\]/).some((segment) => segment === '.' || segment === '..')
  ) {
    throw new PzkError('host_refused', 'The path of the call is not in a form that is forwarded.', {
      hint: 'Give path and query as a URL parser writes them, without dot segments, backslashes and controls.',
    });
  }
}
