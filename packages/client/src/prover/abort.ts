import { isPzkError, PzkError } from '@pzk-auth/protocol';

/** The error of a stopped proof; a coded error that was given as the reason stays what it is. */
export function createAbortError(cause?: unknown): PzkError {
  if (isPzkError(cause)) return cause;
  return new PzkError('aborted', 'The proof was stopped.', cause === undefined ? {} : { cause });
}

/** Throws if the signal has been given. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw createAbortError(signal.reason);
}

/**
 * The result of a promise, or `aborted` as soon as the signal is given; what the promise does later
 * is then ignored.
 */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  throwIfAborted(signal);
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(createAbortError(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort);
  }
}
