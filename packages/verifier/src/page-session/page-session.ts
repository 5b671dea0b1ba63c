import type { KeyProtection } from '../session.js';

/**
 * Who looks at a page: the result of a page session. It says nothing of possession of a key, so it is
 * good for rendering pages and for nothing else. Frozen.
 */
export interface PageSession {
  /** Tells it from a `PzkSession`, which is the result of a protected call. */
  readonly kind: 'page';
  /** The account, as `sub` of a token: with `pairwiseSubjects` not the account's id. */
  readonly account: string;
  /** Id of the API key. */
  readonly key: string;
  /** Id of the device; empty where the key demands none. */
  readonly device: string;
  /** Scope tokens of the session that opened it, sorted. */
  readonly scopes: readonly string[];
  readonly audience: string;
  /** When the person was last asked, seconds since the epoch. */
  readonly authTime: number;
  readonly amr: readonly string[];
  readonly keyProtection: KeyProtection;
  /** Absolute end, seconds since the epoch; without renewals it ends earlier. */
  readonly expiresAt: number;
}
