export { ProtectError } from './protect-error.js';
export { type PzkAuth, type PzkAuthOptions, pzkAuth } from './pzk-auth.js';
