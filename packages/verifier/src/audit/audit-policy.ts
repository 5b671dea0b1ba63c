import type { EventBody } from '../events.js';

/**
 * How an event enters the audit log.
 *
 * - `strict`: what lets somebody in. It is answered only after its entry is stored; if that cannot be
 *   known, the answer is `store_unavailable` and no token goes out.
 * - `eager`: what shuts somebody out. It is never held back by the log; its entry is stored as soon as
 *   the store takes it.
 * - `batched`: what repeats what is known already. Stored within a second; a process that is killed
 *   loses the last of them.
 * - `never`: what anybody can cause (refusals would fill the store), what counts use, and faults.
 */
export type AuditClass = 'strict' | 'eager' | 'batched' | 'never';

/** The class of each event. */
export const auditClasses: Readonly<Record<EventBody['type'], AuditClass>> = {
  device_enrolled: 'strict',
  account_linked: 'strict',
  key_issued: 'strict',
  key_registered: 'strict',
  token_issued: 'strict',
  vault_opened: 'strict',
  token_renewed: 'batched',
  revoked: 'eager',
  key_rotated: 'eager',
  signing_key_added: 'eager',
  signing_key_removed: 'eager',
  signing_key_retired: 'eager',
  legacy_key_used: 'never',
  refused: 'never',
  fault: 'never',
};
