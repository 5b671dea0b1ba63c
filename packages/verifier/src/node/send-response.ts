import type { IncomingMessage, ServerResponse } from 'node:http';

/** Adds a name to `Vary`: an application may vary by more than we do. */
export function addVary(res: ServerResponse, name: string): void {
  const current = res.getHeader('vary');
  const names = current === undefined ? [] : [current].flat().join(',').split(/ *, */);
  if (names.some((one) => one === '*' || one.toLowerCase() === name.toLowerCase())) return;
  res.setHeader('vary', [...names, name].join(', '));
}

/** Sends a Web `Response` through Node. */
export async function sendResponse(
  response: Response,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  res.statusCode = response.status;
  for (const [name, value] of response.headers) {
    if (name === 'vary') addVary(res, value);
    // The application may have set a cookie of its own.
    else if (name === 'set-cookie') res.appendHeader(name, value);
    else res.setHeader(name, value);
  }
  const body = Buffer.from(await response.arrayBuffer());
  // A body that was not read to its end would hold up the next request on this connection. Looked at
  // after the await: Node marks a request without a body as complete only when its handler is done.
  if (!req.complete) res.setHeader('connection', 'close');
  if (body.length === 0) res.end();
  else res.end(body);
}
