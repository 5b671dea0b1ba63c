import { dpopNonceHeaders } from '../dpop/dpop-nonces.js';
import { durations } from '../durations.js';
import { createChallenge } from '../exchange/challenge.js';
import type { Engine } from '../exchange/engine.js';
import { introspectToken } from '../exchange/introspect.js';
import { settleAddressBudget } from '../exchange/proof-check.js';
import { revokeToken } from '../exchange/revoke.js';
import { requestToken } from '../exchange/token.js';
import { endPageSession } from '../page-session/end-page-session.js';
import { openPageSession } from '../page-session/open-page-session.js';
import { refusal } from '../refuse.js';
import { corsHeaders, preflightHeaders } from './cors.js';
import { enrollRoute } from './enroll-route.js';
import { problemResponse, wireCode } from './problem-response.js';
import { type HandleContext, json, NO_STORE, type Route } from './route.js';
import { vaultRoutes } from './vault-routes.js';

const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  [
    '/challenge',
    {
      name: '/challenge',
      method: 'POST',
      place: 'endpoint',
      run: async (engine, request) => json(await createChallenge(engine, request)),
    },
  ],
  [enrollRoute.name, enrollRoute],
  [
    '/token',
    {
      name: '/token',
      method: 'POST',
      place: 'oauth',
      run: async (engine, request, context) => json(await requestToken(engine, request, context)),
    },
  ],
  [
    '/revoke',
    {
      name: '/revoke',
      method: 'POST',
      place: 'oauth',
      run: async (engine, request, context) => {
        await revokeToken(engine, request, context);
        return new Response(null, { status: 200, headers: NO_STORE });
      },
    },
  ],
  [
    '/introspect',
    {
      name: '/introspect',
      method: 'POST',
      place: 'introspection',
      run: async (engine, request, context) =>
        json(await introspectToken(engine, request, context)),
    },
  ],
  [
    '/jwks.json',
    {
      name: '/jwks.json',
      method: 'GET',
      place: 'endpoint',
      run: async (engine) => {
        const published = await engine.signingKeys.published();
        const keys = published.map(({ publicJwk }) => publicJwk);
        return json({ keys }, 200, {
          ...NO_STORE,
          'cache-control': `public, max-age=${durations.jwksMaxAgeSeconds}`,
        });
      },
    },
  ],
]);

/** Only where the application asked for page sessions. */
const pageRoutes: ReadonlyMap<string, Route> = new Map<string, Route>([
  [
    '/page-session',
    {
      name: '/page-session',
      method: 'POST',
      place: 'resource',
      run: async (engine, request) => setCookie(await openPageSession(engine, request)),
    },
  ],
  [
    '/page-session/end',
    {
      name: '/page-session/end',
      method: 'POST',
      place: 'endpoint',
      run: async (engine, request) => setCookie(await endPageSession(engine, request)),
    },
  ],
]);

function setCookie(cookie: string): Response {
  return new Response(null, { status: 204, headers: { ...NO_STORE, 'set-cookie': cookie } });
}

const ARTIFACT_PATH = /^\/circuits\/([0-9a-f]{64})$/;

async function serveArtifact(engine: Engine, sha256: string): Promise<Response> {
  for (const circuit of engine.circuits.values()) {
    const { prover } = circuit.manifest.artifacts;
    if (prover.sha256 !== sha256) continue;
    const bytes = await circuit.readProver();
    return new Response(Uint8Array.from(bytes), {
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': String(bytes.length),
        // The name is the hash, so the content can never change.
        'cache-control': 'public, max-age=31536000, immutable',
        'x-content-type-options': 'nosniff',
      },
    });
  }
  throw refusal('not_found', 'No such artifact.');
}

