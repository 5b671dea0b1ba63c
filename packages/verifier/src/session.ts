import type { KeyDemand } from './stores/durable-stores.js';

/** How the API key is protected on the device: as the device said at enrolment. */
export type KeyProtection = 'passkey' | 'device' | 'none';

/** Who calls: the result of a verified access token and its DPoP proof. Frozen. */
export interface PzkSession {
  /** The account, as `sub` of the token: with `pairwiseSubjects` not the account's id. */
  readonly account: string;
  /** Id of the API key (`client_id`). */
  readonly key: string;
  /** Id of the device; empty where the key demands none. */
  readonly device: string;
  /** Granted scope tokens, sorted. */
  readonly scopes: readonly string[];
  readonly audience: string;
  /** Thumbprint of the session key. */
  readonly jkt: string;
  readonly jti: string;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
  /** When the person was last asked, seconds since the epoch. */
  readonly authTime: number;
  /** RFC 8176, as far as the authenticator's flags say. */
  readonly amr: readonly string[];
  readonly keyProtection: KeyProtection;
}

export type { KeyDemand };
