export { createOnce } from './create-once.js';
export {
  type CorsOptions,
  type GuardedHandler,
  type ProtectedContext,
  type ProtectedHandler,
  type PzkAuth,
  type PzkAuthOptions,
  pzkAuth,
  type RouteOptions,
  type SessionRouteOptions,
} from './pzk-auth.js';
export type { CatchAllContext, RouteHandler, RouteHandlers } from './route-handlers.js';
