import { KEPT_AFTER_EXPIRY } from '../kept-after-expiry.js';
import type { PairingRow, PairingStore } from '../vault-stores.js';
import { deleteWhere } from './delete-where.js';
import { frozenCopy } from './frozen-copy.js';

/** Pairings in memory. */
export interface PairingTable {
  readonly store: PairingStore;
  deleteByAccount(account: string): void;
}

/** An empty table of pairings. */
export function pairingTable(): PairingTable {
  const rows = new Map<string, PairingRow>();
  return {
    store: Object.freeze<PairingStore>({
      insert: async (pairing, now) => {
        deleteWhere(rows, ({ expiresAt }) => expiresAt < now - KEPT_AFTER_EXPIRY);
        if (rows.has(pairing.id)) return false;
        rows.set(pairing.id, frozenCopy(pairing));
        return true;
      },
      get: async (id) => rows.get(id),
      advance: async (id, { from, to, step }, now) => {
        const row = rows.get(id);
        if (row === undefined || row.status !== from || row.expiresAt <= now) return false;
        const {
          name = row.name,
          commitment = row.commitment,
          identityKey = row.identityKey,
          nonceB = row.nonceB,
          agentKey = row.agentKey,
          nonceA = row.nonceA,
        } = step;
        const next = { name, commitment, identityKey, nonceB, agentKey, nonceA };
        rows.set(id, Object.freeze({ ...row, ...next, status: to }));
        return true;
      },
    }),
    deleteByAccount: (account) => deleteWhere(rows, (row) => row.account === account),
  };
}
