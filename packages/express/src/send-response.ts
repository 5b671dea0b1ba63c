import type { Response as ExpressResponse } from 'express';

/** Sends a Web `Response` through Express. */
export async function sendResponse(response: Response, res: ExpressResponse): Promise<void> {
  res.status(response.status);
  for (const [name, value] of response.headers) {
    // An application may vary by more than we do.
    if (name === 'vary') res.vary(value);
    else res.setHeader(name, value);
  }
  // The rest of a body that was not read would be taken for the next request.
  if (response.status === 413 || response.status === 408) res.setHeader('connection', 'close');
  const body = Buffer.from(await response.arrayBuffer());
  if (body.length === 0) res.end();
  else res.end(body);
}
