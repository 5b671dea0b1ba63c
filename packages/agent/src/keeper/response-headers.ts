import type { IncomingMessage } from 'node:http';
import { PzkError } from '@pzk-auth/protocol';
import { connectionTokens, isConnectionHeader } from './request-headers.js';
import type { Scrubber } from './scrubber.js';

/** A session that the host began would outlive the release; the others speak to browsers. */
const DROPPED = new Set(['alt-svc', 'refresh', 'set-cookie', 'set-cookie2']);

/**
 * Refuses a redirect to somewhere else: whoever follows it would go there with what the agent sent.
 *
 * @throws PzkError `host_refused`
 */
export function assertRedirect(response: IncomingMessage, url: string): void {
  const status = response.statusCode ?? 0;
  const { location } = response.headers;
  if (status < 300 || status > 399 || location === undefined) return;
  const target = URL.canParse(location, url) ? new URL(location, url) : undefined;
  if (target?.origin !== new URL(url).origin || target.username !== '' || target.password !== '') {
    throw new PzkError('host_refused', 'The host redirects to another host.', {
      hint: 'Ask for a release for that host, if the call is meant for it.',
    });
  }
}

/** @throws PzkError `unexpected_response` where the body could not be searched. */
export function assertPlainBody(response: IncomingMessage): void {
  const isPlain = (header: string | undefined, plain: string) =>
    (header ?? plain).trim().toLowerCase() === plain;
  // The parser takes the chunks apart, and leaves what else `Transfer-Encoding` lists (RFC 9112 section 6.1).
  if (
    !isPlain(response.headers['content-encoding'], 'identity') ||
    !isPlain(response.headers['transfer-encoding'], 'chunked') ||
    response.statusCode === 206
  ) {
    throw new PzkError('unexpected_response', 'The host answered in an encoding nobody asked for.');
  }
}

/** The headers for the agent, names and values in turn; the secret is taken out of both. */
export function returnedHeaders(rawHeaders: readonly string[], scrubber: Scrubber): string[] {
  const listed = connectionTokens(rawHeaders);
  const headers: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const written = rawHeaders[index] ?? '';
    const name = written.toLowerCase();
    const isDropped =
      (isConnectionHeader(name) && name !== 'content-length') ||
      listed.has(name) ||
      DROPPED.has(name) ||
      name.startsWith('pzk-') ||
      scrubber.scrubText(written) !== written;
    if (!isDropped) headers.push(written, scrubber.scrubText(rawHeaders[index + 1] ?? ''));
  }
  return headers;
}
