import { Agent, type IncomingMessage, request } from 'node:http';
import type { Readable } from 'node:stream';
import { PzkError, type PzkErrorCode, parseJson } from '@pzk-auth/protocol';
import * as v from 'valibot';
import { ERROR_HEADER } from '../api/problem.js';

const MAXIMUM_ANSWER_BYTES = 256 * 1024;

const problemSchema = v.object({
  code: v.pipe(v.string(), v.regex(/^[a-z_]{1,64}$/)),
  title: v.string(),
  hint: v.optional(v.string()),
});

/** A request to the broker. */
export interface UnixRequest {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn. */
  readonly headers?: readonly string[];
  readonly body?: Readable | Uint8Array | string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Speaks HTTP at a Unix socket. */
export interface UnixClient {
  /** @throws PzkError `broker_unavailable`, `aborted`, and what the broker answers itself. */
  send(options: UnixRequest): Promise<IncomingMessage>;
  /** Sends JSON and reads JSON. */
  call(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<unknown>;
  close(): void;
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    bytes += chunk.length;
    if (bytes > MAXIMUM_ANSWER_BYTES) throw new RangeError('Too long.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function brokerError(incoming: IncomingMessage): Promise<PzkError> {
  try {
    const { code, title, hint } = v.parse(problemSchema, parseJson(await readBody(incoming)));
    return new PzkError(code as PzkErrorCode, title, hint === undefined ? {} : { hint });
  } catch (cause) {
    return new PzkError('broker_unavailable', 'The broker broke off.', { cause });
  }
}

function failure(cause: unknown, signal: AbortSignal | undefined): PzkError {
  if (signal?.aborted) return new PzkError('aborted', 'The operation was aborted.', { cause });
  return new PzkError('broker_unavailable', 'The broker does not answer at its socket.', {
    cause,
    hint: "Start it, and look at the socket's rights: the agent's user has to be in its group.",
  });
}

/** @param socketPath - Of the broker. */
export function createUnixClient(socketPath: string): UnixClient {
  // The broker lets connections stand that are kept, and counts them.
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 2 });

  async function send({ method, path, headers = [], body, signal }: UnixRequest) {
    const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
      const all = ['host', 'broker', ...headers];
      const outgoing = request({ socketPath, method, path, headers: all, agent });
      const onAbort = () => outgoing.destroy(new Error('aborted'));
      if (signal?.aborted) onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      outgoing.once('response', (answer) => {
        answer.once('close', () => signal?.removeEventListener('abort', onAbort));
        resolve(answer);
      });
      outgoing.on('error', (cause) => {
        signal?.removeEventListener('abort', onAbort);
        reject(failure(cause, signal));
      });
      if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) {
        outgoing.end(body);
      } else {
        body.once('error', (cause) => outgoing.destroy(cause));
        body.pipe(outgoing);
      }
    });
    if (incoming.headers[ERROR_HEADER] !== undefined) throw await brokerError(incoming);
    return incoming;
  }

  return {
    send,
    async call(method, path, value, signal) {
      const body = value === undefined ? undefined : JSON.stringify(value);
      const headers =
        body === undefined
          ? []
          : ['content-type', 'application/json', 'content-length', String(Buffer.byteLength(body))];
      const incoming = await send({ method, path, headers, body, signal });
      try {
        return parseJson(await readBody(incoming));
      } catch (cause) {
        throw failure(cause, signal);
      }
    },
    close: () => agent.destroy(),
  };
}
