import type { Verifier } from '@pzk-auth/verifier';
import type { ReadAddress } from './client-address.js';

/** What Next.js hands to a handler in a catch-all folder such as `[...path]`. */
export interface CatchAllContext {
  readonly params: Promise<Readonly<Record<string, string | string[] | undefined>>>;
}

/** A route handler. */
export type RouteHandler = (request: Request, context: CatchAllContext) => Promise<Response>;

/** One handler for each method, so that the engine answers all of them. */
export type RouteHandlers = Readonly<
  Record<'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS', RouteHandler>
>;

/**
 * The part of the path that the catch-all matched, as the client wrote it: `params` are decoded, and
 * `/vault%2Fopen` is no endpoint.
 */
export async function matchedPath(request: Request, context: CatchAllContext): Promise<string> {
  const params = Object.values(await context.params);
  const segments = params.find(Array.isArray)?.length ?? 0;
  if (segments === 0) {
    throw new TypeError(
      'Export the handlers from a catch-all route, e.g. app/pzk/[...path]/route.ts.',
    );
  }
  const { pathname } = new URL(request.url);
  return `/${pathname.split('/').slice(-segments).join('/')}`;
}

/** The endpoints. */
export function endpointHandlers(
  verifier: () => Verifier,
  address: ReadAddress | undefined,
): RouteHandlers {
  const handle: RouteHandler = async (request, context) =>
    verifier().handle(request, {
      path: await matchedPath(request, context),
      address: address?.(request),
    });
  return Object.freeze({
    GET: handle,
    HEAD: handle,
    POST: handle,
    PUT: handle,
    PATCH: handle,
    DELETE: handle,
    OPTIONS: handle,
  });
}

/** The metadata documents. */
export function wellKnownHandlers(
  verifier: () => Verifier,
): Readonly<Record<'GET' | 'HEAD', RouteHandler>> {
  const handle: RouteHandler = async (request, context) => {
    const path = `/.well-known${await matchedPath(request, context)}`;
    const { method } = request;
    const document = verifier().handleWellKnown(new Request(`http://localhost${path}`, { method }));
    return document ?? new Response(null, { status: 404 });
  };
  return Object.freeze({ GET: handle, HEAD: handle });
}

/** Liveness and readiness. */
export function healthHandlers(
  verifier: () => Verifier,
): Readonly<Record<'GET' | 'HEAD', RouteHandler>> {
  const handle: RouteHandler = async (request, context) => {
    const path = await matchedPath(request, context);
    return (await verifier().handleHealth(request, path)) ?? new Response(null, { status: 404 });
  };
  return Object.freeze({ GET: handle, HEAD: handle });
}
