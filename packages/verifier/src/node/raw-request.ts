import type { IncomingMessage } from 'node:http';

/** The request target as the client sent it: routers shorten `url` and keep the whole as `originalUrl`. */
export function originalUrl(req: IncomingMessage & { readonly originalUrl?: unknown }): string {
  return typeof req.originalUrl === 'string' ? req.originalUrl : (req.url ?? '/');
}

/**
 * One header as it came; the values of one that came twice are joined by a comma. `req.headers` keeps
 * the first of two `Authorization` headers, and a check on it would judge another than a proxy did.
 *
 * @param name - In lower case.
 */
export function rawHeader({ rawHeaders }: IncomingMessage, name: string): string | null {
  let found: string | null = null;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() !== name) continue;
    const value = rawHeaders[index + 1] as string;
    found = found === null ? value : `${found}, ${value}`;
  }
  return found;
}

/** All headers as a Web `Headers`, each value of those that came twice. */
export function webHeaders({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    // HTTP/2 pseudo-headers are no headers.
    if (!name.startsWith(':')) headers.append(name, rawHeaders[index + 1] as string);
  }
  return headers;
}
