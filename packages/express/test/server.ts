import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import {
  createVerifier,
  memoryStores,
  type Verifier,
  type VerifierEvent,
} from '@pzk-auth/verifier';
import express5, { type Express } from 'express';
import express4 from 'express4';
import { pzkAuth } from '../src/index.js';

/** The Express versions that the adapter supports. */
export const versions = [
  ['Express 5', express5],
  ['Express 4', express4 as unknown as typeof express5],
] as const;

/** A running application with its verifier. */
export interface TestServer {
  readonly origin: string;
  readonly port: number;
  readonly verifier: Verifier;
  readonly events: VerifierEvent[];
  readonly server: Server;
  close(): Promise<void>;
}

/** How a test wants the application put together. */
export interface TestServerOptions {
  readonly express?: typeof express5;
  /** Mounts things before the routes. */
  readonly before?: (app: Express) => void;
  /** Mounts things after the routes. */
  readonly after?: (app: Express) => void;
  readonly pageOrigin?: string;
}

/** Starts an application as its author would write it, on a free port. */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const express = options.express ?? express5;
  const app = express();
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `http://localhost:${port}`;
  const events: VerifierEvent[] = [];
  const verifier = createVerifier({
    issuer: origin,
    audience: origin,
    rpId: 'localhost',
    origins: [options.pageOrigin ?? origin],
    scopes: ['weather:read', 'weather:write'],
    stores: memoryStores(),
    onEvent: (event) => events.push(event),
  });
  const pzk = pzkAuth(verifier);
  options.before?.(app);
  app.use(pzk.wellKnown());
  app.use('/pzk', pzk.routes());
  options.after?.(app);
  app.use('/weather', pzk.cors());
  app.get('/weather', pzk.protect({ scope: 'weather:read' }), (req, res) => {
    res.json({ for: req.pzk.account });
  });
  app.get('/recent', pzk.protect({ scope: 'weather:read', maxAge: 60 }), (_req, res) => {
    res.json({});
  });
  app.use(pzk.errors());
  return {
    origin,
    port,
    verifier,
    events,
    server,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await verifier.close();
    },
  };
}

/** Writes bytes to a port and returns all that comes back until the other side closes. */
export async function speakRaw(port: number, lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const timer = setTimeout(() => socket.destroy(), 60_000);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
    socket.on('error', reject);
    socket.write(lines.join('\r\n'));
  });
}
