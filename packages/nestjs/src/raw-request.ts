import type { IncomingMessage } from 'node:http';

/** A request as a handler gets it: Express's, Fastify's or Node's own. */
export type HttpRequest = IncomingMessage | { readonly raw: IncomingMessage };

/** What frameworks add to a request, as far as it is read here. */
interface Additions {
  readonly originalUrl?: unknown;
  readonly ip?: unknown;
}

/** Node's request behind a framework's. Express's is Node's own. */
export function rawRequest(request: HttpRequest): IncomingMessage {
  return 'raw' in request ? request.raw : request;
}

/** The request target as the client sent it: routers shorten `url`. */
export function originalUrl(request: HttpRequest): string {
  const raw = rawRequest(request);
  for (const holder of [request, raw]) {
    const { originalUrl } = holder as Additions;
    if (typeof originalUrl === 'string') return originalUrl;
  }
  return raw.url ?? '/';
}

/** The client's address by the framework's own setting for proxies. */
export function addressOf(request: HttpRequest): string | undefined {
  const { ip } = request as Additions;
  return typeof ip === 'string' ? ip : rawRequest(request).socket.remoteAddress;
}

/** One raw header; the values of a header that came twice are joined by a comma. */
export function rawHeader(request: HttpRequest, name: string): string | null {
  const { rawHeaders } = rawRequest(request);
  let found: string | null = null;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() !== name) continue;
    const value = rawHeaders[index + 1] as string;
    found = found === null ? value : `${found}, ${value}`;
  }
  return found;
}
