import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AppOptions, createApp, type Platform } from './app.js';
import type { PlatformData } from './data.js';

/** Options of {@link startPlatform}. */
export interface StartOptions extends Pick<AppOptions, 'verifier' | 'page'> {
  /** It stays the caller's to close. */
  readonly data: PlatformData;
  /** Port to listen on; 0 for any that is free. Default 3000. */
  readonly port?: number;
  /** As in `AppOptions`. Default false. */
  readonly hasOwnUser?: boolean;
}

/** A listening platform. */
export interface RunningPlatform extends Platform {
  /** E.g. `http://localhost:3000`. */
  readonly origin: string;
  /** By it the platform knows its own agent. */
  readonly agentToken: string;
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Listens first, since issuer and origin hold the port, then creates the application. */
export async function startPlatform(options: StartOptions): Promise<RunningPlatform> {
  const { data, port = 3000, hasOwnUser = false, verifier, ...appOptions } = options;
  const server = createServer();
  await listen(server, port);
  // Passkeys need a name: 127.0.0.1 would not do.
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const agentToken = randomBytes(32).toString('base64url');
  try {
    const platform = await createApp({
      ...appOptions,
      origin,
      hasOwnUser,
      agentToken,
      tasks: data.tasks,
      stores: data.stores(origin),
      verifier: { secret: data.secret, ...verifier },
    });
    server.on('request', platform.app);
    return {
      ...platform,
      origin,
      agentToken,
      async close() {
        server.close();
        server.closeAllConnections();
        await platform.close();
      },
    };
  } catch (error) {
    server.close();
    throw error;
  }
}
