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
      /**
       * What a device does with the vault of its account. `vault_written`: another manifest; what changed
       * has events of its own. `vault_rotated`: the same with another identity key and every slot sealed
       * anew. `vault_replaced`: a reset was carried out by the enrolment of this device.
       */
      readonly type:
        | 'vault_opened'
        | 'vault_written'
        | 'vault_rotated'
        | 'vault_pinned'
        | 'vault_exported'
        | 'vault_replaced'
        | 'vault_reset_cancelled'
        | 'invitation_created'
        | 'invitation_cancelled'
        | 'pairing_created'
        | 'pairing_answered'
        | 'pairing_ended';
      readonly at: number;
      readonly account: string;
      readonly device: string;
    }
  | {
      /** Somebody read the vault by its recovery code, whose recipient this is. */
      readonly type: 'vault_recovered';
      readonly at: number;
      readonly account: string;
      readonly recipient: string;
    }
  | {
      /**
       * Without a device of the account: somebody looked at an invitation by its id, or a broker took a step
       * of a pairing.
       */
      readonly type: 'invitation_opened' | 'pairing_committed';
      readonly at: number;
      readonly account: string;
    }
  | {
      /**
       * A broker has shown its key. `agent`: the one of the vault with this key, where it is paired again;
       * nobody has compared any words yet.
       */
      readonly type: 'pairing_revealed';
      readonly at: number;
      readonly account: string;
      readonly agent?: string;
    }
  | {
      readonly type: 'slot_added' | 'slot_changed' | 'slot_removed';
      readonly at: number;
      readonly account: string;
      readonly device: string;
      readonly slot: string;
    }
  | {
      readonly type: 'recipient_added' | 'recipient_removed';
      readonly at: number;
      readonly account: string;
      readonly device: string;
      readonly recipient: string;
    }
  | {
      readonly type: 'agent_added' | 'agent_removed';
      readonly at: number;
      readonly account: string;
      readonly device: string;
      readonly agent: string;
    }
  | {
      /** A browser brought a passkey to an invitation; it is no device yet. */
      readonly type: 'invitation_joined';
      readonly at: number;
      readonly account: string;
      readonly recipient: string;
    }
  | {
      /** A device became one of the account without an API key. */
      readonly type: 'device_joined';
      readonly at: number;
      readonly account: string;
      readonly device: string;
      readonly recipient: string;
      readonly by: 'invitation' | 'recovery';
    }
  | {
      /** Somebody whom the application vouches for wants the vault replaced; each device can cancel. */
      readonly type: 'vault_reset_requested';
      readonly at: number;
      readonly account: string;
      /** Milliseconds since the epoch: from when on it will be done. */
      readonly resetAt: number;
    }
  | {
      /**
       * A request of an agent for the secret in a slot. `release_collected`: the broker has fetched what
       * was released.
       */
      readonly type:
        | 'release_requested'
        | 'release_approved'
        | 'release_rejected'
        | 'release_cancelled'
        | 'release_collected';
      readonly at: number;
      readonly account: string;
      /** Of the user who decided. */
      readonly device?: string;
      readonly agent: string;
      readonly slot: string;
      readonly request: string;
    }
  | {
      /**
       * `release_used`: the broker reports calls that it made with a secret. `release_ended`: by the user
       * (`device`), or by the broker.
       */
      readonly type: 'release_used' | 'release_ended';
      readonly at: number;
      readonly account: string;
      /** Of the user who ended it. */
      readonly device?: string;
      readonly agent: string;
      readonly slot: string;
      readonly request: string;
      /** In all, as the broker has reported them so far. */
      readonly uses: number;
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
      /** That it belongs to, where that is known. */
      readonly account?: string;
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
