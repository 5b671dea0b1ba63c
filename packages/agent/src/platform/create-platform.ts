import {
  type AgentEvent,
  agentEventSchema,
  PzkError,
  parseJson,
  parseMessage,
  problemSchema,
  problemToError,
} from '@pzk-auth/protocol';
import type { AgentKey } from './agent-key.js';
import { readEventStream } from './read-event-stream.js';

const TIMEOUT_MS = 15_000;
const MAXIMUM_ANSWER_BYTES = 64 * 1024;
/** The platform says something every 15 s; silence for longer means that the stream is dead. */
const SILENCE_MS = 40_000;
/** Clocks that differ by less are not why a proof was refused. */
const CLOCK_STEP_MS = 2_000;

/** A schema of `@pzk-auth/protocol`. */
type Schema<T> = Parameters<typeof parseMessage<T>>[0];

/** Options of {@link createPlatform}. */
export interface PlatformOptions {
  /** Where the endpoints are, without a final slash. */
  readonly baseUrl: string;
  /** Signs each request; absent while pairing. */
  readonly key?: AgentKey;
  readonly fetch?: typeof fetch;
}

/** Speaks with the platform's endpoints. */
export interface Platform {
  /** @throws PzkError the platform's code, `network_error`, `unexpected_response` */
  post<T>(path: string, body: object, schema: Schema<T>): Promise<T>;
  /** Posts where the answer has no body. */
  postVoid(path: string, body: object): Promise<void>;
  /**
   * Events of this agent until the stream ends or the signal fires.
   *
   * @throws PzkError as {@link Platform.post}
   */
  events(signal: AbortSignal): AsyncGenerator<AgentEvent | 'open'>;
}

/** Reads a body up to a bound; `undefined` beyond it. */
async function readText(response: Response): Promise<string | undefined> {
  if (response.body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > MAXIMUM_ANSWER_BYTES) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** In words of our own: those of the platform would stand in the terminal that shows a pairing's. */
async function problemError(response: Response): Promise<PzkError> {
  try {
    const text = (await readText(response)) ?? '';
    return problemToError(parseMessage(problemSchema, parseJson(text)));
  } catch {
    return new PzkError('unexpected_response', `The platform answered ${response.status}.`, {
      hint: 'No endpoint of PZK-Auth is there: look at the issuer and the base URL of the pairing.',
    });
  }
}

/** Makes it. It follows no redirect: a proof names one URL. */
export function createPlatform(options: PlatformOptions): Platform {
  const { baseUrl, key, fetch = globalThis.fetch } = options;
  let nonce: string | undefined;
  /** Milliseconds by which the platform's clock is ahead of ours. */
  let clockOffset = 0;

  async function send(path: string, body: object, accept: string, signal: AbortSignal) {
    const url = baseUrl + path;
    const issuedAt = Math.floor((Date.now() + clockOffset) / 1000);
    const proof = await key?.createDpopProof({ url, issuedAt, nonce });
    let response: Response;
    try {
      response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: `${accept}, application/problem+json`,
          ...(proof === undefined ? {} : { dpop: proof }),
        },
        body: JSON.stringify(body),
        redirect: 'error',
        signal,
      });
    } catch (cause) {
      throw new PzkError('network_error', `The platform did not answer at ${url}.`, {
        cause,
        hint: 'Look at the URL (issuer, --base-url) and at the way there.',
      });
    }
    nonce = response.headers.get('dpop-nonce') ?? nonce;
    return response;
  }

  /** Whether a new proof may pass where this one did not: another nonce, or the platform's time. */
  function mayRepeat(error: PzkError, response: Response): boolean {
    if (key === undefined) return false;
    if (error.code === 'use_dpop_nonce') return response.headers.has('dpop-nonce');
    if (error.code !== 'invalid_dpop_proof') return false;
    const offset = Date.parse(response.headers.get('date') ?? '') - Date.now();
    const isNews = Number.isFinite(offset) && Math.abs(offset - clockOffset) > CLOCK_STEP_MS;
    if (isNews) clockOffset = offset;
    return isNews;
  }

  async function sendTwice(path: string, body: object, accept: string, signal: AbortSignal) {
    const first = await send(path, body, accept, signal);
    if (first.ok) return first;
    const error = await problemError(first);
    if (!mayRepeat(error, first)) throw error;
    const second = await send(path, body, accept, signal);
    if (!second.ok) throw await problemError(second);
    return second;
  }

  return {
    async post(path, body, schema) {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await sendTwice(path, body, 'application/json', signal);
      try {
        return parseMessage(schema, parseJson((await readText(response)) ?? ''));
      } catch (cause) {
        if (signal.aborted) throw new PzkError('network_error', 'The platform broke off.');
        throw new PzkError('unexpected_response', 'The answer of the platform is malformed.', {
          cause,
        });
      }
    },
    async postVoid(path, body) {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      await (await sendTwice(path, body, 'application/json', signal)).body?.cancel();
    },
    async *events(signal) {
      const silence = new AbortController();
      const restart = () => {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_MS);
      };
      let timer: NodeJS.Timeout | undefined;
      restart();
      try {
        const both = AbortSignal.any([signal, silence.signal]);
        const response = await sendTwice('/agent/events', {}, 'text/event-stream', both);
        if (response.body === null) return;
        yield 'open';
        for await (const one of readEventStream(response.body)) {
          restart();
          if (one === 'comment' || one.event !== 'request') continue;
          yield parseMessage(agentEventSchema, parseJson(one.data));
        }
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
