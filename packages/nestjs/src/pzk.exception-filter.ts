import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import { throwError } from 'rxjs';
import { PzkException } from './pzk.exception.js';
import { answer, type HttpResponse, isAnswered, setHeader } from './raw-response.js';

/** Sends the answer of a refused call, in the bytes that every host of PZK-Auth sends. */
@Catch(PzkException)
export class PzkExceptionFilter implements ExceptionFilter<PzkException> {
  readonly #logger = new Logger('PzkModule');

  catch(exception: PzkException, host: ArgumentsHost): unknown {
    const { cause } = exception;
    // Our own fault, for the operator: the client learns nothing of it.
    if (exception.code === 'server_error') {
      this.#logger.error(cause instanceof Error ? cause.stack : 'The call failed.');
    }
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
