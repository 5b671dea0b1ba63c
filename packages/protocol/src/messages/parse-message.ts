import * as v from 'valibot';
import { PzkError } from '../errors.js';

/**
 * Parses an unknown value by a schema: the one door from untyped to typed. The cause names the
 * kind of the first fault and never the value.
 *
 * @throws PzkError `invalid_request`
 */
export function parseMessage<T>(
  schema: v.BaseSchema<unknown, T, v.BaseIssue<unknown>>,
  value: unknown,
): T {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  throw new PzkError('invalid_request', 'The message is malformed.', {
    cause: new TypeError(`schema: ${result.issues[0].type}`),
  });
}
