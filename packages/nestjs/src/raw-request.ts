import type { IncomingMessage } from 'node:http';

/** A request as a handler gets it: Express's, Fastify's or Node's own. */
export type HttpRequest = IncomingMessage | { readonly raw: IncomingMessage };

/** Node's request behind a framework's. Express's is Node's own. */
export function rawRequest(request: HttpRequest): IncomingMessage {
  return 'raw' in request ? request.raw : request;
}

/** The client's address by the framework's own setting for proxies. */
export function addressOf(request: HttpRequest): string | undefined {
  const { ip } = request as { readonly ip?: unknown };
  return typeof ip === 'string' ? ip : rawRequest(request).socket.remoteAddress;
}
