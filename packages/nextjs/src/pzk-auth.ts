import {
  type AuthenticateOptions,
  assertOptionNames,
  type PageSession,
  type ProtectOptions,
  type PzkCaller,
  type PzkSession,
  type Verifier,
} from '@pzk-auth/verifier';
import { headers as requestHeaders } from 'next/headers.js';
import type { NextRequest } from 'next/server.js';
import { addressBehind } from './client-address.js';
import {
  endpointHandlers,
  healthHandlers,
  type RouteHandler,
  type RouteHandlers,
  wellKnownHandlers,
} from './route-handlers.js';

/** Options of {@link pzkAuth}. */
export interface PzkAuthOptions {
  /**
   * How many proxies of your own stand before Next.js, each appending to `X-Forwarded-For`: the failure
   * budgets then count by the address that the outermost saw. Without it, and without `address`, there
   * are no budgets per address, because a route handler does not see the connection.
   */
  readonly trustedProxies?: number;
  /** The client's address, where it stands elsewhere; instead of `trustedProxies`. */
  readonly address?: (request: Request) => string | undefined;
}

/** Whether other origins may call a protected route. */
export interface CorsOptions {
  /**
   * Adds CORS headers for the verifier's `origins`; export `preflight` as `OPTIONS` beside it. Default
   * false: pages of this application need none.
   */
  readonly cors?: boolean;
}

/** What a protected route demands of a session. */
export type SessionRouteOptions = AuthenticateOptions &
  CorsOptions & { readonly allowApiKey?: undefined };

/** What a protected route demands that lets plain API keys in, too. */
export type RouteOptions = ProtectOptions & CorsOptions;

/** What a protected handler gets beside the request. */
export interface ProtectedContext<Params, Caller> {
  /** Who calls. On a route with `allowApiKey` it may be a plain API key: switch on `kind`. */
  readonly session: Caller;
  /** As Next.js gave them. */
  readonly params: Promise<Params>;
}

/** A route handler behind {@link PzkAuth.protect}. */
export type ProtectedHandler<Params, Caller = PzkSession> = (
  request: NextRequest,
  context: ProtectedContext<Params, Caller>,
) => Response | Promise<Response>;

/** What {@link PzkAuth.protect} makes: a route handler as Next.js wants it. */
export type GuardedHandler<Params> = (
  request: NextRequest,
  context: { readonly params: Promise<Params> },
) => Promise<Response>;

/** The route handlers of one verifier. */
export interface PzkAuth {
  /**
   * The endpoints, for `app/pzk/[...path]/route.ts`:
   * `export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = pzk.handlers`.
   */
  readonly handlers: RouteHandlers;
  /**
   * The metadata documents, for `app/.well-known/[...path]/route.ts`:
   * `export const { GET, HEAD } = pzk.wellKnown`.
   */
  readonly wellKnown: Readonly<Record<'GET' | 'HEAD', RouteHandler>>;
  /**
   * `/live` and `/ready` for an orchestrator, for `app/health/[...path]/route.ts`:
   * `export const { GET, HEAD } = pzk.health`.
   */
  readonly health: Readonly<Record<'GET' | 'HEAD', RouteHandler>>;
  /**
   * Guards a route handler. Failures of authentication are answered with problem details; what the
   * handler throws goes to Next.js. No cookie counts here.
   *
   * @throws TypeError for a scope that the verifier does not know, or an odd `maxAge`: at once, or where
   * the verifier is given as a function, at the first call.
   */
  protect<Params = Record<never, never>>(
    options: SessionRouteOptions,
    handler: ProtectedHandler<Params>,
  ): GuardedHandler<Params>;
  /** The same for a route on which plain API keys go on working, by the application's own check. */
  protect<Params = Record<never, never>>(
    options: RouteOptions,
    handler: ProtectedHandler<Params, PzkCaller>,
  ): GuardedHandler<Params>;
  /** Answers preflight requests to protected routes: `export const OPTIONS = pzk.preflight`. */
  preflight(request: Request): Response;
  /**
   * The page session: in server components `await auth()`, in `proxy.ts` or `middleware.ts`
   * `await auth(request)`. Good for showing a page, never for changing something: server functions and
   * route handlers that act need `protect`. Rejects where the stores do not answer.
   *
   * @throws TypeError without the verifier's option `pageSessions`
   * @throws PzkError `store_unavailable`
   */
  auth(request?: Request): Promise<PageSession | undefined>;
}

function withHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  if (Object.keys(headers).length === 0) return response;
  // Anew: what a `fetch` gave, or `Response.redirect`, cannot be changed.
  const copy = new Response(response.body, response);
  for (const [name, value] of Object.entries(headers)) {
    // The application may vary by more, and link to more, than we do.
    if (name === 'vary' || name === 'link') copy.headers.append(name, value);
    else copy.headers.set(name, value);
  }
  return copy;
}

function chooseAddress({ address, trustedProxies }: PzkAuthOptions) {
  if (trustedProxies === undefined) return address;
  if (address !== undefined) throw new TypeError('Give either address or trustedProxies.');
  return addressBehind(trustedProxies);
}

/**
 * Creates the route handlers of a verifier, for the App Router of Next.js 15 and 16.
 *
 * @param verifier - Or a function that returns it, always the same one: it is first called by a
 * request, so that `next build`, which evaluates every module, needs no secret and no database.
 *
 * @throws TypeError on an option that is odd or not known
 */
export function pzkAuth(
  verifier: Verifier | (() => Verifier),
  options: PzkAuthOptions = {},
): PzkAuth {
  assertOptionNames('pzkAuth', options, ['trustedProxies', 'address']);
  const address = chooseAddress(options);
  const find = typeof verifier === 'function' ? verifier : () => verifier;
  return {
    handlers: endpointHandlers(find, address),
    wellKnown: wellKnownHandlers(find),
    health: healthHandlers(find),
    protect<Params>(
      { cors = false, ...demands }: RouteOptions,
      handler: ProtectedHandler<Params, never>,
    ): GuardedHandler<Params> {
      if (typeof verifier !== 'function') verifier.assertDemands(demands);
      let checked: Verifier | undefined;
      return async (request, { params }) => {
        const { method, url, headers } = request;
        // Read before anything can fail: where Next.js prerenders, this ends the attempt, and a
        // refusal must not become the static answer of the route.
        const origin = headers.get('origin');
        const engine = find();
        if (engine !== checked) engine.assertDemands(demands);
        checked = engine;
        const answer = (response: Response) =>
          cors ? withHeaders(response, engine.cors(origin)) : response;
        const call = { method, url, headers, address: address?.(request) };
        let session: PzkCaller;
        try {
          session = await engine.authenticate(call, demands);
        } catch (error) {
          const { status, headers: fields, body } = engine.problem(error, call, demands);
          return answer(new Response(body, { status, headers: fields }));
        }
        // The overloads tie what the handler takes to what the options let in.
        const context = { session: session as never, params };
        const response = await handler(request, context);
        return answer(withHeaders(response, engine.answerHeaders(session)));
      };
    },
    preflight: (request) =>
      new Response(null, {
        status: 204,
        headers: find().preflight(request.headers.get('origin')),
      }),
    async auth(request) {
      const headers = request === undefined ? await requestHeaders() : request.headers;
      return find().pageSession(headers.get('cookie'));
    },
  };
}
