import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { PzkSession } from '@pzk-auth/verifier';
import { sessionOf } from './callers.js';
import type { HttpRequest } from './raw-request.js';

/** All fields, so that a typing error in plain JavaScript shows at start. */
const FIELDS: Readonly<Record<keyof PzkSession, true>> = {
  kind: true,
  account: true,
  key: true,
  device: true,
  scopes: true,
  audience: true,
  jkt: true,
  jti: true,
  expiresAt: true,
  authTime: true,
  amr: true,
  keyProtection: true,
};

const parameter = createParamDecorator(
  (field: keyof PzkSession | undefined, context: ExecutionContext): unknown => {
    const session = sessionOf(context.switchToHttp().getRequest<HttpRequest>());
    if (session === undefined) {
      const route = `${context.getClass().name}.${context.getHandler().name}`;
      throw new Error(
        `${route} has no session: @Session() needs a route behind PzkGuard, and @Caller() is for ` +
          'routes with allowApiKey.',
      );
    }
    return field === undefined ? session : session[field];
  },
);

/**
 * Who calls, as a parameter of a protected route: the `PzkSession`, or one field of it. Where there is
 * none, on a public route or for a plain API key, it fails with 500; `PzkService.session()` answers
 * undefined there.
 *
 * @throws TypeError for a field that a session does not have.
 */
export function Session(field?: keyof PzkSession): ParameterDecorator {
  if (field !== undefined && !Object.hasOwn(FIELDS, field)) {
    throw new TypeError('@Session(): a session has no such field.');
  }
  return field === undefined ? parameter() : parameter(field);
}
