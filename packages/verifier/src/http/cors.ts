/** Headers that a page on another origin may read. */
const EXPOSED =
  'DPoP-Nonce, WWW-Authenticate, ETag, Retry-After, RateLimit, RateLimit-Policy, Deprecation, Sunset, Link, PZK-Registration, PZK-Client-Id';
const ALLOWED_HEADERS = 'Authorization, DPoP, Content-Type, If-Match, X-API-Key, PZK-Commitment';
const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';

/**
 * CORS headers of an answer. Only the configured origins are named, exactly; credentials (cookies) are
 * never allowed, because nothing here lives in one.
 *
 * @param origin - Value of the `Origin` header.
 */
export function corsHeaders(
  origin: string | null,
  origins: ReadonlySet<string>,
): Readonly<Record<string, string>> {
  if (origin === null || !origins.has(origin)) return { vary: 'Origin' };
  return {
    vary: 'Origin',
    'access-control-allow-origin': origin,
    'access-control-expose-headers': EXPOSED,
  };
}

/** CORS headers of the answer to a preflight request. */
export function preflightHeaders(
  origin: string | null,
  origins: ReadonlySet<string>,
): Readonly<Record<string, string>> {
  const headers = corsHeaders(origin, origins);
  if (!('access-control-allow-origin' in headers)) return headers;
  return {
    ...headers,
    'access-control-allow-methods': ALLOWED_METHODS,
    'access-control-allow-headers': ALLOWED_HEADERS,
    'access-control-max-age': '600',
  };
}
