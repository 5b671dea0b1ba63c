import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import { throwError } from 'rxjs';
import { PzkException } from './pzk.exception.js';
import { answer, type HttpResponse, isAnswered, setHeader } from './raw-response.js';

/** The stacks of an error and of what caused it; not its other members, which may hold anything. */
function stacksOf(error: unknown): string {
  const stacks: string[] = [];
  for (let at = error; at instanceof Error && stacks.length < 8; at = at.cause) {
    stacks.push(at.stack ?? at.message);
  }
  return stacks.join('\ncaused by: ') || 'The call failed.';
}

/** Sends the answer of a refused call, in the bytes that every host of PZK-Auth sends. */
@Catch(PzkException)
export class PzkExceptionFilter implements ExceptionFilter<PzkException> {
  readonly #logger = new Logger('PzkModule');

  catch(exception: PzkException, host: ArgumentsHost): unknown {
    // Our own fault, for the operator: the client learns nothing of it.
    if (exception.code === 'server_error') this.#logger.error(stacksOf(exception.cause));
    const type = host.getType<string>();
    if (type === 'rpc') return throwError(() => exception);
    if (type !== 'http') return exception;
    const response = host.switchToHttp().getResponse<HttpResponse>();
    if (isAnswered(response)) return undefined;
    for (const [name, value] of Object.entries(exception.headers)) {
      setHeader(response, name, value);
    }
    answer(response, exception.getStatus(), exception.body);
    return undefined;
  }
}
