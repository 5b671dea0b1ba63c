import { encodeBase64url, labels, lp, sha256 } from '@pzk-auth/protocol';
import type { AuditRow } from '../stores/audit-store.js';

/** What is written, before it has a place in the chain. */
export type AuditDraft = Pick<AuditRow, 'at' | 'body' | 'account'>;

/** The hash of an entry: over its issuer, its place and its exact text. */
export function auditHash(issuer: string, row: Omit<AuditRow, 'hash' | 'account'>): string {
  const { seq, at, previous, body } = row;
  return encodeBase64url(sha256(lp(labels.audit, issuer, String(seq), String(at), previous, body)));
}

/** Links drafts to the end of a chain. */
export function chainDrafts(
  issuer: string,
  last: Pick<AuditRow, 'seq' | 'hash'> | undefined,
  drafts: readonly AuditDraft[],
): readonly AuditRow[] {
  let { seq, hash: previous } = last ?? { seq: 0, hash: '' };
  return drafts.map(({ at, body, account }) => {
    seq += 1;
    const unhashed = { seq, at, body, previous };
    const found = account === undefined ? {} : { account };
    const row = { ...unhashed, hash: auditHash(issuer, unhashed), ...found };
    previous = row.hash;
    return row;
  });
}
