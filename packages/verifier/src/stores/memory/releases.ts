import { assertSettlement, CHANGED_LIMIT, HOUR, RELEASE_SPAN } from '../release-rules.js';
import type { ReceiptRow, ReleaseRow, ReleaseStore, VaultRelease } from '../vault-stores.js';
import { deleteWhere } from './delete-where.js';
import { frozenCopy } from './frozen-copy.js';

/** Requests of agents and receipts in memory. */
export interface ReleaseTable {
  readonly store: ReleaseStore;
  /** Whether a request of this account waits at a time. */
  isWaiting(id: string, account: string, at: number): boolean;
  /** Of one that waits. */
  release(release: VaultRelease): void;
  /** Deletes what waits, ends what was released; receipts stay. */
  endByAccount(account: string, at: number): void;
}

/** An empty table of requests. */
export function releaseTable(): ReleaseTable {
  const rows = new Map<string, ReleaseRow>();
  const receipts = new Map<string, ReceiptRow[]>();

  const waitsAt = (row: ReleaseRow, at: number) => row.status === 'waiting' && row.expiresAt > at;

  function change(row: ReleaseRow, at: number, next: Partial<ReleaseRow>): void {
    const changedAt = Math.max(at, row.changedAt + 1);
    rows.set(row.id, Object.freeze({ ...row, ...next, changedAt }));
  }

  return {
    store: Object.freeze<ReleaseStore>({
      insert: async (release, limits) => {
        const { id, account, agent, at } = release;
        if (rows.has(id)) return 'known';
        const ofAccount = [...rows.values()].filter((row) => row.account === account);
        const ofAgent = ofAccount.filter((row) => row.agent === agent);
        const count = (some: readonly ReleaseRow[]) =>
          some.filter((row) => waitsAt(row, at)).length;
        const recent = ofAgent.filter((row) => row.at > at - HOUR).length;
        if (
          count(ofAgent) >= limits.waitingOfAgent ||
          count(ofAccount) >= limits.waitingOfAccount ||
          recent >= limits.hourlyOfAgent
        ) {
          return 'limited';
        }
        const { keptSince } = limits;
        deleteWhere(
          rows,
          (row) =>
            row.account === account &&
            row.at < keptSince &&
            row.changedAt < keptSince &&
            (row.status !== 'released' || row.at < keptSince - RELEASE_SPAN),
        );
        rows.set(id, frozenCopy(release));
        return 'added';
      },
      get: async (id) => rows.get(id),
      listByAccount: async (account, { before = Number.POSITIVE_INFINITY, limit }) =>
        Object.freeze(
          [...rows.values()]
            .filter((row) => row.account === account && row.at < before)
            .sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
            .slice(0, limit),
        ),
      listChanged: async ({ account, agent }, after) =>
        Object.freeze(
          [...rows.values()]
            .filter((row) => row.account === account && row.agent === agent)
            .filter((row) => row.changedAt > after)
            .sort((a, b) => a.changedAt - b.changedAt || (a.id < b.id ? -1 : 1))
            .slice(0, CHANGED_LIMIT),
        ),
      settle: async (id, settlement) => {
        assertSettlement(settlement);
        const { from, to, at, reason } = settlement;
        const row = rows.get(id);
        if (row === undefined || row.status !== from) return false;
        if (from === 'waiting' && !waitsAt(row, at)) return false;
        const sealed = { enc: '', ct: '', releaseSignature: '' };
        change(row, at, { status: to, reason: reason ?? row.reason, ...sealed });
        return true;
      },
      takeSealed: async (id, at) => {
        const row = rows.get(id);
        if (row === undefined || row.status !== 'released' || row.enc === '') return undefined;
        change(row, at, { enc: '', ct: '', releaseSignature: '' });
        return Object.freeze({ enc: row.enc, ct: row.ct, signature: row.releaseSignature });
      },
      recordUses: async (id, uses, at) => {
        const row = rows.get(id);
        if (row === undefined || (row.status !== 'released' && row.status !== 'ended'))
          return false;
        const lastUsedAt = Math.max(at, row.lastUsedAt ?? at);
        change(row, at, { uses: Math.max(uses, row.uses), lastUsedAt });
        return true;
      },
      listReceipts: async (account, { after, limit }) =>
        Object.freeze(
          (receipts.get(account) ?? []).filter(({ number }) => number > after).slice(0, limit),
        ),
    }),
    isWaiting: (id, account, at) => {
      const row = rows.get(id);
      return row !== undefined && row.account === account && waitsAt(row, at);
    },
    release: ({ request, at, enc, ct, signature, receipt }) => {
      const row = rows.get(request) as ReleaseRow;
      change(row, at, { status: 'released', enc, ct, releaseSignature: signature });
      const list = receipts.get(row.account) ?? [];
      receipts.set(row.account, [...list, Object.freeze({ number: list.length + 1, receipt })]);
    },
    endByAccount: (account, at) => {
      deleteWhere(rows, (row) => row.account === account && row.status === 'waiting');
      for (const row of rows.values()) {
        if (row.account !== account || row.status !== 'released') continue;
        change(row, at, { status: 'ended', enc: '', ct: '', releaseSignature: '' });
      }
    },
  };
}
