import { limits, parseJson } from '@pzk-auth/protocol';
import { durations } from '../durations.js';
import { refusal } from '../refuse.js';

/** The media type of a request, without parameters, in lower case. */
function mediaType(request: Request): string {
  return (request.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

async function readBytes(request: Request, maximum: number): Promise<Uint8Array> {
  // Nothing declared counts as 0.
  if (Number(request.headers.get('content-length')) > maximum) {
    throw refusal('body_too_large', 'The declared length is too large.');
  }
  if (request.body === null) return new Uint8Array();
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw refusal('invalid_request', 'The body did not arrive.', cause);
    });
    if (done) break;
    size += value.length;
    if (size > maximum) {
      // Not awaited: a source that ignores cancellation must not hold the answer back.
      reader.cancel().catch(() => {});
      throw refusal('body_too_large', 'The body is too large.');
    }
    chunks.push(value);
  }
  return Buffer.concat(chunks);
}

/**
 * Reads a body up to a size and within a time.
 *
 * @throws PzkError `unsupported_media_type`, `body_too_large`, `request_timeout`
 */
async function readBody(request: Request, type: string, maximum: number): Promise<Uint8Array> {
  if (mediaType(request) !== type) throw refusal('unsupported_media_type', 'Another type.');
  // No compression: a small body must not unfold into a large one.
  const encoding = request.headers.get('content-encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity') {
    throw refusal('unsupported_media_type', 'Compressed bodies are not accepted.');
  }
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(refusal('request_timeout', 'The body took too long.')),
      durations.bodyRead,
    );
  });
  try {
    return await Promise.race([readBytes(request, maximum), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Reads a JSON body. Not yet verified: its shape. */
export async function readJson(request: Request, maximum: number): Promise<unknown> {
  return parseJson(await readBody(request, 'application/json', maximum));
}

/** Reads a JSON body whose contents say how large it may be: `maximum` at most, of any of them. */
export async function readJsonOfKind(
  request: Request,
  maximum: number,
  maximumOf: (body: unknown) => number,
): Promise<unknown> {
  const bytes = await readBody(request, 'application/json', maximum);
  const body = parseJson(bytes);
  if (bytes.length > maximumOf(body)) throw refusal('body_too_large', 'The body is too large.');
  return body;
}

/**
 * Reads a form-encoded body into a plain record. A name that occurs twice is refused (RFC 6749
 * section 3.2).
 */
export async function readForm(request: Request): Promise<Readonly<Record<string, string>>> {
  const type = 'application/x-www-form-urlencoded';
  const bytes = await readBody(request, type, limits.tokenBodyBytes);
  const names = new Set<string>();
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(Buffer.from(bytes).toString('utf8'))) {
    if (names.has(name)) throw refusal('invalid_request', 'A parameter occurs twice.');
    names.add(name);
    // RFC 6749 section 3.1: a parameter without a value counts as absent.
    if (value !== '') fields.set(name, value);
  }
  return Object.fromEntries(fields);
}
