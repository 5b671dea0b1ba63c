import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

/** PEM of the authority that signed the upstream's certificate, for tests alone. */
export const CA_FILE = fixture('ca.pem');

export interface SeenCall {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export type Answer = (
  call: SeenCall,
  response: ServerResponse,
  request: IncomingMessage,
) => unknown;

/** A service of somebody else, over https at localhost. */
export async function startUpstream() {
  const seen: SeenCall[] = [];
  const state: { answer: Answer; connections: number } = {
    answer: (_, response) => response.end('ok'),
    connections: 0,
  };
  const server = createServer(
    {
      key: readFileSync(fixture('server.key')),
      cert: readFileSync(fixture('server.pem')),
      maxHeaderSize: 64 * 1024,
    },
    async (request, response) => {
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of request) chunks.push(chunk);
      } catch {
        return;
      }
      const call = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        rawHeaders: request.rawHeaders,
        body: Buffer.concat(chunks).toString(),
      };
      seen.push(call);
      await state.answer(call, response, request);
    },
  );
  server.on('connection', () => {
    state.connections += 1;
  });
  // A pause of this process would close connections that a broker is about to use.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    host: `localhost:${port}`,
    url: `https://localhost:${port}`,
    seen,
    state,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close').catch(() => undefined);
    },
  };
}

export type Upstream = Awaited<ReturnType<typeof startUpstream>>;
