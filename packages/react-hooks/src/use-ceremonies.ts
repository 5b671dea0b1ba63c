'use client';

import { isPzkError } from '@pzk-auth/client';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { ActionFailure } from './action-result.js';
import { type Ceremonies, createCeremonies } from './ceremonies.js';
import type { ClientHandle } from './client-handle.js';

/** Runs a ceremony. Resolves when it has ended; to its failure, if it failed. */
export type RunCeremony = (
  signal: AbortSignal | undefined,
  ceremony: (signal: AbortSignal) => Promise<unknown>,
) => Promise<ActionFailure | undefined>;

/**
 * Runs ceremonies for one component and aborts them when it unmounts; none begins after that. One that
 * is begun while a session is active outlives the component: should the session end before it, the
 * page takes down what it shows for an active one, while the user looks at the passkey sheet.
 *
 * A failure resolves and does not reject: `onClick={() => session.start()}` would leave a rejection
 * unhandled. Errors without a code are mistakes of the program and are thrown.
 */
export function useCeremonies({ session }: ClientHandle, ceremonies: Ceremonies): RunCeremony {
  const [own] = useState(createCeremonies);
  const mounted = useRef(false);
  const gone = useRef(false);

  useEffect(() => {
    mounted.current = true;
    gone.current = false;
    return () => {
      mounted.current = false;
      own.abort();
      // Not at once: when StrictMode repeats the effects, those of children come first and may call.
      queueMicrotask(() => {
        if (mounted.current) return;
        gone.current = true;
        own.abort();
      });
    };
  }, [own]);

  return useCallback(
    async (callersSignal, ceremony) => {
      const controller = new AbortController();
      const { signal } = controller;
      // Nobody is left to see or abort it: a handler that waited for something else comes too late.
      if (gone.current) controller.abort();
      if (session.get().status !== 'active') own.add(controller);
      ceremonies.add(controller);
      try {
        await ceremony(callersSignal ? AbortSignal.any([callersSignal, signal]) : signal);
        return undefined;
      } catch (error) {
        if (!isPzkError(error)) throw error;
        return Object.freeze({ status: 'failed', error });
      } finally {
        own.delete(controller);
        ceremonies.delete(controller);
      }
    },
    [session, ceremonies, own],
  );
}
