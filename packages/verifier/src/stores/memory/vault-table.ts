import type { HistoryNode } from '@pzk-auth/protocol';
import type { VaultRow, VaultStore } from '../vault-stores.js';
import { frozenCopy } from './frozen-copy.js';

/** Vaults in memory with their index. */
export interface VaultTable {
  get(account: string): VaultRow | undefined;
  findByRecoveryKey(recoveryKey: string): VaultRow | undefined;
  /** The account that has the vault of this id. */
  holderOf(vaultId: string): string | undefined;
  /** Adds it or replaces the one of its account. */
  put(vault: VaultRow): void;
  addHistory(account: string, nodes: readonly HistoryNode[]): void;
  dropHistory(account: string): void;
  findHistory(
    ...question: Parameters<VaultStore['findHistory']>
  ): Awaited<ReturnType<VaultStore['findHistory']>>;
}

const placeOf = ({ level, position }: Pick<HistoryNode, 'level' | 'position'>) =>
  `${level} ${position}`;

/** An empty table of vaults. */
export function vaultTable(): VaultTable {
  const rows = new Map<string, VaultRow>();
  const accountByRecoveryKey = new Map<string, string>();
  const accountByVaultId = new Map<string, string>();
  const historyByAccount = new Map<string, Map<string, HistoryNode>>();
  return {
    get: (account) => rows.get(account),
    findByRecoveryKey: (recoveryKey) => {
      const account = accountByRecoveryKey.get(recoveryKey);
      return account === undefined ? undefined : rows.get(account);
    },
    holderOf: (vaultId) => accountByVaultId.get(vaultId),
    put: (vault) => {
      const { account, vaultId, recoveryKey } = vault;
      const before = rows.get(account);
      if (before !== undefined) accountByVaultId.delete(before.vaultId);
      if (before?.recoveryKey !== undefined) accountByRecoveryKey.delete(before.recoveryKey);
      rows.set(account, frozenCopy(vault));
      accountByVaultId.set(vaultId, account);
      if (recoveryKey !== undefined) accountByRecoveryKey.set(recoveryKey, account);
    },
    addHistory: (account, nodes) => {
      const history = historyByAccount.get(account) ?? new Map<string, HistoryNode>();
      for (const node of nodes) history.set(placeOf(node), frozenCopy(node));
      historyByAccount.set(account, history);
    },
    dropHistory: (account) => void historyByAccount.delete(account),
    findHistory: (account, places) =>
      places.flatMap((place) => historyByAccount.get(account)?.get(placeOf(place)) ?? []),
  };
}
