import { fileURLToPath } from 'node:url';
import { pzkAuth } from '@pzk-auth/express';
import {
  createVerifier,
  memoryStores,
  type Stores,
  type Verifier,
  type VerifierOptions,
} from '@pzk-auth/verifier';
import express, { type Express, type RequestHandler } from 'express';
import { type DemoKey, demoRoutes } from './demo-routes.js';
import { lastErrorHandler } from './last-error-handler.js';
import { securityHeaders } from './security-headers.js';
import { createWeatherDesk } from './weather-desk.js';
import { weatherRoutes } from './weather-routes.js';

/** Scopes of the weather desk. */
export const SCOPES = ['weather:read', 'weather:write'] as const;

const BUILT_PAGE = fileURLToPath(new URL('../web/', import.meta.url));

/** Options of {@link createApp}. */
export interface AppOptions {
  /** Where the page is opened: issuer, audience and WebAuthn origin in one. */
  readonly origin: string;
  /** Default: in memory. */
  readonly stores?: Stores;
  /** Further options of the engine, e.g. `clock`, `tokenLifetime`, `onEvent`. */
  readonly verifier?: Partial<VerifierOptions>;
  /** How old the last touch may be for a report, in seconds. Default 120. */
  readonly stepUpAge?: number;
  /** Serves the page. Default: the one that `vite build` made. */
  readonly page?: RequestHandler;
  /** Loosens the policy for Vite's development server. Default false. */
  readonly development?: boolean;
  /** Called with each demo key; main prints it. */
  readonly onKey?: (key: DemoKey) => void;
}

/** A running weather desk. */
export interface WeatherApp {
  readonly app: Express;
  readonly verifier: Verifier;
  readonly stores: Stores;
  /** The demo key that was issued at the start. */
  readonly demoKey: DemoKey;
  /** Ends the workers. */
  close(): Promise<void>;
}

/** Creates the application: authentication, the API, the page, all on one origin. */
export async function createApp(options: AppOptions): Promise<WeatherApp> {
  const { origin, stores = memoryStores(), stepUpAge = 120, development = false } = options;
  const verifier = createVerifier({
    issuer: origin,
    audience: origin,
    rpId: new URL(origin).hostname,
    origins: [origin],
    scopes: SCOPES,
    stores,
    ...options.verifier,
  });
  // Fails here and now if workers or keys are not as they should be.
  await verifier.ready();

  let current: DemoKey;
  const issueKey = async () => {
    const { apiKey, row } = await verifier.keys.issue({ scopes: SCOPES, label: 'Demo key' });
    current = { apiKey, id: row.id, account: row.account };
    options.onKey?.(current);
    return current;
  };
  const demoKey = await issueKey();

  const app = express();
  const pzk = pzkAuth(verifier);
  app.disable('x-powered-by');
  app.use(securityHeaders({ development }));
  app.use(pzk.wellKnown());
  app.use(verifier.basePath, pzk.routes());
  app.use('/api', weatherRoutes({ pzk, desk: createWeatherDesk(), stepUpAge }));
  app.use('/demo', demoRoutes({ verifier, stores, issueKey, currentKey: () => current }));
  app.use(options.page ?? express.static(BUILT_PAGE));
  app.use(pzk.errors(), lastErrorHandler());

  return { app, verifier, stores, demoKey, close: () => verifier.close() };
}
