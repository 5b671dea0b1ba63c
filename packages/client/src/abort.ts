import { isPzkError, PzkError, type PzkErrorCode } from '@pzk-auth/protocol';

/** The error of an aborted operation; the signal's reason is its cause. */
export function abortError(signal: AbortSignal): PzkError {
  if (isPzkError(signal.reason)) return signal.reason;
  return new PzkError('aborted', 'The operation was aborted.', { cause: signal.reason });
}

/** @throws PzkError `aborted` */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortError(signal);
}

/** Gives any failure a code: `aborted` if the signal fired, its own if it has one, else `code`. */
export function toPzkError(cause: unknown, signal: AbortSignal, code: PzkErrorCode): PzkError {
  if (signal.aborted) return abortError(signal);
  if (isPzkError(cause)) return cause;
  return new PzkError(code, 'The operation failed.', { cause });
}
