import { PzkError, type PzkErrorCode } from '@pzk-auth/protocol';

/**
 * The error of a refusal. The reason goes to the events; the wire shows the code's standard text, so
 * that unknown, wrong, revoked and expired look alike.
 */
export function refusal(code: PzkErrorCode, reason: string, cause?: unknown): PzkError {
  return new PzkError(code, reason, cause === undefined ? {} : { cause });
}
