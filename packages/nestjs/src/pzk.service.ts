import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import type {
  AuthenticateOptions,
  AuthenticateRequest,
  ProtectOptions,
  PzkCaller,
  PzkSession,
  Verifier,
} from '@pzk-auth/verifier';
import {
  addVary,
  originalUrl,
  rawHeader,
  sendResponse,
  toWebRequest,
} from '@pzk-auth/verifier/node';
import { type Authenticate, PZK_AUTHENTICATE } from './authenticator.js';
import { callerOf, keepCaller, sessionOf } from './callers.js';
import type { NodeHandler } from './node-handler.js';
import { PzkException } from './pzk.exception.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from './pzk.options.js';
import { type HttpRequest, rawRequest } from './raw-request.js';
import { createRoutes, type Routes } from './routes.js';

function toAuthenticateRequest(request: HttpRequest): AuthenticateRequest {
  const req = rawRequest(request);
  return {
    method: req.method ?? 'GET',
    url: originalUrl(req),
    headers: { get: (name) => rawHeader(req, name) },
  };
}

/** The verifier in the application: administration, and authentication where no guard can stand. */
@Injectable()
export class PzkService implements BeforeApplicationShutdown {
  readonly verifier: Verifier;
  readonly #authenticate: Authenticate;
  readonly #address: ResolvedOptions['address'];
  readonly #routes: Routes;

  /** Made by the module. */
  constructor(
    @Inject(RESOLVED_OPTIONS) options: ResolvedOptions,
    @Inject(PZK_AUTHENTICATE) authenticate: Authenticate,
  ) {
    this.verifier = options.verifier;
    this.#authenticate = authenticate;
    this.#address = options.address;
    this.#routes = createRoutes(options);
  }

  /**
   * Authenticates a call, once: its DPoP proof is used up. For middleware, or the context function of a
   * GraphQL server; routes have `@Protect()`.
   *
   * @throws PzkException with the answer
   */
  authenticate(
    request: HttpRequest,
    demands?: AuthenticateOptions & { readonly allowApiKey?: undefined },
  ): Promise<PzkSession>;
  /** The same where plain API keys are let in: `answerHeaders()` belong into the answer then. */
  authenticate(request: HttpRequest, demands: ProtectOptions): Promise<PzkCaller>;
  async authenticate(request: HttpRequest, demands: ProtectOptions = {}): Promise<PzkCaller> {
    const asked = { ...toAuthenticateRequest(request), address: this.#address(request) };
    try {
      const caller = await this.#authenticate(asked, demands);
      keepCaller(request, caller);
      return caller;
    } catch (error) {
      throw new PzkException(error, this.verifier.problem(error, asked, demands));
    }
  }

  /** Who calls; undefined where no session was verified, as on a public route. */
  session(request: HttpRequest): PzkSession | undefined {
    return sessionOf(request);
  }

  /** Who calls, with a session or a plain API key; undefined where nobody was authenticated. */
  caller(request: HttpRequest): PzkCaller | undefined {
    return callerOf(request);
  }

  /**
   * The endpoints and metadata as middleware, for `app.use()` where the module has `routes: false`. It
   * looks at whole paths, so it is mounted without one, and before body parsers.
   */
  routes(): NodeHandler {
    return (req, res, next) => {
      try {
        const answered = this.#routes(req, res);
        if (answered === undefined) next();
        else answered.catch(next);
      } catch (error) {
        next(error);
      }
    };
  }

  /**
   * CORS for protected routes called from the verifier's `origins`: `app.use('/weather', pzk.cors())`.
   * The endpoints have their own.
   */
  cors(): NodeHandler {
    return (req, res, next) => {
      const origin = rawHeader(req, 'origin');
      const preflight =
        req.method === 'OPTIONS' && rawHeader(req, 'access-control-request-method') !== null;
      const { verifier } = this;
      const headers = preflight ? verifier.preflight(origin) : verifier.cors(origin);
      for (const [name, value] of Object.entries(headers)) {
        if (name === 'vary') addVary(res, value);
        else res.setHeader(name, value);
      }
      if (!preflight) return next();
      res.statusCode = 204;
      res.end();
    };
  }

  /** `/live` and `/ready` for an orchestrator: `app.use('/health', pzk.health())`. */
  health(): NodeHandler {
    return (req, res, next) => {
      if (req.method !== 'GET' && req.method !== 'HEAD') return next();
      // What is left of the path below the mount.
      const [path] = (req.url ?? '/').split(/[?#]/, 1);
      this.verifier
        .handleHealth(toWebRequest(req), path)
        .then((response) => (response === undefined ? next() : sendResponse(response, req, res)))
        .catch(next);
    };
  }

  /**
   * Shuts the verifier down: waits for calls that run, writes the audit log, ends the workers. Stores and
   * their connections are the application's to close, in `onApplicationShutdown`: that comes after this.
   * Nest calls it from `app.close()`, and for signals after `app.enableShutdownHooks()`.
   */
  async beforeApplicationShutdown(): Promise<void> {
    await this.verifier.close();
  }
}
