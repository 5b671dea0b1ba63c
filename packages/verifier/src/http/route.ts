import type { Engine, RequestContext } from '../exchange/engine.js';
import type { ProblemPlace } from './problem-response.js';

/** What an adapter tells about a request beyond the request. */
export interface HandleContext extends RequestContext {
  /**
   * Path below the base path, such as `/token`, where the host mounted the routes somewhere else than
   * under the public path. Default: the request's path without the base path.
   */
  readonly path?: string | undefined;
}

/** An endpoint. */
export interface Route {
  /** For events. */
  readonly name: string;
  readonly method: 'GET' | 'POST';
  readonly place: ProblemPlace;
  /** An unknown id counts against the address: the id is all that a request stands on. */
  readonly countsUnknown?: boolean;
  readonly run: (engine: Engine, request: Request, context: HandleContext) => Promise<Response>;
}

/** Headers of every answer that must not be kept. */
export const NO_STORE = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** A JSON answer. */
export function json(
  value: unknown,
  status = 200,
  headers: Record<string, string> = NO_STORE,
): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { ...headers, 'content-type': 'application/json' },
  });
}
