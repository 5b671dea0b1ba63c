import { PzkError } from '@pzk-auth/protocol';

const MAXIMUM_CHARACTERS = 8192;
/** Origin form (RFC 9112 section 3.2.1): visible ASCII, without what URL parsers read in two ways. */
const ORIGIN_FORM = /^\/(?!\/)[!-~]*$/;
const REFUSED_CHARACTERS = /[\\#]/;
const BROKEN_ESCAPE = /%(?![0-9a-fA-F]{2})/;
const ESCAPE = /%([0-9a-fA-F]{2})/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\x00-\x1f\x7f]/;

/** Parameters by which frameworks take another method than that of the request, as letters alone. */
const METHOD_PARAMETERS = new Set([
  'method',
  'httpmethod',
  'methodoverride',
  'httpmethodoverride',
  'tunneledmethod',
  'xmethod',
  'xhttpmethod',
  'xmethodoverride',
  'xhttpmethodoverride',
  'xtunneledmethod',
]);

/** One level of percent-encoding undone, byte by byte. */
const unescapeOnce = (text: string) =>
  text.replace(ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** `_method`, `_HttpMethod`, `x-http-method-override`, `.method` and so on; `method` alone is a usual name. */
function overridesMethod(query: string): boolean {
  return query.split(/[&;]/).some((parameter) => {
    const name = unescapeOnce(parameter.split('=', 1)[0] ?? '').toLowerCase();
    return name !== 'method' && METHOD_PARAMETERS.has(name.replace(/[^a-z]/g, ''));
  });
}

/**
 * Checks path and query of a call. They reach the host as they are: nothing is repaired, so that
 * nobody reads them in another way than they were judged.
 *
 * @throws PzkError `host_refused`
 */
export function assertForwardTarget(target: string): void {
  const path = target.split('?', 1)[0] ?? '';
  const query = target.slice(path.length + 1);
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
  if (overridesMethod(query)) {
    throw new PzkError('host_refused', 'A parameter of the call names another method.', {
      hint: 'Call with the method that you mean, and name it in the request for the release.',
    });
  }
}
