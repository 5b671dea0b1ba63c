import { randomBytes } from 'node:crypto';
import { decodeBase64url, encodeBase64url, labels, lp, sha256 } from '@pzk-auth/protocol';

/**
 * RFC 6265bis section 4.1.3.2: with `__Host-` a browser takes the cookie only with Secure, Path=/ and
 * no Domain, so that no sibling host can plant one.
 */
const NAME = '__Host-pzk-session';
const VALUE = /^[ \t]*([A-Za-z0-9_-]{43})[ \t]*$/;

/** A new value: 256 random bits. */
export function createPageSecret(): string {
  return encodeBase64url(Uint8Array.from(randomBytes(32)));
}

/** Where the session of a value is stored. The value itself is stored nowhere. */
export function pageRowId(issuer: string, secret: string): string {
  const digest = sha256(lp(labels.pageSession, issuer, decodeBase64url(secret)));
  return `page:${encodeBase64url(digest)}`;
}

/** Our pair. RFC 6265bis section 5.6: spaces and tabs may stand around name and value, and nothing else. */
const PAIR = new RegExp(`^[ \\t]*${NAME}[ \\t]*=(.*)$`, 's');

/**
 * The value in a `Cookie` header, `undefined` where it is absent, odd or given twice.
 *
 * Split as browsers do, by the semicolon alone: a sibling host may plant `x=1,__Host-...=...` for the
 * whole domain, and whoever splits there, or trims more than a browser, gives it the name that it is
 * not allowed to have.
 */
export function readPageSecret(cookieHeader: string | null | undefined): string | undefined {
  if (typeof cookieHeader !== 'string') return undefined;
  const values: (string | undefined)[] = [];
  for (const pair of cookieHeader.split(';')) {
    const found = PAIR.exec(pair)?.[1];
    if (found !== undefined) values.push(VALUE.exec(found)?.[1]);
  }
  const [value] = values;
  if (values.length !== 1 || value === undefined) return undefined;
  // The 43rd character carries two bits that belong to no byte; of a value there is one spelling.
  return isCanonical(value) ? value : undefined;
}

function isCanonical(value: string): boolean {
  try {
    return decodeBase64url(value).length === 32;
  } catch {
    return false;
  }
}

const ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=Strict';

/** `Set-Cookie` of a new session. */
export function pageCookie(secret: string, maxAgeSeconds: number): string {
  return `${NAME}=${secret}; Max-Age=${maxAgeSeconds}; ${ATTRIBUTES}`;
}

/** `Set-Cookie` that removes it. */
export function clearedPageCookie(): string {
  return `${NAME}=; Max-Age=0; ${ATTRIBUTES}`;
}
