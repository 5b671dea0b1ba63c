import type { VaultResetRow, VaultResetStore } from '../vault-stores.js';
import { frozenCopy } from './frozen-copy.js';

/** Resets in memory. */
export interface ResetTable {
  readonly store: VaultResetStore;
  /** Whether one waits whose time has come. */
  isDue(account: string, at: number): boolean;
  delete(account: string): boolean;
}

/** An empty table of resets. */
export function resetTable(): ResetTable {
  const rows = new Map<string, VaultResetRow>();
  return {
    store: Object.freeze<VaultResetStore>({
      get: async (account) => rows.get(account),
      request: async (reset) => {
        const row = rows.get(reset.account) ?? frozenCopy(reset);
        rows.set(reset.account, row);
        return row;
      },
      cancel: async (account) => rows.delete(account),
    }),
    isDue: (account, at) => (rows.get(account)?.effectiveAt ?? Number.POSITIVE_INFINITY) <= at,
    delete: (account) => rows.delete(account),
  };
}
