/** One entry of the audit log: a link of a hash chain. */
export interface AuditRow {
  /** 1, 2, 3, ... without a gap. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** What happened, as JSON text. The hash covers exactly this text. */
  readonly body: string;
  /** `hash` of the entry before; empty for the first. */
  readonly previous: string;
  /** base64url of 32 bytes, over seq, at, body and previous. */
  readonly hash: string;
  /** That the body names, where it names one: to find its entries by. No part of the hash. */
  readonly account?: string | undefined;
}

/** The audit log of an issuer. Entries are only ever added. */
export interface AuditStore {
  /**
   * Adds entries that follow each other, all or none. `false` if the first does not follow the last
   * entry that is stored (another process was faster); then nothing is written.
   */
  append(rows: readonly AuditRow[]): Promise<boolean>;
  /** The entry with the highest `seq`. */
  last(): Promise<AuditRow | undefined>;
  /** Entries with a `seq` above `after`, in order, at most `limit`. */
  list(range: { readonly after: number; readonly limit: number }): Promise<readonly AuditRow[]>;
  /** Those of an account, newest first, before `before` (milliseconds since the epoch), at most `limit`. */
  listByAccount(
    account: string,
    page: { readonly before?: number | undefined; readonly limit: number },
  ): Promise<readonly AuditRow[]>;
}
