import { KEPT_AFTER_EXPIRY } from '../kept-after-expiry.js';
import type { InvitationRow, InvitationStore } from '../vault-stores.js';
import { deleteWhere } from './delete-where.js';
import { frozenCopy } from './frozen-copy.js';

/** Invitations in memory. */
export interface InvitationTable {
  readonly store: InvitationStore;
  /** Whether this device has joined by an invitation of this account that is not ended. */
  isJoined(id: string, account: string, device: string): boolean;
  end(id: string): boolean;
  deleteByAccount(account: string): void;
}

/** An empty table of invitations. */
export function invitationTable(): InvitationTable {
  const rows = new Map<string, InvitationRow>();

  function end(id: string): boolean {
    const row = rows.get(id);
    if (row === undefined || row.ended) return false;
    rows.set(id, Object.freeze({ ...row, ended: true }));
    return true;
  }

  return {
    store: Object.freeze<InvitationStore>({
      insert: async (invitation, now) => {
        deleteWhere(rows, ({ expiresAt }) => expiresAt < now - KEPT_AFTER_EXPIRY);
        if (rows.has(invitation.id)) return false;
        rows.set(invitation.id, frozenCopy(invitation));
        return true;
      },
      get: async (id) => rows.get(id),
      findJoined: async (account, recipient) =>
        [...rows.values()].find(
          (row) => row.account === account && !row.ended && row.joined?.recipient === recipient,
        ),
      join: async (id, invited, now) => {
        const row = rows.get(id);
        if (row === undefined || row.ended || row.joined !== undefined || row.expiresAt <= now) {
          return false;
        }
        rows.set(id, Object.freeze({ ...row, joined: frozenCopy(invited) }));
        return true;
      },
      end: async (id) => end(id),
    }),
    isJoined: (id, account, device) => {
      const row = rows.get(id);
      return (
        row !== undefined &&
        !row.ended &&
        row.account === account &&
        row.joined?.device.id === device
      );
    },
    end,
    deleteByAccount: (account) => deleteWhere(rows, (row) => row.account === account),
  };
}
