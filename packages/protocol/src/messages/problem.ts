import * as v from 'valibot';
import { ERROR_DOCS_URL, PzkError, type WireErrorCode, wireErrorCodes } from '../errors.js';
import { displayText, seconds } from './wire-types.js';

const MAXIMUM_TEXT = 300;

/** Problem details (RFC 9457) with the stable `code`, and `error` where OAuth asks for it. */
export const problemSchema = v.object({
  type: v.string(),
  title: displayText(1, MAXIMUM_TEXT),
  status: v.pipe(v.number(), v.integer()),
  code: v.picklist(wireErrorCodes),
  /** RFC 6749 section 5.2, on OAuth endpoints. */
  error: v.optional(v.string()),
  hint: v.optional(displayText(1, MAXIMUM_TEXT)),
  /** With `vault_reset_pending`: from when on the vault will be replaced, seconds since the epoch. */
  reset_at: v.optional(seconds),
});

export type Problem = v.InferOutput<typeof problemSchema>;

/** The `type` of a problem: the anchor of its code in docs/errors.md. */
export function problemType(code: WireErrorCode): string {
  return `${ERROR_DOCS_URL}#${code}`;
}

/** What is said of a code. */
export interface ProblemText {
  readonly title: string;
  /** What to do about it, for developers. */
  readonly hint?: string;
}

/** The words of each code on the wire. They never depend on the request. */
export const problemTexts: Readonly<Record<WireErrorCode, ProblemText>> = {
  invalid_request: { title: 'The request is malformed.' },
  body_too_large: { title: 'The body is too large.' },
  unsupported_media_type: {
    title: 'The content type or encoding is not supported.',
    hint: 'Form-encoded for /token, /revoke and /introspect; JSON for all others.',
  },
  request_timeout: { title: 'The body took too long.' },
  not_found: { title: 'There is nothing here.' },
  method_not_allowed: { title: 'The method is not supported here.' },
  prf_results_sent: {
    title: 'The request carries PRF results, which are secret.',
    hint: 'Serialise credentials by allow-list; never send clientExtensionResults.prf.results.',
  },
  invalid_scope: {
    title: 'The scope is unknown, malformed or not granted to this key.',
    hint: 'Ask for scopes that createVerifier lists and that the key was issued with.',
  },
  invalid_target: { title: 'The resource is not served by this issuer.' },
  unsupported_grant_type: { title: 'The grant type is not supported.' },
  unsupported_circuit: { title: 'The circuit is not accepted by this issuer.' },
  invalid_nonce: {
    title: 'The nonce is not valid for this exchange.',
    hint: 'Ask for a new challenge. A nonce serves one exchange and expires after minutes.',
  },
  invalid_dpop_proof: {
    title: 'The DPoP proof is not valid.',
    hint: 'Check htm, htu, iat and ath of RFC 9449, and that the clock follows the challenge.',
  },
  use_dpop_nonce: { title: 'The DPoP proof needs the nonce of this server.' },
  invalid_client: { title: 'The client is not known here.' },
  invalid_grant: {
    title: 'The credentials are not valid.',
    hint: 'Start a new session. If that fails too, the operator finds the reason in the refused event.',
  },
  enrollment_refused: {
    title: 'This device cannot be enrolled.',
    hint: 'The first device enrols within a time after the key was issued; others need permission.',
  },
  too_many_requests: { title: 'Too many requests or failures.' },
  invalid_token: { title: 'The access token is not valid.' },
  insufficient_scope: {
    title: 'The access token does not have the scope.',
    hint: 'Start a session with the scope that WWW-Authenticate names; renewal cannot widen one.',
  },
  insufficient_user_authentication: {
    title: 'The person has to confirm again.',
    hint: 'Start a new session with a touch of the passkey, then repeat the call.',
  },
  commitment_mismatch: {
    title: 'The commitment is not that of the API key sent.',
    hint: 'Compute it from this very key, for this issuer.',
  },
  vault_conflict: {
    title: 'The vault was changed meanwhile.',
    hint: 'Open the vault again, repeat the change on what it holds now, and write that.',
  },
  vault_reset_pending: {
    title: 'The vault will be replaced, but not yet.',
    hint: 'Enrol again after the time in reset_at. Until then any device of the account can cancel it.',
  },
  busy: { title: 'The server is busy.' },
  store_unavailable: { title: 'The service is not available at the moment.' },
  server_error: { title: 'Something went wrong here.' },
};

/**
 * The error of a problem, in words of our own: those of an answer are whatever the server likes, and
 * would stand where people look for the words of a pairing.
 */
export function problemToError({ code, reset_at: resetAt }: Problem): PzkError {
  const { title, hint } = problemTexts[code];
  return new PzkError(code, title, {
    ...(hint === undefined ? {} : { hint }),
    ...(resetAt === undefined ? {} : { resetAt }),
  });
}
