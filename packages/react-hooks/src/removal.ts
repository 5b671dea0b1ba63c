import type { ConfirmCodeOptions, RotatedSlot, VaultRemoval, VaultSlot } from '@pzk-auth/client';
import { type ActionResult, settle } from './action-result.js';
import type { Ceremonies } from './ceremonies.js';

/**
 * A change of the vault's keys that waits for its new recovery code; keep it out of React's state, and
 * above what shows only while the vault is open: writing the code down may outlast that.
 */
export interface Removal {
  /**
   * A new recovery code of 14 groups of four characters, to be written down; the one before opens nothing
   * once this one is confirmed. Show it from a ref or a text node: React's state and props show in
   * developer tools.
   */
  readonly code: string;
  /**
   * The slots that `confirm` loses for good, as they do not open: show them before. Needs an open vault.
   * Those with `damaged: 'replaced'` take a yes: `leaveOut` of `confirm`.
   */
  readonly leavesOut: () => Promise<ActionResult<readonly VaultSlot[]>>;
  /**
   * Changes the keys of the vault, after the user has typed the code in again; a locked vault opens with a
   * touch first. Gives the slots that could be read before: have the user rotate them at their providers.
   * Where it fails and `isUndecided(error)`, it may have happened all the same: have it confirmed again.
   */
  readonly confirm: (
    typed: string,
    options?: ConfirmCodeOptions,
  ) => Promise<ActionResult<readonly RotatedSlot[]>>;
}

/** Starts one; nothing of it rejects. It outlives the component, as its code is being written down. */
export function settleRemoval(
  ceremonies: Ceremonies,
  start: () => Promise<VaultRemoval>,
): Promise<ActionResult<Removal>> {
  return settle(async () => {
    const { code, leavesOut, confirm } = await start();
    return Object.freeze({
      code,
      leavesOut: () => settle(leavesOut),
      confirm: (typed: string, options: ConfirmCodeOptions = {}) =>
        settle(async () => {
          const controller = new AbortController();
          const signals = [controller.signal, ...(options.signal ? [options.signal] : [])];
          ceremonies.add(controller);
          try {
            return await confirm(typed, { ...options, signal: AbortSignal.any(signals) });
          } finally {
            ceremonies.delete(controller);
          }
        }),
    });
  });
}
