import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { callerOf } from './callers.js';
import type { HttpRequest } from './raw-request.js';

const parameter = createParamDecorator((_data: undefined, context: ExecutionContext): unknown => {
  const caller = callerOf(context.switchToHttp().getRequest<HttpRequest>());
  if (caller === undefined) {
    const route = `${context.getClass().name}.${context.getHandler().name}`;
    throw new Error(`${route} has no caller: @Caller() needs a route behind PzkGuard.`);
  }
  return caller;
});

/**
 * Who calls a route with `allowApiKey`: a `PzkCaller`, whose `kind` tells a session from a plain API key.
 */
export function Caller(): ParameterDecorator {
  return parameter();
}
