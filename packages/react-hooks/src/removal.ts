import type { RotatedSlot, VaultRemoval } from '@pzk-auth/client';
import { type ActionResult, settle } from './action-result.js';

/** A change of the vault's keys that waits for its new recovery code; keep it out of React's state. */
export interface Removal {
  /**
   * A new recovery code of 14 groups of four characters, to be written down; the one before opens nothing
   * once this one is confirmed. Show it from a ref or a text node: React's state and props show in
   * developer tools.
   */
  readonly code: string;
  /**
   * Changes the keys of the vault, which has to be open, after the user has typed the code in again. Gives
   * the slots that could be read before: have the user rotate them at their providers.
   */
  readonly confirm: (typed: string) => Promise<ActionResult<readonly RotatedSlot[]>>;
}

/** Starts one; nothing of it rejects. */
export function settleRemoval(start: () => Promise<VaultRemoval>): Promise<ActionResult<Removal>> {
  return settle(async () => {
    const { code, confirm } = await start();
    return Object.freeze({ code, confirm: (typed: string) => settle(() => confirm(typed)) });
  });
}
