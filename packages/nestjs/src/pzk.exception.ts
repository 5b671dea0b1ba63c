import { HttpException } from '@nestjs/common';
import { isPzkError, type PzkErrorCode } from '@pzk-auth/protocol';
import type { ProblemParts } from '@pzk-auth/verifier';

/**
 * A refused call with its answer. The module's own filter sends it; a filter of the application that
 * catches it instead finds the status in `getStatus()` and the problem details in `getResponse()`, and
 * the headers are set already.
 */
export class PzkException extends HttpException {
  readonly code: PzkErrorCode;
  readonly headers: Readonly<Record<string, string>>;
  /** Problem details as JSON text. */
  readonly body: string;

  constructor(cause: unknown, problem: ProblemParts) {
    super(JSON.parse(problem.body), problem.status, { cause });
    this.message = 'The call was refused.';
    this.code = isPzkError(cause) ? cause.code : 'server_error';
    this.headers = problem.headers;
    this.body = problem.body;
  }
}
