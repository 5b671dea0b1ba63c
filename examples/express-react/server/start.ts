import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AppOptions, createApp, type WeatherApp } from './app.js';
import type { DemoData } from './demo-data.js';

/** Options of {@link startServer}. */
export interface StartOptions extends Omit<AppOptions, 'origin' | 'page'> {
  /** Keeps what lasts in a file. Default: in memory, or `stores`. It stays the caller's to close. */
  readonly data?: DemoData;
  /** Port to listen on; 0 for any that is free. Default 3000. */
  readonly port?: number;
  /** Address to listen on. Default 127.0.0.1: nobody else reaches the demo. */
  readonly host?: string;
  /** Serves the page from its sources through Vite, instead of the built one. */
  readonly vite?: boolean;
}

/** A listening server. */
export interface RunningServer extends WeatherApp {
  /** E.g. `http://localhost:3000`. */
  readonly origin: string;
  /** Whether the wanted port was taken and another one serves. */
  readonly movedPort: boolean;
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function listenSomewhere(server: Server, port: number, host: string): Promise<boolean> {
  try {
    await listen(server, port, host);
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    await listen(server, 0, host);
    return true;
  }
}

async function createVitePage(server: Server) {
  const { createServer: createVite } = await import('vite');
  return createVite({
    configFile: 'vite.config.ts',
    appType: 'spa',
    // Reloads travel over this server, so that page, API and Vite stay one origin.
    server: { middlewareMode: true, hmr: { server } },
  });
}

/** Listens first, since issuer and origin hold the port, then creates the application. */
export async function startServer(options: StartOptions = {}): Promise<RunningServer> {
  const { port = 3000, host = '127.0.0.1', vite = false, data, ...appOptions } = options;
  const server = createServer();
  const movedPort = await listenSomewhere(server, port, host);
  // Passkeys need a name: 127.0.0.1 would not do.
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  try {
    const page = vite ? await createVitePage(server) : undefined;
    const weather = await createApp({
      ...appOptions,
      ...(data === undefined
        ? {}
        : {
            stores: data.stores(origin),
            verifier: { secret: data.secret, ...appOptions.verifier },
          }),
      origin,
      ...(page === undefined ? {} : { page: page.middlewares, development: true }),
    });
    server.on('request', weather.app);
    return {
      ...weather,
      origin,
      movedPort,
      async close() {
        server.close();
        server.closeAllConnections();
        await page?.close();
        await weather.close();
      },
    };
  } catch (error) {
    server.close();
    throw error;
  }
}
