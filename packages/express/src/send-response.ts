import type { Response as ExpressResponse } from 'express';

/** Sends a Web `Response` through Express. */
export async function sendResponse(response: Response, res: ExpressResponse): Promise<void> {
  res.status(response.status);
  for (const [name, value] of response.headers) {
    // An application may vary by more than we do.
    if (name === 'vary') res.vary(value);
    else res.setHeader(name, value);
  }
  const body = Buffer.from(await response.arrayBuffer());
  // A body that was not read to its end would hold up the next request on this connection. Looked at
  // after the await: Node marks a request without a body as complete only when its handler is done.
  if (!res.req.complete) res.setHeader('connection', 'close');
  if (body.length === 0) res.end();
  else res.end(body);
}
