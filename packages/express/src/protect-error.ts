import { isPzkError, PzkError } from '@pzk-auth/protocol';
import type { ProblemParts } from '@pzk-auth/verifier';

/**
 * What `protect()` hands to `next()`: the failure with its answer. `status` and `headers` are what
 * Express's own error handler and most applications look at.
 */
export class ProtectError extends PzkError {
  /** HTTP status. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Problem details as JSON text. */
  readonly body: string;

  constructor(cause: unknown, problem: ProblemParts) {
    // The message is what Express's own error page shows, so it is read where `errors()` is missing.
    super(
      isPzkError(cause) ? cause.code : 'server_error',
      'The call was refused. Mount app.use(pzk.errors()) last to answer with problem details.',
      { cause },
    );
    this.status = problem.status;
    this.headers = problem.headers;
    this.body = problem.body;
  }
}