function findRoute({ config }: Engine, path: string): Route | undefined {
  // Without anybody who may ask there is no such endpoint.
  if (path === '/introspect' && config.resourceServers.size === 0) return undefined;
  const artifact = ARTIFACT_PATH.exec(path)?.[1];
  const pages = config.pageSessions ? pageRoutes : undefined;
  if (artifact === undefined) return routes.get(path) ?? vaultRoutes.get(path) ?? pages?.get(path);
  return {
    name: '/circuits',
    method: 'GET',
    place: 'endpoint',
    run: (engine) => serveArtifact(engine, artifact),
  };
}

function pathBelowBase(engine: Engine, request: Request): string | undefined {
  const base = new URL(engine.config.baseUrl).pathname;
  const { pathname } = new URL(request.url);
  return pathname.startsWith(`${base}/`) ? pathname.slice(base.length) : undefined;
}

/** Refusals that count against the address: those an attacker would repeat. */
const COUNTED: ReadonlySet<string> = new Set([
  'invalid_grant',
  'invalid_client',
  'enrollment_refused',
]);

function report(engine: Engine, endpoint: string, error: unknown): void {
  const code = wireCode(error);
  if (code === 'server_error' || code === 'store_unavailable') {
    engine.emit({ type: 'fault', endpoint, error });
    return;
  }
  const reason = error instanceof Error ? error.message : '';
  engine.emit({ type: 'refused', endpoint, code, reason });
}

function withHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}

/** Headers of every answer; those of a nonce only where a proof is sent, or soon will be. */
function answerHeaders(engine: Engine, request: Request, route: Route | undefined) {
  const { origins, clock } = engine.config;
  const cors = corsHeaders(request.headers.get('origin'), origins);
  if (route?.method !== 'POST' || request.method !== 'POST') return cors;
  if (route.place === 'introspection') return cors;
  return { ...cors, ...dpopNonceHeaders(engine.dpopNonces, request.headers.get('dpop'), clock()) };
}

/** Where a request goes. */
interface Target {
  readonly route: Route | undefined;
  /** Only a known path goes into events and spans: others are the client's text. */
  readonly endpoint: string;
}

async function serve(
  engine: Engine,
  request: Request,
  context: HandleContext,
  target: Target,
): Promise<Response> {
  const origin = request.headers.get('origin');
  const { origins } = engine.config;
  const { route, endpoint } = target;
  const place = route?.place ?? 'endpoint';
  const headers = () => answerHeaders(engine, request, route);
  // An object of this request alone: what it has reserved is found by it.
  const exchange = { ...context };
  try {
    if (route === undefined) throw refusal('not_found', 'No such endpoint.');
    if (request.method === 'OPTIONS' && origin !== null) {
      return new Response(null, { status: 204, headers: preflightHeaders(origin, origins) });
    }
    // HEAD is answered as GET; the host leaves the body out (RFC 9110 section 9.3.2).
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    if (method !== route.method) {
      const error = refusal('method_not_allowed', 'Another method.');
      report(engine, endpoint, error);
      return withHeaders(problemResponse(error, place, { allow: route.method }), headers());
    }
    // Introspection counts by itself: only who is none of the servers.
    if (route.method === 'POST' && route.place !== 'introspection') {
      await engine.limits.countRequest(context.address);
    }
    const response = await route.run(engine, request, exchange);
    await settleAddressBudget(exchange, false);
    return withHeaders(response, headers());
  } catch (error) {
    report(engine, endpoint, error);
    const code = wireCode(error);
    const isGuess = route?.countsUnknown === true && code === 'not_found';
    await settleAddressBudget(exchange, isGuess || COUNTED.has(code));
    return withHeaders(problemResponse(error, place), headers());
  }
}

/** Serves one request to the endpoints. Never rejects: every failure is a problem response. */
export async function handleRequest(
  engine: Engine,
  request: Request,
  context: HandleContext,
): Promise<Response> {
  const path = context.path ?? pathBelowBase(engine, request);
  const route = path === undefined ? undefined : findRoute(engine, path);
  const endpoint = route?.name ?? 'unknown';
  return engine.telemetry.span('pzk.request', { endpoint }, async (span) => {
    const response = await serve(engine, request, context, { route, endpoint });
    span.setStatus(response.status);
    return response;
  });
}
