import type { PzkError } from '@pzk-auth/protocol';

/** A step of a start. */
export type SessionStep =
  /** Asks the server for a nonce. */
  | { readonly status: 'challenge' }
  /** Waits for the user and the passkey. */
  | { readonly status: 'passkey' }
  /** Fetches and opens the vault. */
  | { readonly status: 'decrypting' }
  /** Makes the proof; `progress` from 0 to 1. */
  | { readonly status: 'proving'; readonly progress: number }
  /** Exchanges the proof, or the session key, for a token. */
  | { readonly status: 'exchanging' };

/** A session that can make calls. */
export interface ActiveSession {
  readonly status: 'active';
  /** When the access token ends, seconds since the epoch by this device's clock. */
  readonly expiresAt: number;
  readonly scope: readonly string[];
  /** Id of the API key. */
  readonly clientId: string;
  /** Account id, from the token; absent if the token is opaque. For display: not verified here. */
  readonly account?: string;
  /** `device` where the API key rests on device storage instead of a passkey's PRF. */
  readonly keyProtection?: 'device';
  /** When the user last touched the passkey, seconds since the epoch, from the token. */
  readonly authTime?: number;
  readonly renewing: boolean;
  /**
   * Where a start stands that brings a fresh touch to this session; absent while none runs. The
   * session stays active meanwhile: calls go on, and so does the page that makes them.
   */
  readonly stepUp?: SessionStep;
}

/** Where a session stands. Each step of a start is visible. */
export type SessionState =
  | { readonly status: 'signed-out' }
  | SessionStep
  | ActiveSession
  | { readonly status: 'failed'; readonly error: PzkError };

/** Where an enrolment stands. */
export type EnrollState =
  | { readonly status: 'idle' }
  | { readonly status: 'challenge' }
  /** Waits for the user: a new passkey. */
  | { readonly status: 'creating-passkey' }
  /** Waits for the user: the new passkey has to give the same secret again. */
  | { readonly status: 'confirming-passkey' }
  /** Encrypts the API key into a new vault. */
  | { readonly status: 'sealing' }
  | { readonly status: 'proving'; readonly progress: number }
  | { readonly status: 'exchanging' }
  | { readonly status: 'enrolled' }
  | { readonly status: 'failed'; readonly error: PzkError };
