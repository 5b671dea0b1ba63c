'use client';

import type { EnrollOptions, EnrollState } from '@pzk-auth/client';
import { useMemo } from 'react';
import { usePzkContext } from './pzk-context.js';
import { useCeremonies } from './use-ceremonies.js';
import { useSnapshot } from './use-snapshot.js';

/** What can be done. The functions keep their identity. */
export interface EnrollActions {
  /**
   * Enrols this device: a passkey, the key encrypted under it, a proof. Call it from a user's
   * gesture. The session is then active. Resolves to the state in which it ended, or to
   * `{ status: 'failed', error }`, and does not reject. Take the key from an uncontrolled input and
   * empty it: React's state and props show in developer tools.
   */
  readonly enroll: (options: EnrollOptions) => Promise<EnrollState>;
  /** Aborts the enrolment that is running, whichever component started it. */
  readonly abort: () => void;
  /** Sets a finished or failed enrolment back to `idle`. */
  readonly reset: () => void;
}

/** State and actions; switch on `status`. */
export type UseEnroll = EnrollState & EnrollActions;

/**
 * Enrolment of this device, once for each API key.
 *
 * @throws TypeError outside of a `PzkProvider`
 */
export function useEnroll(): UseEnroll {
  const { handle, enrollmentCeremonies } = usePzkContext('useEnroll');
  const { get } = handle.enrollment;
  const state = useSnapshot(handle.enrollment);
  const run = useCeremonies(handle, enrollmentCeremonies);

  const actions = useMemo<EnrollActions>(
    () => ({
      enroll: async (options) => {
        const ceremony = (signal: AbortSignal) => handle.client().enroll({ ...options, signal });
        return (await run(options.signal, ceremony)) ?? get();
      },
      abort: () => enrollmentCeremonies.abort(),
      reset: () => handle.client().resetEnrollment(),
    }),
    [handle, enrollmentCeremonies, run, get],
  );

  return useMemo(() => ({ ...state, ...actions }), [state, actions]);
}
