import type { PzkErrorCode } from '@pzk-auth/protocol';

/**
 * What happened, for logs and metrics. Holds ids and reasons; never a key, token, proof or text that
 * an attacker chose. Times are milliseconds since the epoch.
 */
export type VerifierEvent =
  | {
      readonly type: 'device_enrolled';
      readonly at: number;
      readonly account: string;
      readonly key: string;
      readonly device: string;
      /** Without the application's word: the key alone, as the first device of the account. */
      readonly byProofAlone: boolean;
    }
  | {
      /** An account was linked to a user of the application, for good. */
      readonly type: 'account_linked';
      readonly at: number;
      readonly account: string;
    }
  | {
      /** `registered`: the commitment of a key that was made elsewhere. */
      readonly type: 'key_issued' | 'key_registered';
      readonly at: number;
      readonly account: string;
      readonly key: string;
      /** Tokens of scope, separated by spaces. */
      readonly scope: string;
    }
  | {
      /** A key got a successor and stays good until `expiresAt`. */
      readonly type: 'key_rotated';
      readonly at: number;
      readonly account: string;
      readonly key: string;
      readonly successor: string;
      /** Milliseconds since the epoch. */
      readonly expiresAt: number;
    }
  | {
      readonly type: 'vault_opened';
      readonly at: number;
      readonly account: string;
      readonly device: string;
    }
  | {
      readonly type: 'token_issued' | 'token_renewed';
      readonly at: number;
      readonly account: string;
      readonly key: string;
      readonly device: string;
      readonly jti: string;
      readonly scope: string;
    }
  | {
      readonly type: 'revoked';
      readonly at: number;
      readonly kind: 'token' | 'session' | 'key' | 'device' | 'account';
      readonly id: string;
    }
  | {
      /** A call with a plain API key was let in: somebody has not moved yet. */
      readonly type: 'legacy_key_used';
      readonly at: number;
      /** The application's own id of the key; empty where its check named none. */
      readonly id: string;
    }
  | {
      /** A signing key: made or configured, removed by administration, or deleted after its time. */
      readonly type: 'signing_key_added' | 'signing_key_removed' | 'signing_key_retired';
      readonly at: number;
      readonly kid: string;
      /** From when on it signs, or signed. */
      readonly activeFrom: number;
    }
  | {
      readonly type: 'refused';
      readonly at: number;
      /** Path of the endpoint, or `protected`. */
      readonly endpoint: string;
      readonly code: PzkErrorCode;
      /** Why, in words that never travel. */
      readonly reason: string;
    }
  | {
      /** A fault of a store, a worker or our own code. */
      readonly type: 'fault';
      readonly at: number;
      /** Path of the endpoint, or `protected`, `start`, `audit`, `limits`. */
      readonly endpoint: string;
      readonly error: unknown;
    };

type WithoutTime<T> = T extends { readonly at: number } ? Omit<T, 'at'> : never;

/** An event as it is raised: the engine adds the time. */
export type EventBody = WithoutTime<VerifierEvent>;
