import { fileURLToPath } from 'node:url';
import { pzkAuth } from '@pzk-auth/express';
import {
  createVerifier,
  type KeyRow,
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

/** By it a later start finds the key. */
const LABEL = 'Demo key';

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
  /** Goes on with the demo key of an earlier start, if the stores hold an active one. Default false. */
  readonly resume?: boolean;
  /** Called with each demo key that is issued; main prints it. */
  readonly onKey?: (key: DemoKey) => void;
}

/** A running weather desk. */
export interface WeatherApp {
  readonly app: Express;
  readonly verifier: Verifier;
  readonly stores: Stores;
  /** The demo key; its `apiKey` is empty where an earlier start issued it, since it is stored nowhere. */
  readonly demoKey: DemoKey;
  /** Ends the workers. */
  close(): Promise<void>;
}

/** The newest demo key that an earlier start issued and that still works. */
async function findDemoKey({ keys }: Stores): Promise<DemoKey | undefined> {
  let newest: KeyRow | undefined;
  for (let after: string | undefined; ; ) {
    const page = await keys.list({ limit: 100, ...(after === undefined ? {} : { after }) });
    if (page.length === 0) break;
    after = page.at(-1)?.id;
    for (const row of page) {
      const active = row.label === LABEL && row.revokedAt === undefined;
      if (active && (newest === undefined || row.createdAt > newest.createdAt)) newest = row;
    }
  }
  return newest && { apiKey: '', id: newest.id, account: newest.account };
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
    const { apiKey, row } = await verifier.keys.issue({ scopes: SCOPES, label: LABEL });
    current = { apiKey, id: row.id, account: row.account };
    options.onKey?.(current);
    return current;
  };
  const earlier = options.resume === true ? await findDemoKey(stores) : undefined;
  const demoKey = earlier ?? (await issueKey());
  current = demoKey;

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
