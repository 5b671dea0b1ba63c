import type { Circuit } from '../circuit.js';
import type { VerifierConfig } from '../config.js';
import type { DpopNonces } from '../dpop/dpop-nonces.js';
import type { EventBody } from '../events.js';
import type { Limits } from '../limits/limits.js';
import type { NonceGuard } from '../nonce/nonce-guard.js';
import type { NonceKeys } from '../nonce/nonce-keys.js';
import type { EventStreams } from '../release/event-streams.js';
import type { Stores } from '../stores/stores.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import type { AccessTokenVerifier } from '../token/access-token.js';
import type { KeyRing } from '../token/key-ring.js';
import type { AssertionCredential } from '../webauthn/assertion.js';

/** What the exchanges of one issuer share. */
export interface Engine {
  readonly config: VerifierConfig;
  readonly stores: Stores;
  readonly circuits: ReadonlyMap<string, Circuit>;
  readonly nonceKeys: NonceKeys;
  readonly nonceGuard: NonceGuard;
  /** Undefined where proofs need no nonce of the server. */
  readonly dpopNonces: DpopNonces | undefined;
  readonly limits: Limits;
  readonly telemetry: Telemetry;
  readonly tokens: AccessTokenVerifier;
  /** Judged in place of a device that does not exist, so that unknown costs what wrong costs. */
  readonly decoy: AssertionCredential;
  readonly signingKeys: KeyRing;
  readonly eventStreams: EventStreams;
  /**
   * Tells observers and the audit log. Await it where the audit log is strict about the event (see
   * audit-policy.ts): it rejects, with `store_unavailable` or `busy`, if its entry is not stored.
   */
  emit(event: EventBody): Promise<void>;
}

/** What an adapter knows about a request beyond the request. */
export interface RequestContext {
  /** Address of the client as the host sees it, for failure budgets. */
  readonly address?: string | undefined;
}
