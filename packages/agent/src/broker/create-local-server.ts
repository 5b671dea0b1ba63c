import {
  createServer,
  Agent as HttpAgent,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { PzkError, parseJson } from '@pzk-auth/protocol';
import type { BrokerStatus } from '../api/local-api.js';
import { sendProblem } from '../api/problem.js';
import { releaseEnded } from '../keeper/allowance.js';
import { connectionTokens, isConnectionHeader } from '../keeper/request-headers.js';
import type { Grants, GrantView } from './create-grants.js';

const MAXIMUM_BODY_BYTES = 16 * 1024;
/** For a body of that size, on this machine. */
const BODY_MS = 10_000;
const MAXIMUM_WAIT_SECONDS = 60;
const COMMENT_MS = 15_000;
/** `/grants/{id}` and what follows. Matched as it came: nothing is decoded or resolved before. */
const GRANT = /^\/grants\/([A-Za-z0-9_-]{22})(\/forward(\/.*)|\/events|\?.*)?$/s;

/** Options of {@link createLocalServer}. */
export interface LocalServerOptions {
  readonly grants: Grants;
  readonly status: () => Promise<BrokerStatus>;
  /** Connections at a time; what comes beyond is closed. */
  readonly connections: number;
}

async function readJson(incoming: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Who sends a byte now and then keeps a connection from others.
  const timer = setTimeout(() => incoming.destroy(), BODY_MS);
  try {
    for await (const chunk of incoming) {
      bytes += chunk.length;
      if (bytes > MAXIMUM_BODY_BYTES) {
        throw new PzkError('body_too_large', 'The body is too large.');
      }
      chunks.push(chunk);
    }
  } finally {
    clearTimeout(timer);
  }
  return parseJson(Buffer.concat(chunks));
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

function onClose(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}

/** Whole numbers, each once. */
function parseQuery(query: string): { readonly wait: number; readonly version: number } {
  const numbers = { wait: 0, version: 0 };
  const seen = new Set<string>();
  for (const [name, value] of new URLSearchParams(query)) {
    const isKnown = (name === 'wait' || name === 'version') && !seen.has(name);
    if (!isKnown || !/^[0-9]{1,9}$/.test(value)) {
      throw new PzkError('invalid_request', 'The query has a whole number as wait and as version.');
    }
    seen.add(name);
    numbers[name] = Number(value);
  }
  return numbers;
}

/** Waits for the next change, at most as long as the query says. */
async function sendSnapshot(grant: GrantView, query: string, response: ServerResponse) {
  const { wait, version } = parseQuery(query);
  if (wait > 0) {
    const milliseconds = Math.min(wait, MAXIMUM_WAIT_SECONDS) * 1000;
    const signal = AbortSignal.any([onClose(response), AbortSignal.timeout(milliseconds)]);
    await grant.waitForChange(version, signal);
  }
  sendJson(response, 200, grant.snapshot());
}

/** Each state as an event `status`, until the grant is over. */
async function sendEvents(grant: GrantView, response: ServerResponse): Promise<void> {
  const signal = onClose(response);
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const comments = setInterval(() => response.write(':\n\n'), COMMENT_MS);
  try {
    while (!signal.aborted) {
      const snapshot = grant.snapshot();
      response.write(`event: status\ndata: ${JSON.stringify(snapshot)}\n\n`);
      if (snapshot.status !== 'waiting' && snapshot.status !== 'released') break;
      await grant.waitForChange(snapshot.version, signal);
    }
  } finally {
    clearInterval(comments);
    response.end();
  }
}

/** Hands a call to the process that holds the secret; judging it is that one's matter. */
function relay(
  incoming: IncomingMessage,
  response: ServerResponse,
  { socketPath, path, agent }: { socketPath: string; path: string; agent: HttpAgent },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers: string[] = ['host', 'keeper'];
    const listed = connectionTokens(incoming.rawHeaders);
    for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
      const name = incoming.rawHeaders[index]?.toLowerCase() ?? '';
      const isFraming = name === 'content-length' || name === 'transfer-encoding';
      if (!isFraming && (isConnectionHeader(name) || listed.has(name))) continue;
      headers.push(name, incoming.rawHeaders[index + 1] ?? '');
    }
    const outgoing = request(
      { socketPath, path, method: incoming.method ?? '', headers, agent },
      (answer) => {
        const passed: string[] = [];
        for (let index = 0; index < answer.rawHeaders.length; index += 2) {
          const name = answer.rawHeaders[index] ?? '';
          const lower = name.toLowerCase();
          if (isConnectionHeader(lower) && lower !== 'content-length') continue;
          passed.push(name, answer.rawHeaders[index + 1] ?? '');
        }
        response.writeHead(answer.statusCode ?? 502, passed);
        response.flushHeaders();
        pipeline(answer, response).then(resolve, resolve);
      },
    );
    // The process has ended, or ends in this moment.
    outgoing.on('error', () => reject(releaseEnded()));
    response.once('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
}

/** The broker's API for agents on this machine. */
export function createLocalServer({ grants, status, connections }: LocalServerOptions): Server {
  const agent = new HttpAgent({ keepAlive: true });

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = incoming;
    if (url === '/status' && method === 'GET') return sendJson(response, 200, await status());
    if (url === '/grants' && method === 'POST') {
      const grant = await grants.create(await readJson(incoming));
      return sendJson(response, 201, grant.snapshot());
    }
    const [, id = '', rest = '', target] = GRANT.exec(url) ?? [];
    if (id === '') throw new PzkError('not_found', 'The broker has nothing there.');
    const grant = grants.get(id);
    if (target !== undefined) {
      const socketPath = grant.forwardSocket();
      return relay(incoming, response, { socketPath, path: target, agent });
    }
    if (rest === '/events' && method === 'GET') return sendEvents(grant, response);
    if (rest !== '/events' && method === 'GET') return sendSnapshot(grant, rest.slice(1), response);
    if (rest === '' && method === 'DELETE') {
      await grant.cancel();
      return sendJson(response, 200, grant.snapshot());
    }
    throw new PzkError('method_not_allowed', 'The broker does not do this there.');
  }

  /** Connections with a request that is not answered yet. */
  const busy = new WeakSet<Socket>();
  const server = createServer(
    { requestTimeout: 0, headersTimeout: 10_000 },
    (incoming, response) => {
      const { socket } = incoming;
      // Requests that come one behind the other are all parsed at once: one connection could fill the memory.
      if (busy.has(socket)) return void socket.destroy();
      busy.add(socket);
      response.once('close', () => busy.delete(socket));
      answer(incoming, response).catch((error) => sendProblem(response, error));
    },
  );
  server.maxConnections = connections;
  // One that is closed for being idle may be the one on which an agent begins its next call.
  server.keepAliveTimeout = 0;
  server.on('close', () => agent.destroy());
  return server;
}
