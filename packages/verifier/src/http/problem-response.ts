import {
  isPzkError,
  type Problem,
  type PzkErrorCode,
  problemTexts,
  problemType,
  type WireErrorCode,
  wireErrorCodes,
} from '@pzk-auth/protocol';
import { rateLimitHeaders } from '../limits/rate-limited-error.js';
import { ResetPendingError } from '../vault/reset-pending-error.js';

/** What a code means on the wire. */
interface WireForm {
  readonly status: number;
  /** Value of `error` for OAuth clients (RFC 6749 section 5.2, 6750, 9449, 9470). */
  readonly oauth?: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

/** The one table from code to status and headers; the text is the protocol's. */
const wireForms: Readonly<Record<WireErrorCode, WireForm>> = {
  invalid_request: { status: 400, oauth: 'invalid_request' },
  body_too_large: { status: 413, oauth: 'invalid_request' },
  unsupported_media_type: { status: 415, oauth: 'invalid_request' },
  request_timeout: { status: 408, oauth: 'invalid_request' },
  not_found: { status: 404, oauth: 'invalid_request' },
  method_not_allowed: { status: 405, oauth: 'invalid_request' },
  prf_results_sent: { status: 400, oauth: 'invalid_request' },
  invalid_scope: { status: 400, oauth: 'invalid_scope' },
  invalid_target: { status: 400, oauth: 'invalid_target' },
  unsupported_grant_type: { status: 400, oauth: 'unsupported_grant_type' },
  unsupported_circuit: { status: 400, oauth: 'invalid_request' },
  invalid_nonce: { status: 400, oauth: 'invalid_grant' },
  invalid_dpop_proof: { status: 400, oauth: 'invalid_dpop_proof' },
  use_dpop_nonce: { status: 400, oauth: 'use_dpop_nonce' },
  invalid_client: { status: 401, oauth: 'invalid_client' },
  invalid_grant: { status: 400, oauth: 'invalid_grant' },
  enrollment_refused: { status: 403, oauth: 'access_denied' },
  too_many_requests: { status: 429, oauth: 'temporarily_unavailable', retryAfter: 10 },
  invalid_token: { status: 401, oauth: 'invalid_token' },
  insufficient_scope: { status: 403, oauth: 'insufficient_scope' },
  insufficient_user_authentication: { status: 401, oauth: 'insufficient_user_authentication' },
  commitment_mismatch: { status: 422, oauth: 'invalid_request' },
  vault_conflict: { status: 412, oauth: 'invalid_request' },
  vault_reset_pending: { status: 409, oauth: 'invalid_request' },
  busy: { status: 503, oauth: 'temporarily_unavailable', retryAfter: 1 },
  store_unavailable: { status: 503, oauth: 'temporarily_unavailable', retryAfter: 2 },
  server_error: { status: 500, oauth: 'server_error' },
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
  const parts = [`error="${form.oauth}"`, `error_description="${problemTexts[code].title}"`];
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
  const hint = bare ? 'No Authorization header was sent.' : problemTexts[code].hint;
  const problem: Problem = {
    type: problemType(code),
    title: problemTexts[code].title,
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
