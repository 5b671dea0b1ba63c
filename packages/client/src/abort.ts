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

/** What to say where a failure has no words of its own. */
export interface FailureText {
  readonly code: PzkErrorCode;
  readonly message: string;
  readonly hint?: string;
}

/** Gives any failure a code: `aborted` if the signal fired, its own if it has one, else `text`. */
export function toPzkError(cause: unknown, signal: AbortSignal, text: FailureText): PzkError {
  if (signal.aborted) return abortError(signal);
  if (isPzkError(cause)) return cause;
  const { code, message, hint } = text;
  return new PzkError(code, message, hint === undefined ? { cause } : { cause, hint });
}
