import type { ServerResponse } from 'node:http';

/** Fastify's reply, as far as it is used here. */
interface Reply {
  readonly raw: ServerResponse;
  readonly sent: boolean;
  header(name: string, value: string): unknown;
  getHeader(name: string): number | string | string[] | undefined;
  code(status: number): unknown;
  send(body: Buffer): unknown;
}

/** A response as a handler gets it: Express's, which is Node's own, or Fastify's. */
export type HttpResponse = ServerResponse | Reply;

export function setHeader(response: HttpResponse, name: string, value: string): void {
  // Not Express's own `set()`, which adds a charset to the content type.
  if ('raw' in response) response.header(name, value);
  else response.setHeader(name, value);
}

/** Adds a link: the application may link to more than we do. */
export function addLink(response: HttpResponse, link: string): void {
  const current = response.getHeader('link');
  const links = current === undefined ? [] : [current].flat().map(String);
  setHeader(response, 'link', [...links, link].join(', '));
}

export function isAnswered(response: HttpResponse): boolean {
  return 'raw' in response ? response.sent || response.raw.headersSent : response.headersSent;
}

export function answer(response: HttpResponse, status: number, body: string): void {
  if ('raw' in response) {
    response.code(status);
    // Bytes: to text Fastify would add a charset.
    response.send(Buffer.from(body));
  } else {
    response.statusCode = status;
    response.end(body);
  }
}
