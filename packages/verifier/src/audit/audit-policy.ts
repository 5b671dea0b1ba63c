import type { EventBody } from '../events.js';

/**
 * How an event enters the audit log.
 *
 * - `strict`: what lets somebody in. It is answered only after its entry is stored; if that cannot be
 *   known, the answer is `store_unavailable` and no token goes out.
 * - `eager`: what shuts somebody out, or asks to be let in. It is never held back by the log; its entry is stored as soon as
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
  vault_recovered: 'strict',
  vault_exported: 'strict',
  vault_written: 'strict',
  vault_rotated: 'strict',
  vault_pinned: 'strict',
  vault_replaced: 'strict',
  slot_added: 'strict',
  slot_changed: 'strict',
  slot_removed: 'strict',
  recipient_added: 'strict',
  recipient_removed: 'strict',
  agent_added: 'strict',
  agent_removed: 'strict',
  device_joined: 'strict',
  invitation_created: 'strict',
  invitation_joined: 'strict',
  pairing_created: 'strict',
  pairing_committed: 'strict',
  pairing_answered: 'strict',
  pairing_revealed: 'strict',
  release_approved: 'strict',
  release_collected: 'strict',
  vault_reset_requested: 'strict',
  token_renewed: 'batched',
  invitation_opened: 'batched',
  release_used: 'batched',
  revoked: 'eager',
  invitation_cancelled: 'eager',
  pairing_ended: 'eager',
  release_requested: 'eager',
  release_rejected: 'eager',
  release_cancelled: 'eager',
  release_ended: 'eager',
  vault_reset_cancelled: 'eager',
  key_rotated: 'eager',
  signing_key_added: 'eager',
  signing_key_removed: 'eager',
  signing_key_retired: 'eager',
  legacy_key_used: 'never',
  refused: 'never',
  fault: 'never',
};
