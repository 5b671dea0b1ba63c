import { markAccess } from './access.js';

/**
 * Lets everybody call the routes of a controller, or one route, where `PzkGuard` guards all. On a
 * method it goes before what its class says.
 */
export function Public(): ClassDecorator & MethodDecorator {
  return markAccess({ kind: 'public' });
}
