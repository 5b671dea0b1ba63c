import { PzkError } from '@pzk-auth/protocol';
import { isCredentialName, type SecretHeader } from './secret-header.js';

/** Of one connection (RFC 9110 section 7.6.1), or for this program to write. */
const CONNECTION_HEADERS = [
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Dropped: they say where a call came from, or ask for an answer in which the secret could hide. */
const DROPPED = new Set([
  ...CONNECTION_HEADERS,
  'accept-charset',
  'accept-encoding',
  'forwarded',
  'max-forwards',
  'true-client-ip',
  'via',
  'x-real-ip',
]);

const REFUSED = new Map([
  // Another method than the user approved.
  ['x-http-method', 'method'],
  ['x-http-method-override', 'method'],
  ['x-method-override', 'method'],
  // An answer in pieces, each too small to be recognised.
  ['range', 'range'],
  ['if-range', 'range'],
]);

/** Whether a header belongs to one connection: it is never passed on, in either direction. */
export function isConnectionHeader(name: string): boolean {
  return CONNECTION_HEADERS.includes(name);
}

/** Names that `Connection` lists. */
export function connectionTokens(rawHeaders: readonly string[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() !== 'connection') continue;
    for (const name of rawHeaders[index + 1]?.split(',') ?? [])
      names.add(name.trim().toLowerCase());
  }
  return names;
}

/** What the call to the host is made with. */
export interface ForwardedHeaders {
  readonly headers: Record<string, string | string[]>;
  /** Bytes of the body; `undefined`: as many as come. */
  readonly bodyBytes: number | undefined;
}

/**
 * The headers for the host: those of the agent without what is not its to say.
 *
 * @param rawHeaders - Names and values in turn.
 * @throws PzkError `host_refused`
 */
export function forwardedHeaders(
  rawHeaders: readonly string[],
  { host, header }: { readonly host: string; readonly header: SecretHeader },
): ForwardedHeaders {
  const listed = connectionTokens(rawHeaders);
  const headers: Record<string, string | string[]> = Object.create(null);
  let bodyBytes: number | undefined = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? '';
    const value = rawHeaders[index + 1] ?? '';
    if (REFUSED.has(name)) {
      throw new PzkError('host_refused', 'A header of the call is not forwarded.', {
        hint: 'Leave out Range, If-Range and headers that override the method.',
      });
    }
    // The parser has refused a call that has both, or two lengths (RFC 9112 section 6.3).
    if (name === 'content-length') bodyBytes = Number(value);
    if (name === 'transfer-encoding') bodyBytes = undefined;
    const isDropped =
      DROPPED.has(name) ||
      listed.has(name) ||
      name === header.name ||
      isCredentialName(name) ||
      name.startsWith('x-forwarded-') ||
      name.startsWith('pzk-');
    if (isDropped) continue;
    const earlier = headers[name];
    headers[name] = earlier === undefined ? value : [earlier, value].flat();
  }
  headers.host = host;
  headers['accept-encoding'] = 'identity';
  if (bodyBytes === undefined) headers['transfer-encoding'] = 'chunked';
  else if (bodyBytes > 0) headers['content-length'] = String(bodyBytes);
  return { headers, bodyBytes };
}
