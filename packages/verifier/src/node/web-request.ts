import type { IncomingMessage } from 'node:http';
import { originalUrl, webHeaders } from './raw-request.js';

const FORM = /^application\/x-www-form-urlencoded *(;|$)/i;

function writeAgain(body: unknown, isForm: boolean): string {
  if (typeof body === 'string') return body;
  if (body instanceof Uint8Array) return Buffer.from(body).toString('utf8');
  if (!isForm) return JSON.stringify(body);
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(body as object)) {
    // A name that came twice stays double, so that it is refused.
    for (const item of Array.isArray(value) ? value : [value]) fields.append(name, String(item));
  }
  return fields.toString();
}

/** A body that a parser mounted before has read already, written again in its own type. */
function parsedBody(req: IncomingMessage & { readonly body?: unknown }): string | undefined {
  const { body } = req;
  if (!req.readableEnded || body === undefined || body === null) return undefined;
  try {
    return writeAgain(body, FORM.test(req.headers['content-type'] ?? ''));
  } catch {
    // Too deep, or with a `toString` of its own. Whoever reads a body refuses an empty one.
    return '';
  }
}

/**
 * The body as a Web stream. Cancelling leaves the socket open: Node's own adapter would destroy it, and
 * the client would see a reset instead of the refusal.
 */
function bodyStream(req: IncomingMessage): ReadableStream<Uint8Array> {
  let started = false;
  // Listens when somebody reads, not before: a body that nobody reads stays Node's to discard.
  function start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const unlessCancelled = (action: () => void) => {
      try {
        action();
      } catch {
        // The reader has cancelled meanwhile.
      }
    };
    req.on('data', (chunk: Uint8Array) => {
      unlessCancelled(() => controller.enqueue(chunk));
      req.pause();
    });
    req.once('end', () => unlessCancelled(() => controller.close()));
    req.once('error', (error) => unlessCancelled(() => controller.error(error)));
    req.once('close', () => {
      if (!req.complete) unlessCancelled(() => controller.error(new Error('aborted')));
    });
  }
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (!started) start(controller);
        started = true;
        req.resume();
      },
      cancel() {
        req.pause();
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * The Web `Request` of a Node request. Its URL serves for routing only: scheme and host stand for
 * nothing and are never read.
 *
 * @throws TypeError for the methods TRACE and CONNECT, which Fetch forbids
 */
export function toWebRequest(req: IncomingMessage): Request {
  const headers = webHeaders(req);
  const target = originalUrl(req);
  const url = `http://localhost${target.startsWith('/') ? target : '/'}`;
  const method = req.method ?? 'GET';
  if (method === 'GET' || method === 'HEAD') return new Request(url, { method, headers });
  const parsed = parsedBody(req);
  if (parsed !== undefined) {
    headers.delete('content-length');
    return new Request(url, { method, headers, body: parsed });
  }
  const init: RequestInit & { duplex: 'half' } = {
    method,
    headers,
    body: bodyStream(req),
    duplex: 'half',
  };
  return new Request(url, init);
}
