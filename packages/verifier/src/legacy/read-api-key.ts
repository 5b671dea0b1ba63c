import type { AuthenticateRequest } from '../exchange/authenticate.js';
import { refusal } from '../refuse.js';

const BEARER = /^Bearer +([^\s]+)$/i;
/** No comma: of a header that came twice both values are joined by one. */
const KEY = /^[\x21-\x2b\x2d-\x7e]{1,4096}$/;

/** A part of a JWT; empty where it is none. */
function decode(part: string | undefined): { typ?: unknown; cnf?: { jkt?: unknown } | null } {
  try {
    return JSON.parse(Buffer.from(part ?? '', 'base64url').toString('utf8')) ?? {};
  } catch {
    return {};
  }
}

/**
 * Whether this is an access token: typed as one (RFC 9068 section 2.1) or bound to a key. It must not
 * pass as something else, whatever the application's check would say to it.
 */
function isAccessToken(key: string): boolean {
  const parts = key.split('.');
  if (parts.length !== 3) return false;
  const { typ } = decode(parts[0]);
  const typed = typeof typ === 'string' && /^(application\/)?at\+jwt$/i.test(typ);
  return typed || decode(parts[1]).cnf?.jkt !== undefined;
}

/**
 * Reads a plain API key from `Authorization: Bearer` or `X-API-Key`; undefined where the request has
 * none.
 *
 * @throws PzkError `invalid_request` for two credentials; `invalid_token` for a value that can be no
 * key, an access token (RFC 9449 section 7.1: a bound token under the scheme Bearer is refused), or a
 * key with a DPoP proof.
 */
export function readApiKey(headers: AuthenticateRequest['headers']): string | undefined {
  const authorization = headers.get('authorization');
  const header = headers.get('x-api-key');
  if (authorization !== null && header !== null) {
    throw refusal('invalid_request', 'Two credentials in one request.');
  }
  // Another scheme, DPoP among them, is not ours to read.
  if (authorization !== null && !/^Bearer\b/i.test(authorization)) return undefined;
  const key = header ?? (authorization === null ? undefined : BEARER.exec(authorization)?.[1]);
  if (key === undefined) {
    if (authorization === null) return undefined;
    throw refusal('invalid_token', 'Bearer without a key.');
  }
  if (headers.get('dpop') !== null) throw refusal('invalid_token', 'A DPoP proof with an API key.');
  if (!KEY.test(key)) throw refusal('invalid_token', 'This can be no API key.');
  if (isAccessToken(key))
    throw refusal('invalid_token', 'An access token without the scheme DPoP.');
  return key;
}
