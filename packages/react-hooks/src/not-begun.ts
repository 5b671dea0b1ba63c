import { PzkError } from '@pzk-auth/client';

/** Refuses to go on with what was not begun, or has been dismissed: it must not pass for a success. */
export function notBegun(message: string, hint: string): Promise<never> {
  return Promise.reject(new PzkError('invalid_request', message, { hint }));
}
