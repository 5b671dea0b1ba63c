import type { AuditRow, AuditStore } from '../stores/audit-store.js';
import { auditHash } from './audit-entry.js';

/** Options of {@link verifyAuditChain}. */
export interface VerifyAuditChainOptions {
  /** The issuer whose log it is. */
  readonly issuer: string;
  /**
   * An entry that was noted earlier in another place (`seq` and `hash`): it has to be in the chain
   * still. Whoever can write the store can make the whole chain anew; only this shows it.
   */
  readonly anchor?: Pick<AuditRow, 'seq' | 'hash'>;
}

/** What {@link verifyAuditChain} found. */
export type AuditVerdict =
  | {
      readonly valid: true;
      readonly entries: number;
      /** The last entry: note it elsewhere, as the next anchor. */
      readonly head: Pick<AuditRow, 'seq' | 'hash'> | undefined;
    }
  | {
      readonly valid: false;
      /** The first entry that is wrong or missing. */
      readonly seq: number;
      readonly flaw: 'missing' | 'altered' | 'unlinked' | 'anchor_missing' | 'anchor_differs';
    };

const PAGE = 500;

function findFlaw(issuer: string, row: AuditRow, seq: number, previous: string) {
  if (row.seq !== seq) return 'missing';
  if (row.previous !== previous) return 'unlinked';
  if (row.hash !== auditHash(issuer, row)) return 'altered';
  return undefined;
}

/**
 * Reads the whole audit log and checks that no entry was changed, taken out, put in or moved. Entries
 * cut off at the end, and a chain made anew as a whole, show only against an anchor.
 *
 * @throws whatever the store throws.
 */
export async function verifyAuditChain(
  stores: { readonly audit: AuditStore },
  options: VerifyAuditChainOptions,
): Promise<AuditVerdict> {
  const { issuer, anchor } = options;
  let seq = 0;
  let previous = '';
  let anchored = anchor === undefined;
  for (;;) {
    const page = await stores.audit.list({ after: seq, limit: PAGE });
    for (const row of page) {
      const flaw = findFlaw(issuer, row, seq + 1, previous);
      if (flaw !== undefined) return { valid: false, seq: seq + 1, flaw };
      if (row.seq === anchor?.seq) {
        if (row.hash !== anchor.hash) return { valid: false, seq: row.seq, flaw: 'anchor_differs' };
        anchored = true;
      }
      seq = row.seq;
      previous = row.hash;
    }
    if (page.length === 0) break;
  }
  // Also an anchor that can be the number of no entry: what was not compared shows nothing.
  if (!anchored) {
    return { valid: false, seq: seq + 1, flaw: 'anchor_missing' };
  }
  return { valid: true, entries: seq, head: seq === 0 ? undefined : { seq, hash: previous } };
}
