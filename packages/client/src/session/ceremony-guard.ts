import { PzkError } from '@pzk-auth/protocol';
import { abortError } from '../abort.js';

/** Lets one ceremony run at a time: a browser shows one passkey sheet. */
export interface CeremonyGuard {
  /**
   * Runs a ceremony under a signal that fires with the caller's, at `cancel` and at `close`.
   *
   * @throws PzkError `ceremony_in_progress` while another one runs, `aborted`
   */
  run<T>(
    signal: AbortSignal | undefined,
    ceremony: (signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
  /** Aborts the ceremony that runs, and waits until it is gone. */
  cancel(): Promise<void>;
  /** Like `cancel`, and lets no other start. */
  close(): void;
}

export function createCeremonyGuard(): CeremonyGuard {
  let running:
    | { readonly controller: AbortController; readonly done: Promise<unknown> }
    | undefined;
  let closed = false;

  return {
    async run(signal, ceremony) {
      if (closed) throw new PzkError('aborted', 'The client is closed.');
      if (signal?.aborted) throw abortError(signal);
      if (running !== undefined) {
        throw new PzkError('ceremony_in_progress', 'Another enrolment or start is under way.', {
          hint: 'Wait for it or abort it.',
        });
      }
      const controller = new AbortController();
      const combined = signal ? AbortSignal.any([signal, controller.signal]) : controller.signal;
      const work = ceremony(combined);
      running = { controller, done: work.catch(() => undefined) };
      try {
        return await work;
      } finally {
        running = undefined;
      }
    },
    async cancel() {
      const current = running;
      current?.controller.abort();
      await current?.done;
    },
    close() {
      closed = true;
      running?.controller.abort();
    },
  };
}
