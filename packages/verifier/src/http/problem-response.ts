import {
  isPzkError,
  type Problem,
  type PzkErrorCode,
  problemType,
  type WireErrorCode,
  wireErrorCodes,
} from '@pzk-auth/protocol';
import { rateLimitHeaders } from '../limits/rate-limited-error.js';
import { ResetPendingError } from '../vault/reset-pending-error.js';

/** What a code means on the wire. */
interface WireForm {
  readonly status: number;
  readonly title: string;
  /** Value of `error` for OAuth clients (RFC 6749 section 5.2, 6750, 9449, 9470). */
  readonly oauth?: string;
  readonly hint?: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

/** The one table from code to status, text and headers. The text never depends on the request. */
const wireForms: Readonly<Record<WireErrorCode, WireForm>> = {
  invalid_request: { status: 400, title: 'The request is malformed.', oauth: 'invalid_request' },
  body_too_large: { status: 413, title: 'The body is too large.', oauth: 'invalid_request' },
  unsupported_media_type: {
    status: 415,
    title: 'The content type or encoding is not supported.',
    oauth: 'invalid_request',
    hint: 'Form-encoded for /token, /revoke and /introspect; JSON for all others.',
  },
  request_timeout: { status: 408, title: 'The body took too long.', oauth: 'invalid_request' },
  not_found: { status: 404, title: 'There is nothing here.', oauth: 'invalid_request' },
  method_not_allowed: {
    status: 405,
    title: 'The method is not supported here.',
    oauth: 'invalid_request',
  },
  prf_results_sent: {
    status: 400,
    title: 'The request carries PRF results, which are secret.',
    oauth: 'invalid_request',
    hint: 'Serialise credentials by allow-list; never send clientExtensionResults.prf.results.',
  },
  invalid_scope: {
    status: 400,
    title: 'The scope is unknown, malformed or not granted to this key.',
    oauth: 'invalid_scope',
    hint: 'Ask for scopes that createVerifier lists and that the key was issued with.',
  },
  invalid_target: {
    status: 400,
    title: 'The resource is not served by this issuer.',
    oauth: 'invalid_target',
  },
  unsupported_grant_type: {
    status: 400,
    title: 'The grant type is not supported.',
    oauth: 'unsupported_grant_type',
  },
  unsupported_circuit: {
    status: 400,
    title: 'The circuit is not accepted by this issuer.',
    oauth: 'invalid_request',
  },
  invalid_nonce: {
    status: 400,
    title: 'The nonce is not valid for this exchange.',
    oauth: 'invalid_grant',
    hint: 'Ask for a new challenge. A nonce serves one exchange and expires after minutes.',
  },
  invalid_dpop_proof: {
    status: 400,
    title: 'The DPoP proof is not valid.',
    oauth: 'invalid_dpop_proof',
    hint: 'Check htm, htu, iat and ath of RFC 9449, and that the clock follows the challenge.',
  },
  use_dpop_nonce: {
    status: 400,
    title: 'The DPoP proof needs the nonce of this server.',
    oauth: 'use_dpop_nonce',
  },
  invalid_client: {
    status: 401,
    title: 'The client is not known here.',
    oauth: 'invalid_client',
  },
  invalid_grant: {
    status: 400,
    title: 'The credentials are not valid.',
    oauth: 'invalid_grant',
    hint: 'Start a new session. If that fails too, the operator finds the reason in the refused event.',
  },
  enrollment_refused: {
    status: 403,
    title: 'This device cannot be enrolled.',
    oauth: 'access_denied',
    hint: 'The first device enrols within a time after the key was issued; others need permission.',
  },
  too_many_requests: {
    status: 429,
    title: 'Too many requests or failures.',
    oauth: 'temporarily_unavailable',
    retryAfter: 10,
  },
  invalid_token: { status: 401, title: 'The access token is not valid.', oauth: 'invalid_token' },
  insufficient_scope: {
    status: 403,
    title: 'The access token does not have the scope.',
    oauth: 'insufficient_scope',
    hint: 'Start a session with the scope that WWW-Authenticate names; renewal cannot widen one.',
  },
  insufficient_user_authentication: {
    status: 401,
    title: 'The person has to confirm again.',
    oauth: 'insufficient_user_authentication',
    hint: 'Start a new session with a touch of the passkey, then repeat the call.',
  },
  commitment_mismatch: {
    status: 422,
    title: 'The commitment is not that of the API key sent.',
    oauth: 'invalid_request',
    hint: 'Compute it from this very key, for this issuer.',
  },
  vault_conflict: {
    status: 412,
    title: 'The vault was changed meanwhile.',
    oauth: 'invalid_request',
    hint: 'Open the vault again, repeat the change on what it holds now, and write that.',
  },
  vault_reset_pending: {
    status: 409,
    title: 'The vault will be replaced, but not yet.',
    oauth: 'invalid_request',
    hint: 'Enrol again after the time in reset_at. Until then any device of the account can cancel it.',
  },
  busy: {
    status: 503,
    title: 'The server is busy.',
    oauth: 'temporarily_unavailable',
    retryAfter: 1,
  },
  store_unavailable: {
    status: 503,
    title: 'The service is not available at the moment.',
    oauth: 'temporarily_unavailable',
    retryAfter: 2,
  },
  server_error: { status: 500, title: 'Something went wrong here.', oauth: 'server_error' },
};

const known: ReadonlySet<string> = new Set(wireErrorCodes);

/** A start that failed, and may be tried again: for whoever calls, the service is not there. */
const NOT_STARTED: ReadonlySet<PzkErrorCode> = new Set(['not_ready', 'verification_key_rejected']);

/** The code that goes on the wire: what is not meant for it becomes `server_error`. */
export function wireCode(error: unknown): WireErrorCode {
  const code: PzkErrorCode | undefined = isPzkError(error) ? error.code : undefined;
  if (code !== undefined && NOT_STARTED.has(code)) return 'store_unavailable';
  return code !== undefined && known.has(code) ? (code as WireErrorCode) : 'server_error';
}

/** Where an error shows: OAuth endpoints carry `error`, protected resources a challenge. */
export type ProblemPlace = 'endpoint' | 'oauth' | 'introspection' | 'resource';

/** What a challenge says besides its error (RFC 6750 section 3, RFC 9470 section 3). */
export interface ProblemDetails {
  readonly scope?: string;
  readonly maxAge?: number;
  /** The request held no credentials at all: the challenge then names no error. */
  readonly anonymous?: boolean;
  readonly allow?: string;
  /** Address of the resource's metadata (RFC 9728 section 5.1). */
  readonly resourceMetadata?: string | undefined;
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

const ALGS = 'algs="ES256 EdDSA"';

function authenticateHeader(
  place: ProblemPlace,
  code: WireErrorCode,
  form: WireForm,
  details: ProblemDetails,
): string | undefined {
  if (place === 'endpoint' || form.status >= 500 || form.oauth === undefined) return undefined;
  // RFC 6749 section 5.2: the scheme that the client has to use.
  if (code === 'invalid_client') return 'Basic realm="introspection", charset="UTF-8"';
  // It takes no DPoP proof, so it must not ask for one.
  if (place === 'introspection') return undefined;
  const resource =
    details.resourceMetadata === undefined
      ? ''
      : `, resource_metadata="${details.resourceMetadata}"`;
  // RFC 6750 section 3.1: without any credentials no error code should be told.
  if (details.anonymous === true) return `DPoP ${ALGS}${resource}`;
  const parts = [`error="${form.oauth}"`, `error_description="${form.title}"`];
  if (details.scope !== undefined) parts.push(`scope="${details.scope}"`);
  if (code === 'insufficient_user_authentication' && details.maxAge !== undefined) {
    parts.push(`max_age="${details.maxAge}"`);
  }
  return `DPoP ${[...parts, ALGS].join(', ')}${resource}`;
}

/** An error in the form in which any host can send it. */
export interface ProblemParts {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** RFC 9449 section 7.1: on a protected resource these are a 401. Other 400s stay (RFC 6750 section 3.1). */
const DPOP_CODES: ReadonlySet<WireErrorCode> = new Set(['invalid_dpop_proof', 'use_dpop_nonce']);

/** Turns an error into problem details (RFC 9457). No message, cause or stack of it goes out. */
export function toProblem(
  error: unknown,
  place: ProblemPlace,
  details: ProblemDetails = {},
): ProblemParts {
  const code = wireCode(error);
  const form = wireForms[code];
  const status = place === 'resource' && DPOP_CODES.has(code) ? 401 : form.status;
  // A header that is not there is no secret; what one held is never judged aloud.
  const bare = details.anonymous === true && code === 'invalid_token';
  const hint = bare ? 'No Authorization header was sent.' : form.hint;
  const problem: Problem = {
    type: problemType(code),
    title: form.title,
    status,
    code,
    ...(place === 'endpoint' || form.oauth === undefined ? {} : { error: form.oauth }),
    ...(hint === undefined ? {} : { hint }),
    ...(error instanceof ResetPendingError ? { reset_at: error.resetAt } : {}),
  };
  const challenge = authenticateHeader(place, code, form, details);
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...(challenge === undefined ? {} : { 'www-authenticate': challenge }),
      ...(form.retryAfter === undefined ? {} : { 'retry-after': String(form.retryAfter) }),
      ...rateLimitHeaders(error),
      ...(error instanceof ResetPendingError ? { 'retry-after': String(error.left) } : {}),
      ...(details.allow === undefined ? {} : { allow: details.allow }),
      ...details.headers,
    },
    body: JSON.stringify(problem),
  };
}

/** The same as a Web `Response`. */
export function problemResponse(
  error: unknown,
  place: ProblemPlace,
  details?: ProblemDetails,
): Response {
  const { status, headers, body } = toProblem(error, place, details);
  return new Response(body, { status, headers });
}
