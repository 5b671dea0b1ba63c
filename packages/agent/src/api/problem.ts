import type { ServerResponse } from 'node:http';
import { isPzkError, PzkError, type PzkErrorCode } from '@pzk-auth/protocol';

/** Marks an answer of the broker itself; what a host answers never has it. */
export const ERROR_HEADER = 'pzk-error';

const STATUSES: Partial<Record<PzkErrorCode, number>> = {
  invalid_request: 400,
  body_too_large: 413,
  not_found: 404,
  method_not_allowed: 405,
  too_many_requests: 429,
  host_refused: 403,
  release_rejected: 403,
  release_invalid: 403,
  vault_identity_changed: 403,
  release_ended: 410,
  network_error: 502,
  unexpected_response: 502,
};

/** The error of anything thrown; what is not ours says nothing of itself. */
export function toPzkError(error: unknown): PzkError {
  if (isPzkError(error)) return error;
  return new PzkError('server_error', 'The broker failed.', { cause: error });
}

/** Answers with an error as JSON: code, title, hint. The cause stays here. */
export function sendProblem(response: ServerResponse, error: unknown): void {
  const { code, message, hint } = toPzkError(error);
  const status = STATUSES[code] ?? 500;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = JSON.stringify({ code, title: message, status, hint });
  response.writeHead(status, {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(body),
    [ERROR_HEADER]: code,
  });
  response.end(body);
  // What is left of the body is read and dropped: whoever sends it would else miss the answer.
  response.req.unpipe();
  response.req.resume();
}
