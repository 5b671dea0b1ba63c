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
      readonly kind: 'token' | 'key' | 'device' | 'account';
      readonly id: string;
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
      readonly endpoint: string;
      readonly error: unknown;
    };
