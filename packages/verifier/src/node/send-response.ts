import type { IncomingMessage, ServerResponse } from 'node:http';

/** Adds a name to `Vary`: an application may vary by more than we do. */
export function addVary(res: ServerResponse, name: string): void {
  const current = res.getHeader('vary');
  const names = current === undefined ? [] : [current].flat().join(',').split(/ *, */);
  if (names.some((one) => one === '*' || one.toLowerCase() === name.toLowerCase())) return;
  res.setHeader('vary', [...names, name].join(', '));
}

/** Passes a body on piece by piece. A client that leaves cancels its source. */
async function streamBody(body: ReadableStream<Uint8Array>, res: ServerResponse): Promise<void> {
  const reader = body.getReader();
  const onClose = () => reader.cancel().catch(() => {});
  res.once('close', onClose);
  if (res.destroyed) onClose();
  res.flushHeaders();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      res.write(value);
    }
  } finally {
    res.end();
  }
}

/** Sends a Web `Response` through Node. One of `text/event-stream` is sent while it is made. */
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
  if (response.headers.get('content-type') === 'text/event-stream' && response.body !== null) {
    return streamBody(response.body, res);
  }
  const body = Buffer.from(await response.arrayBuffer());
  // A body that was not read to its end would hold up the next request on this connection. Looked at
  // after the await: Node marks a request without a body as complete only when its handler is done.
  if (!req.complete) res.setHeader('connection', 'close');
  if (body.length === 0) res.end();
  else res.end(body);
}
