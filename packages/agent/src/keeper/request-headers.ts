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

/**
 * Dropped: they say where a call came from, or ask for an answer in which the secret could hide. Clients add
 * them unasked, so that a refusal would help nobody.
 */
const DROPPED = new Set([
  ...CONNECTION_HEADERS,
  'accept-charset',
  'accept-encoding',
  'forwarded',
  'max-forwards',
  'origin',
  'referer',
  'true-client-ip',
  'via',
  'x-real-ip',
]);
const DROPPED_FAMILY = /^(?:x-forwarded|sec|pzk)-/;

/** What an agent may say: which body it sends, which answer it wants, and whose call it is. */
const PASSED = new Set([
  'accept',
  'accept-language',
  'baggage',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'date',
  'http-referer', // OpenRouter: the application, with x-title
  'idempotency-key',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-unmodified-since',
  'last-event-id',
  'pragma',
  'prefer',
  'priority',
  'traceparent',
  'tracestate',
  'user-agent',
  'x-client-request-id',
  'x-correlation-id',
  'x-goog-api-client',
  'x-goog-request-params',
  'x-goog-user-project',
  'x-request-id',
  'x-server-timeout',
  'x-title',
]);
/** Of providers and their clients; `-version` is the header of many APIs (`notion-version`). */
const PASSED_FAMILY =
  /^(?:(?:anthropic|openai|x-stainless|x-fern|mcp)-[a-z0-9-]+|[a-z0-9-]+-version)$/;

/** No underscore: to CGI and its heirs `x_a` and `x-a` are one header. */
const HEADER_NAME = /^[a-z][a-z0-9-]{0,63}$/;
/** Another method than the user approved, an answer in pieces, a session beside the one credential. */
const NEVER_PASSED = /method|^(?:if-)?range$|^cookie/;

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

const isDroppedHeader = (name: string) =>
  DROPPED.has(name) || DROPPED_FAMILY.test(name) || isCredentialName(name);

/** Whether an operator may let a header pass beside those that do. */
export function isAllowableHeader(name: string): boolean {
  return HEADER_NAME.test(name) && !NEVER_PASSED.test(name) && !isDroppedHeader(name);
}

/** What the call to the host is made with. */
export interface ForwardedHeaders {
  readonly headers: Record<string, string | string[]>;
  /** Bytes of the body; `undefined`: as many as come. */
  readonly bodyBytes: number | undefined;
}

/** What {@link forwardedHeaders} is told. */
export interface ForwardedHeadersOptions {
  readonly host: string;
  readonly header: SecretHeader;
  /** Names that the operator lets pass for this host, lower case. */
  readonly allowed: readonly string[];
}

/**
 * The headers for the host. What an agent may say is listed; a header that nobody has thought of is refused,
 * since a host may read anything into it.
 *
 * @param rawHeaders - Names and values in turn.
 * @throws PzkError `host_refused`
 */
export function forwardedHeaders(
  rawHeaders: readonly string[],
  { host, header, allowed }: ForwardedHeadersOptions,
): ForwardedHeaders {
  const listed = connectionTokens(rawHeaders);
  const headers: Record<string, string | string[]> = Object.create(null);
  let bodyBytes: number | undefined = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? '';
    const value = rawHeaders[index + 1] ?? '';
    // The parser has refused a call that has both, or two lengths (RFC 9112 section 6.3).
    if (name === 'content-length') bodyBytes = Number(value);
    if (name === 'transfer-encoding') bodyBytes = undefined;
    if (isDroppedHeader(name) || listed.has(name) || name === header.name) continue;
    if (!PASSED.has(name) && !PASSED_FAMILY.test(name) && !allowed.includes(name)) {
      throw new PzkError('host_refused', 'A header of the call is not forwarded.', {
        // Its own word, and a token: the parser takes nothing else as a name.
        hint: `Leave out "${name.slice(0, 64)}", or have the broker's operator allow it for this host.`,
      });
    }
    const earlier = headers[name];
    headers[name] = earlier === undefined ? value : [earlier, value].flat();
  }
  headers.host = host;
  headers['accept-encoding'] = 'identity';
  if (bodyBytes === undefined) headers['transfer-encoding'] = 'chunked';
  else if (bodyBytes > 0) headers['content-length'] = String(bodyBytes);
  return { headers, bodyBytes };
}
