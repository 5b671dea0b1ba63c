export { ProtectError } from './protect-error.js';
export {
  type PzkAuth,
  type PzkAuthOptions,
  type PzkCallers,
  pzkAuth,
  type RouteOptions,
} from './pzk-auth.js';
