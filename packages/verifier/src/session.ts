import type { KeyDemand } from './stores/durable-stores.js';

/** How the API key is protected on the device: as the device said at enrolment. */
export type KeyProtection = 'passkey' | 'device' | 'none';

/** Who calls: the result of a verified access token and its DPoP proof. Frozen. */
export interface PzkSession {
  /** Tells it from a call with a plain API key. */
  readonly kind: 'session';
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

/**
 * Who calls with a plain API key, on a route that still takes them: what the application's own check
 * said. It proves nothing about a device or a person. Frozen.
 */
export interface ApiKeyCaller {
  readonly kind: 'api-key';
  /** Never there: a plain API key has no account here. */
  readonly account?: undefined;
  /** The application's user. */
  readonly user: string | undefined;
  /** The application's id of the key. */
  readonly id: string | undefined;
  /** Scope tokens, sorted. */
  readonly scopes: readonly string[];
}

/** Who calls a route that lets plain API keys in: switch on `kind`. */
export type PzkCaller = PzkSession | ApiKeyCaller;

export type { KeyDemand };
