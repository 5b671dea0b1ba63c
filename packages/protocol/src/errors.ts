/** Codes that a server puts on the wire. See docs/errors.md for each. */
export const wireErrorCodes = [
  'invalid_request',
  'body_too_large',
  'unsupported_media_type',
  'request_timeout',
  'not_found',
  'method_not_allowed',
  'prf_results_sent',
  'invalid_scope',
  'invalid_target',
  'unsupported_grant_type',
  'unsupported_circuit',
  'invalid_nonce',
  'invalid_dpop_proof',
  'use_dpop_nonce',
  'invalid_client',
  'invalid_grant',
  'enrollment_refused',
  'too_many_requests',
  'invalid_token',
  'insufficient_scope',
  'insufficient_user_authentication',
  'commitment_mismatch',
  'vault_conflict',
  'vault_reset_pending',
  'busy',
  'store_unavailable',
  'server_error',
] as const;

/** Codes that arise on the client alone. */
export const clientErrorCodes = [
  'aborted',
  'ceremony_in_progress',
  'network_error',
  'unexpected_response',
  'issuer_mismatch',
  'unsupported_environment',
  'passkey_unavailable',
  'passkey_cancelled',
  'prf_unsupported',
  'prf_missing_at_get',
  'prf_mismatch',
  'api_key_malformed',
  'artifact_mismatch',
  'artifact_unavailable',
  'prover_failed',
  'vault_missing',
  'vault_pin_mismatch',
  'vault_manifest_invalid',
  'vault_rollback',
  'vault_sealed_invalid',
  'vault_slot_invalid',
  'vault_slot_damaged',
  'vault_repin_required',
  'vault_compare_required',
  'vault_switch_required',
  'vault_locked',
  'recovery_code_malformed',
  'invitation_invalid',
  'pairing_mismatch',
  'release_request_invalid',
  'release_undecided',
  'receipt_invalid',
  'not_signed_in',
  'session_expired',
  'storage_unavailable',
] as const;

/** Codes that arise at an agent and its broker. */
export const agentErrorCodes = [
  'vault_identity_changed',
  'release_invalid',
  'release_rejected',
  'release_ended',
  'host_refused',
  'broker_unavailable',
] as const;

/** Codes that only a server's operator meets, at start or in administration. */
export const operatorErrorCodes = [
  'verification_key_rejected',
  'not_ready',
  'commitment_known',
] as const;

export type WireErrorCode = (typeof wireErrorCodes)[number];
export type ClientErrorCode = (typeof clientErrorCodes)[number];
export type AgentErrorCode = (typeof agentErrorCodes)[number];
export type OperatorErrorCode = (typeof operatorErrorCodes)[number];

/** Every code an error of PZK-Auth can carry: a closed union to switch on. */
export type PzkErrorCode = WireErrorCode | ClientErrorCode | AgentErrorCode | OperatorErrorCode;

/** Options of {@link PzkError}. */
export interface PzkErrorOptions {
  /** What went wrong underneath. Never sent to a client. */
  readonly cause?: unknown;
  /** One sentence on what to do about it, safe to show. */
  readonly hint?: string;
  /** With `vault_reset_pending`: from when on the vault can be replaced, seconds since the epoch. */
  readonly resetAt?: number;
}

/**
 * The one error class. Callers switch on {@link PzkError.code}; the message is for people and holds
 * no token, key, challenge or text of an attacker.
 */
export class PzkError extends Error {
  override readonly name = 'PzkError';
  readonly code: PzkErrorCode;
  readonly hint: string | undefined;
  /** With `vault_reset_pending`: from when on the vault can be replaced, seconds since the epoch. */
  readonly resetAt: number | undefined;

  constructor(code: PzkErrorCode, message: string, options: PzkErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.resetAt = options.resetAt;
  }
}

/**
 * Whether a value is a {@link PzkError}, also one of another copy of this package (two versions in
 * one dependency tree).
 */
export function isPzkError(value: unknown): value is PzkError {
  return value instanceof Error && value.name === 'PzkError' && 'code' in value;
}

/** Where the errors are documented; an error's `type` on the wire is this address with its anchor. */
export const ERROR_DOCS_URL = 'https://github.com/pzk-auth/pzk-auth/blob/main/docs/errors.md';
