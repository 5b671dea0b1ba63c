'use client';

import { isPzkError, type PzkError } from '@pzk-auth/client';
import { useCallback, useEffect, useRef } from 'react';
import type { Ceremonies } from './ceremonies.js';

/** How an action failed; in the form of the state that shows it. */
export interface ActionFailure {
  readonly status: 'failed';
  readonly error: PzkError;
}

/** Runs a ceremony. Resolves when it has ended; to its failure, if it failed. */
export type RunCeremony = (
  signal: AbortSignal | undefined,
  ceremony: (signal: AbortSignal) => Promise<unknown>,
) => Promise<ActionFailure | undefined>;

/**
 * Runs ceremonies for one component and aborts them when it unmounts.
 *
 * A failure resolves and does not reject: `onClick={() => session.start()}` would leave a rejection
 * unhandled. Errors without a code are mistakes of the program and are thrown.
 */
export function useCeremonies(ceremonies: Ceremonies): RunCeremony {
  const own = useRef(new Set<AbortController>());

  useEffect(() => {
    const started = own.current;
    return () => {
      for (const controller of [...started]) controller.abort();
    };
  }, []);

  return useCallback(
    async (callersSignal, ceremony) => {
      const controller = new AbortController();
      const { signal } = controller;
      own.current.add(controller);
      ceremonies.add(controller);
      try {
        await ceremony(callersSignal ? AbortSignal.any([callersSignal, signal]) : signal);
        return undefined;
      } catch (error) {
        if (!isPzkError(error)) throw error;
        return Object.freeze({ status: 'failed', error });
      } finally {
        own.current.delete(controller);
        ceremonies.delete(controller);
      }
    },
    [ceremonies],
  );
}
