import { limits, parseMessage } from '@pzk-auth/protocol';
import type { BaseIssue, BaseSchema } from 'valibot';
import { readJson } from './read-body.js';

/**
 * Reads a JSON body by its schema.
 *
 * @param maximum - Bytes; default: what most endpoints of vaults and agents take.
 * @throws PzkError `unsupported_media_type`, `body_too_large`, `request_timeout`, `invalid_request`
 */
export async function readMessage<T>(
  request: Request,
  schema: BaseSchema<unknown, T, BaseIssue<unknown>>,
  maximum: number = limits.enrollBodyBytes,
): Promise<T> {
  return parseMessage(schema, await readJson(request, maximum));
}
