import { fileURLToPath } from 'node:url';
import { pzkAuth } from '@pzk-auth/express';
import {
  createVerifier,
  type Stores,
  type Verifier,
  type VerifierOptions,
} from '@pzk-auth/verifier';
import express, { type Express, type RequestHandler } from 'express';
import { createAgentLink } from './agent-routes.js';
import { lastErrorHandler } from './last-error-handler.js';
import { securityHeaders } from './security-headers.js';
import { signUpRoutes } from './sign-up.js';
import { taskRoutes } from './task-routes.js';
import type { Tasks } from './tasks.js';

const BUILT_PAGE = fileURLToPath(new URL('../../web/', import.meta.url));

/** Options of {@link createApp}. */
export interface AppOptions {
  /** Where the page is opened: issuer, audience and WebAuthn origin in one. */
  readonly origin: string;
  readonly stores: Stores;
  readonly tasks: Tasks;
  /** By it the platform knows its own agent. */
  readonly agentToken: string;
  /** Whether the agent's broker runs as a user of its own; the page shows how to pair it. */
  readonly hasOwnUser: boolean;
  /** Further options of the engine, e.g. `secret`, `clock`, `onEvent`. */
  readonly verifier?: Partial<VerifierOptions>;
  /** Serves the page. Default: the one that `vite build` made. */
  readonly page?: RequestHandler;
}

/** A platform that is ready to serve. */
export interface Platform {
  readonly app: Express;
  readonly verifier: Verifier;
  close(): Promise<void>;
}

/** Creates the platform: authentication with the vault, sign-up, tasks, page, all on one origin. */
export async function createApp(options: AppOptions): Promise<Platform> {
  const { origin, stores, tasks, agentToken, hasOwnUser } = options;
  const verifier = createVerifier({
    issuer: origin,
    audience: origin,
    rpId: new URL(origin).hostname,
    origins: [origin],
    scopes: ['tasks'],
    stores,
    ...options.verifier,
  });
  // Fails here and now if workers or keys are not as they should be.
  await verifier.ready();

  const app = express();
  const pzk = pzkAuth(verifier);
  const agent = createAgentLink({ tasks, token: agentToken, hasOwnUser });
  app.disable('x-powered-by');
  app.use(securityHeaders());
  app.use(pzk.wellKnown());
  app.use(verifier.basePath, pzk.routes());
  app.use('/account', signUpRoutes({ verifier, scopes: ['tasks'] }));
  app.use('/agent-api', agent.routes);
  app.use('/api', taskRoutes({ pzk, tasks, agent, vaults: stores.vaults }));
  app.use(options.page ?? express.static(BUILT_PAGE));
  app.use(pzk.errors(), lastErrorHandler());

  return { app, verifier, close: () => verifier.close() };
}
