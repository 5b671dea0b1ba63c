import { type FieldElement, formatFieldElement } from './field.js';
import { sha256, truncateToField } from './hash.js';
import { labels } from './labels.js';
import { lp } from './length-prefix.js';

/** The circuit of this version: knowledge of an opening of a commitment, bound to a context. */
export const OWNERSHIP_CIRCUIT = 'ownership/v1';

/** What an exchange is for. */
export type Purpose = 'enroll' | 'session' | 'release' | 'revoke';

/** What every proof is bound to. The server fills it from its own state, never from the request. */
export interface ContextFields {
  readonly issuer: string;
  readonly audience: string;
  readonly nonce: string;
  /** RFC 7638 thumbprint of the session key, base64url. */
  readonly jkt: string;
  /** Credential id, base64url; empty where the key demands no passkey. */
  readonly credentialId: string;
  /** Canonical scope. */
  readonly scope: string;
  readonly circuitId: string;
}

/** Context fields of a session exchange. */
export interface SessionContextFields extends ContextFields {
  readonly commitment: FieldElement;
}

/** Context fields of an enrolment: all that the device stores is bound, so nobody can swap it. */
export interface EnrollContextFields extends SessionContextFields {
  /** The exact slice of authData, as registered; absent where the key demands no passkey. */
  readonly coseKey?: Uint8Array | undefined;
  /** HPKE public key of the vault's recipient, 65 bytes SEC1; absent without a vault entry. */
  readonly recipientKey?: Uint8Array | undefined;
  /** Hash of the vault entry; absent without one. */
  readonly vaultEntryHash?: Uint8Array | undefined;
}

function contextHash(purpose: Purpose, fields: ContextFields, statement: string | Uint8Array) {
  const { issuer, audience, nonce, jkt, credentialId, scope, circuitId } = fields;
  const parts = [purpose, issuer, audience, nonce, jkt, credentialId, scope, circuitId];
  return formatFieldElement(truncateToField(sha256(lp(labels.context, ...parts, statement))));
}

/** The context of a session exchange, as a field element. */
export function sessionContext(fields: SessionContextFields): FieldElement {
  return contextHash('session', fields, fields.commitment);
}

/** The context of an enrolment, as a field element. */
export function enrollContext(fields: EnrollContextFields): FieldElement {
  const { commitment, coseKey, recipientKey, vaultEntryHash } = fields;
  const coseKeyHash = coseKey === undefined ? undefined : sha256(coseKey);
  return contextHash('enroll', fields, lp(commitment, coseKeyHash, recipientKey, vaultEntryHash));
}

/**
 * Public signals of `ownership/v1` in the order of the circuit. The one place that knows it; prover
 * and verifier both import it.
 */
export function publicSignals<T>(statement: {
  readonly commitment: T;
  readonly context: T;
}): readonly [T, T] {
  return [statement.commitment, statement.context];
}
