import { createObservable, type Observable } from './observable.js';

/** A request and its answer, as they travelled. */
export interface WireMessage {
  readonly id: number;
  readonly method: string;
  readonly path: string;
  /** 0 while there is no answer. */
  readonly status: number;
  /** Of the headers, those that authenticate. */
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly requestBody: string;
  readonly responseBody: string;
  /** Bytes of the bodies. */
  readonly sent: number;
  readonly received: number;
  /** Milliseconds until the answer. */
  readonly duration: number;
}

/** A request that can be sent once more, byte for byte. */
export interface SentExchange {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the wire log knows. */
export interface WireSnapshot {
  /** Oldest first. */
  readonly messages: readonly WireMessage[];
  /** The exchange that gave the last token for a proof. */
  readonly lastExchange: SentExchange | undefined;
  /** The token that the server gave last. */
  readonly accessToken: string | undefined;
}

/** A `fetch` that writes down what it carries. */
export interface WireLog extends Observable<WireSnapshot> {
  readonly fetch: typeof fetch;
  clear(): void;
}

const SHOWN_HEADERS = ['content-type', 'authorization', 'dpop'];
const byteLength = (text: string) => new TextEncoder().encode(text).length;

async function readAnswer(response: Response): Promise<{ text: string; bytes: number }> {
  const buffer = await response.arrayBuffer();
  const type = response.headers.get('content-type') ?? '';
  const readable = /json|text/.test(type);
  return {
    text: readable ? new TextDecoder().decode(buffer) : buffer.byteLength > 0 ? `(${type})` : '',
    bytes: buffer.byteLength,
  };
}

function readToken(text: string): string | undefined {
  try {
    const token: unknown = JSON.parse(text)?.access_token;
    return typeof token === 'string' ? token : undefined;
  } catch {
    return undefined;
  }
}

function isProofExchange(path: string, body: string): boolean {
  return path === '/pzk/enroll' || (path === '/pzk/token' && body.includes('grant-type%3Aproof'));
}

/** Wraps the browser's `fetch`. Nothing is left out: there is no secret in what it sees. */
export function createWireLog(): WireLog {
  const state = createObservable<WireSnapshot>({
    messages: [],
    lastExchange: undefined,
    accessToken: undefined,
  });
  let count = 0;

  async function loggedFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init);
    const requestBody = await request.clone().text();
    const started = performance.now();
    const response = await fetch(request);
    const answer = await readAnswer(response.clone());
    const path = new URL(request.url).pathname;
    const headers = Object.fromEntries(
      [...request.headers].filter(([name]) => SHOWN_HEADERS.includes(name)),
    );
    count++;
    const message: WireMessage = {
      id: count,
      method: request.method,
      path,
      status: response.status,
      requestHeaders: headers,
      requestBody,
      responseBody: answer.text,
      sent: byteLength(requestBody),
      received: answer.bytes,
      duration: performance.now() - started,
    };
    const before = state.getSnapshot();
    const exchanged = response.ok && isProofExchange(path, requestBody);
    state.set({
      messages: [...before.messages, message],
      lastExchange: exchanged ? { path, headers, body: requestBody } : before.lastExchange,
      accessToken: readToken(answer.text) ?? before.accessToken,
    });
    return response;
  }

  return {
    ...state,
    fetch: loggedFetch,
    clear: () => state.set({ ...state.getSnapshot(), messages: [] }),
  };
}
