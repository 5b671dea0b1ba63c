/**
 * The stores of facts that live minutes. Every method rejects when it cannot know the answer; the
 * engine then issues nothing (no fallback). All times to live are milliseconds.
 */
export interface ShortLivedStores {
  readonly nonces: NonceStore;
  readonly replays: ReplayStore;
  readonly revocations: RevocationStore;
  readonly sessions: SessionStore;
  readonly budgets: BudgetStore;
}

/** Answer of {@link NonceStore.consume}. */
export type ConsumeResult = 'consumed' | 'replayed' | 'stale';

/** Remembers nonces that have been used. Nothing is stored when a nonce is made. */
export interface NonceStore {
  /**
   * Identity of the store's history: it changes when records may have been lost (a restart of the
   * memory store, a failover of Redis). At most 64 characters of `[A-Za-z0-9_-]`.
   */
  epoch(): Promise<string>;
  /**
   * Atomically marks a key as consumed. Of any number of parallel calls exactly one is answered
   * `consumed`. `stale`: the store's epoch is not the given one any more, and nothing was written.
   */
  consume(
    key: string,
    options: { readonly epoch: string; readonly ttl: number },
  ): Promise<ConsumeResult>;
}

/** Remembers `jti` values of DPoP proofs (RFC 9449 section 11.1). */
export interface ReplayStore {
  /** Atomically records a key; `true` for the first caller, `false` for every other. */
  record(key: string, ttl: number): Promise<boolean>;
}

/** Revocations that token validation looks at. */
export interface RevocationStore {
  /** Records ids as revoked. Acknowledged only when every later {@link isRevoked} sees them. */
  revoke(ids: readonly string[], ttl: number): Promise<void>;
  /** Whether any of the ids is revoked. */
  isRevoked(ids: readonly string[]): Promise<boolean>;
  /**
   * Since when it has forgotten nothing, milliseconds since the epoch; absent: always. Tokens from
   * before are refused, as one of them may have been revoked.
   */
  readonly knownSince?: number;
}

/** A session that may be renewed with the session key alone. */
export interface SessionRow {
  /** Random id of the session; its tokens carry it in their `jti`. */
  readonly sid: string;
  readonly account: string;
  readonly key: string;
  /** Id of the device; empty where the key demands none. */
  readonly device: string;
  readonly jkt: string;
  readonly audience: string;
  /** Canonical scope as granted. */
  readonly scope: string;
  /** Seconds since the epoch: when the person was asked. */
  readonly authTime: number;
  readonly amr: readonly string[];
  readonly keyProtection: 'passkey' | 'device' | 'none';
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** Session rows, by an id that the engine makes of jkt, key and audience. */
export interface SessionStore {
  get(id: string): Promise<SessionRow | undefined>;
  /** Writes a row, replacing what was there. */
  put(id: string, row: SessionRow, ttl: number): Promise<void>;
  /** Extends a row that is still there; `false` if it is gone, and then nothing is written. */
  touch(id: string, ttl: number): Promise<boolean>;
  delete(id: string): Promise<void>;
}

/** Counters of a fixed window, for failure budgets. */
export interface BudgetStore {
  /**
   * Atomically adds an amount (default 1) and returns the sum; the window starts with the first call
   * and lasts `ttl`. A negative amount takes away from what is there, never below 0, and starts no window.
   * A sum that came down to 0 should take no room.
   */
  add(key: string, ttl: number, amount?: number): Promise<number>;
  /** The sum without adding; 0 if there is none. */
  read(key: string): Promise<number>;
}
