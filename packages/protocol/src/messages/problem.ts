import * as v from 'valibot';
import { ERROR_DOCS_URL, type WireErrorCode, wireErrorCodes } from '../errors.js';
import { seconds } from './wire-types.js';

/** Problem details (RFC 9457) with the stable `code`, and `error` where OAuth asks for it. */
export const problemSchema = v.object({
  type: v.string(),
  title: v.string(),
  status: v.pipe(v.number(), v.integer()),
  code: v.picklist(wireErrorCodes),
  /** RFC 6749 section 5.2, on OAuth endpoints. */
  error: v.optional(v.string()),
  hint: v.optional(v.string()),
  /** With `vault_reset_pending`: from when on the vault will be replaced, seconds since the epoch. */
  reset_at: v.optional(seconds),
});

export type Problem = v.InferOutput<typeof problemSchema>;

/** The `type` of a problem: the anchor of its code in docs/errors.md. */
export function problemType(code: WireErrorCode): string {
  return `${ERROR_DOCS_URL}#${code}`;
}
