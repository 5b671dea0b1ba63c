import { applyDecorators, UseGuards } from '@nestjs/common';
import type { ProtectOptions } from '@pzk-auth/verifier';
import { markAccess } from './access.js';
import { PzkGuard } from './pzk.guard.js';

/**
 * Protects the routes of a controller, or one route, by {@link PzkGuard}; with the guard as `APP_GUARD`
 * too, a call is still verified once. On a method it overrides its class, and on a class the one that it
 * extends, option by option. As with all decorators of Nest, a method that is overridden loses its own:
 * repeat `@Protect()` on the new one. Unknown options, options that are undefined and scopes that the
 * verifier does not know stop the start of the application with a TypeError.
 *
 * @throws TypeError where `demands` is no object.
 *
 * @example
 * ```ts
 * @Protect({ scope: 'weather:read' })
 * @Controller('weather')
 * class WeatherController {
 *   @Protect({ maxAge: 300 }) // and the scope above
 *   @Delete(':id')
 *   remove() {}
 * }
 * ```
 */
export function Protect(demands: ProtectOptions = {}): ClassDecorator & MethodDecorator {
  if (typeof demands !== 'object' || demands === null || Array.isArray(demands)) {
    throw new TypeError('@Protect() takes an object, such as { scope: "weather:read" }.');
  }
  const access = { kind: 'protected', demands: Object.freeze({ ...demands }) } as const;
  return applyDecorators(markAccess(access), UseGuards(PzkGuard));
}
