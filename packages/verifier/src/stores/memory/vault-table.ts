import type { VaultRow } from '../vault-stores.js';
import { frozenCopy } from './frozen-copy.js';

/** Vaults in memory with their index. */
export interface VaultTable {
  get(account: string): VaultRow | undefined;
  findByRecoveryKey(recoveryKey: string): VaultRow | undefined;
  /** Adds it or replaces the one of its account. */
  put(vault: VaultRow): void;
}

/** An empty table of vaults. */
export function vaultTable(): VaultTable {
  const rows = new Map<string, VaultRow>();
  const accountByRecoveryKey = new Map<string, string>();
  return {
    get: (account) => rows.get(account),
    findByRecoveryKey: (recoveryKey) => {
      const account = accountByRecoveryKey.get(recoveryKey);
      return account === undefined ? undefined : rows.get(account);
    },
    put: (vault) => {
      const { account, recoveryKey } = vault;
      const before = rows.get(account)?.recoveryKey;
      if (before !== undefined) accountByRecoveryKey.delete(before);
      rows.set(account, frozenCopy(vault));
      if (recoveryKey !== undefined) accountByRecoveryKey.set(recoveryKey, account);
    },
  };
}
