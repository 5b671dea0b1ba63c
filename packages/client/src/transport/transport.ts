import { PzkError, parseJson, parseMessage } from '@pzk-auth/protocol';
import { abortError, type FailureText, toPzkError } from '../abort.js';
import type { DpopSigner } from './dpop-signer.js';
import { problemError, readErrorCode } from './problem.js';
import { readText } from './read-text.js';
import type { SessionKey } from './session-key.js';
import { untilAborted } from './until-aborted.js';

/** An exchange that takes longer has failed. Milliseconds. */
const TIMEOUT_MS = 30_000;
const MAXIMUM_ANSWER_BYTES = 256 * 1024;

/** A schema of `@pzk-auth/protocol`. */
type Schema<T> = Parameters<typeof parseMessage<T>>[0];

/** A request to one of the issuer's endpoints. */
export interface EndpointRequest {
  /** Under the base URL, with a leading slash. */
  readonly path: string;
  /** An object goes as JSON, `URLSearchParams` form-encoded. */
  readonly body: object | URLSearchParams;
  /** Signs a DPoP proof for the request. */
  readonly key?: SessionKey;
  readonly signal: AbortSignal;
}

/** Speaks with the issuer's endpoints. */
export interface Transport {
  /**
   * Posts and parses the answer by its schema. Gives up after 30 seconds, and reads no more than
   * 256 KiB.
   *
   * @throws PzkError the server's code, `network_error`, `unexpected_response`, `aborted`
   */
  post<T>(request: EndpointRequest, schema: Schema<T>): Promise<T>;
  /** Posts where the answer has no body. */
  postVoid(request: EndpointRequest): Promise<void>;
}

/** A request whose proof was refused. */
export interface DatedRequest {
  readonly key: SessionKey;
  readonly signal: AbortSignal;
  /** That of the signer when the proof was made. */
  readonly clockOffset: number;
}

/**
 * Takes the time of the server anew: a device may have set its clock since the last challenge. Tells
 * whether the time differs from what it was held to be. Never rejects.
 */
export type SynchronizeClock = (refused: DatedRequest) => Promise<boolean>;

/** Options of {@link createTransport}. */
export interface TransportOptions {
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  readonly signer: DpopSigner;
  readonly synchronizeClock: SynchronizeClock;
}

/** Browsers tell a page nothing of why: a server that is down looks like one that lacks CORS. */
function noAnswer(url: string): FailureText {
  const page = typeof location === 'object' ? ` and names ${location.origin} in origins` : '';
  return {
    code: 'network_error',
    message: `There was no answer from ${url} that the client may read.`,
    hint: `Check that issuer and baseUrl are right, and that the server runs${page}.`,
  };
}

/** Makes the transport. It follows no redirect: a proof names one URL. */
export function createTransport(options: TransportOptions): Transport {
  const { baseUrl, fetch, signer, synchronizeClock } = options;

  async function send(request: EndpointRequest): Promise<Response> {
    const url = baseUrl + request.path;
    const form = request.body instanceof URLSearchParams;
    const proof = request.key && (await signer.sign(request.key, { method: 'POST', url }));
    let response: Response;
    try {
      response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json',
          accept: 'application/json, application/problem+json',
          ...(proof === undefined ? {} : { dpop: proof }),
        },
        body: form ? String(request.body) : JSON.stringify(request.body),
        signal: request.signal,
        cache: 'no-store',
        credentials: 'omit',
        redirect: 'error',
        referrerPolicy: 'no-referrer',
      });
    } catch (cause) {
      throw toPzkError(cause, request.signal, noAnswer(url));
    }
    signer.learnNonce(url, response);
    return response;
  }

  /**
   * Whether the same request with a new proof may pass: the server gave a nonce for it (RFC 9449
   * section 8), or the proof was dated by a clock that was set meanwhile.
   */
  async function mayRepeat(
    { key, signal }: EndpointRequest,
    clockOffset: number,
    response: Response,
  ): Promise<boolean> {
    if (key === undefined) return false;
    const code = await readErrorCode(response);
    if (code === 'use_dpop_nonce') return response.headers.has('dpop-nonce');
    return code === 'invalid_dpop_proof' && synchronizeClock({ key, signal, clockOffset });
  }

  async function sendTwice(request: EndpointRequest): Promise<Response> {
    const { clockOffset } = signer;
    const response = await send(request);
    if (response.ok) return response;
    const answer = (await mayRepeat(request, clockOffset, response))
      ? await send(request)
      : response;
    if (!answer.ok) throw await problemError(answer);
    return answer;
  }

  /** Runs an exchange, its answer included, against the clock, also with a `fetch` that hangs. */
  async function inTime<T>(
    request: EndpointRequest,
    exchange: (request: EndpointRequest) => Promise<T>,
  ): Promise<T> {
    const timeout = new AbortController();
    const timer = setTimeout(() => {
      timeout.abort(new DOMException('The server took too long.', 'TimeoutError'));
    }, TIMEOUT_MS);
    const signal = AbortSignal.any([request.signal, timeout.signal]);
    try {
      return await untilAborted(exchange({ ...request, signal }), signal);
    } catch (cause) {
      if (!signal.aborted) throw cause;
      if (request.signal.aborted) throw abortError(request.signal);
      throw new PzkError('network_error', 'The server did not answer in time.', { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  async function readAnswer(request: EndpointRequest): Promise<string | undefined> {
    const response = await sendTwice(request);
    try {
      return await readText(response, MAXIMUM_ANSWER_BYTES);
    } catch (cause) {
      throw toPzkError(cause, request.signal, noAnswer(baseUrl + request.path));
    }
  }

  return {
    async post(request, schema) {
      const text = await inTime(request, readAnswer);
      if (text === undefined) {
        throw new PzkError('unexpected_response', 'The answer of the server is too long.');
      }
      try {
        return parseMessage(schema, parseJson(text));
      } catch (cause) {
        throw new PzkError('unexpected_response', 'The answer of the server is malformed.', {
          cause,
        });
      }
    },
    async postVoid(request) {
      await inTime(request, async (timed) => (await sendTwice(timed)).body?.cancel());
    },
  };
}
