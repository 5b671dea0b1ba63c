import {
  type AuthenticateOptions,
  type AuthenticateRequest,
  assertOptionNames,
  type ProtectOptions,
  type PzkSession,
  type Verifier,
} from '@pzk-auth/verifier';
import {
  addVary,
  rawHeader,
  sendResponse,
  serveRequest,
  toWebRequest,
} from '@pzk-auth/verifier/node';
import type { ErrorRequestHandler, Request as ExpressRequest, RequestHandler } from 'express';
import { ProtectError } from './protect-error.js';

/**
 * The kinds of callers that `req.pzk` can be. `import '@pzk-auth/express/api-keys'` adds `apiKey`; without
 * it TypeScript knows no `allowApiKey`, so no route takes a plain API key for a session by mistake.
 */
export interface PzkCallers {
  session: PzkSession;
}

/** What `protect()` takes. */
export type RouteOptions = 'apiKey' extends keyof PzkCallers
  ? ProtectOptions
  : AuthenticateOptions & { readonly allowApiKey?: undefined };

declare global {
  namespace Express {
    interface Request {
      /**
       * Who calls. There on routes behind `protect()`. With `import '@pzk-auth/express/api-keys'` it may
       * be a plain API key, too: switch on `kind`.
       */
      pzk: PzkCallers[keyof PzkCallers];
    }
  }
}

/** Options of {@link pzkAuth}. */
export interface PzkAuthOptions {
  /**
   * The client's address, for failure budgets. Default: `req.ip`, which follows Express's `trust proxy`
   * setting.
   */
  readonly address?: (req: ExpressRequest) => string | undefined;
}

/** The middleware of one verifier. */
export interface PzkAuth {
  /** The metadata documents; mount at the origin's root: `app.use(pzk.wellKnown())`. */
  wellKnown(): RequestHandler;
  /** The endpoints; mount under the verifier's base path: `app.use('/pzk', pzk.routes())`. */
  routes(): RequestHandler;
  /**
   * Guards a route: `req.pzk` is there behind it. Failures go to `next(error)`, and `errors()` or
   * Express's own handler answers with the right status and headers. With `allowApiKey` the plain API
   * keys of before go on working, by the application's own check.
   */
  protect(options?: RouteOptions): RequestHandler;
  /**
   * `/live` and `/ready` for an orchestrator: `app.use('/health', pzk.health())`. They need no
   * credentials and tell no details.
   */
  health(): RequestHandler;
  /** CORS for protected routes called from the verifier's `origins`; mount before `protect()`. */
  cors(): RequestHandler;
  /** Answers failures of `protect()` with problem details; other errors pass on. Mount last. */
  errors(): ErrorRequestHandler;
}

function toAuthenticateRequest(req: ExpressRequest): AuthenticateRequest {
  return {
    method: req.method,
    url: req.originalUrl,
    headers: { get: (name) => rawHeader(req, name) },
  };
}

/** Says in development, once, that clients will not find the routes where they look for them. */
function warnOfMountPath(mountPath: string, basePath: string): void {
  process.emitWarning(
    `pzk.routes() is mounted at ${mountPath === '' ? '/' : mountPath}, but the verifier's basePath is ` +
      `${basePath}: write app.use('${basePath}', pzk.routes()), unless a proxy rewrites the path.`,
    { code: 'PZK_MOUNT_PATH' },
  );
}

/**
 * Creates the Express middleware of a verifier. Works with Express 4 and 5.
 *
 * @throws TypeError if it is not given a verifier, or an option that is not known.
 */
export function pzkAuth(verifier: Verifier, options: PzkAuthOptions = {}): PzkAuth {
  if (typeof verifier?.handle !== 'function' || typeof verifier.authenticate !== 'function') {
    throw new TypeError('pzkAuth takes a verifier: pzkAuth(createVerifier({ ... })).');
  }
  assertOptionNames('pzkAuth', options, ['address']);
  const address = options.address ?? ((req: ExpressRequest) => req.ip);

  return {
    wellKnown: () => (req, res, next) => {
      // Only what is read here: a request of another method keeps its body for the application.
      if (req.method !== 'GET' && req.method !== 'HEAD') return next();
      if (!req.path.startsWith('/.well-known/')) return next();
      const response = verifier.handleWellKnown(toWebRequest(req));
      if (response === undefined) return next();
      sendResponse(response, req, res).catch(next);
    },
    routes: () => {
      // Behind a proxy that strips a prefix the odd path is right, so it is no more than a hint.
      let checked = process.env.NODE_ENV === 'production';
      return (req, res, next) => {
        if (!checked && !req.baseUrl.endsWith(verifier.basePath)) {
          warnOfMountPath(req.baseUrl, verifier.basePath);
        }
        checked = true;
        const context = { path: req.path, address: address(req) };
        serveRequest(verifier, req, res, context).catch(next);
      };
    },
    health: () => (req, res, next) => {
      if (req.method !== 'GET' && req.method !== 'HEAD') return next();
      verifier
        .handleHealth(toWebRequest(req), req.path)
        .then((response) => (response === undefined ? next() : sendResponse(response, req, res)))
        .catch(next);
    },
    protect: (demands = {}) => {
      verifier.assertDemands(demands);
      return (req, res, next) => {
        const request = { ...toAuthenticateRequest(req), address: address(req) };
        verifier
          .authenticate(request, demands)
          .then(
            (caller) => {
              req.pzk = caller;
              for (const [name, value] of Object.entries(verifier.answerHeaders(caller))) {
                // The application may link to more than we do.
                if (name === 'link') res.append(name, value);
                else res.setHeader(name, value);
              }
            },
            (error: unknown) => {
              throw new ProtectError(error, verifier.problem(error, request, demands));
            },
          )
          .then(() => next(), next);
      };
    },
    cors: () => (req, res, next) => {
      const origin = rawHeader(req, 'origin');
      const preflight =
        req.method === 'OPTIONS' && rawHeader(req, 'access-control-request-method') !== null;
      const headers = preflight ? verifier.preflight(origin) : verifier.cors(origin);
      for (const [name, value] of Object.entries(headers)) {
        if (name === 'vary') addVary(res, value);
        else res.setHeader(name, value);
      }
      if (preflight) res.status(204).end();
      else next();
    },
    errors: () => (error, _req, res, next) => {
      if (!(error instanceof ProtectError) || res.headersSent) return next(error);
      res.status(error.status);
      for (const [name, value] of Object.entries(error.headers)) res.setHeader(name, value);
      res.end(error.body);
    },
  };
}
