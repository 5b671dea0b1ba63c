'use client';

import type { SessionState, StartOptions } from '@pzk-auth/client';
import { useMemo } from 'react';
import type { ActionFailure } from './action-result.js';
import { usePzkContext } from './pzk-context.js';
import { useCeremonies } from './use-ceremonies.js';
import { useSnapshot } from './use-snapshot.js';

/**
 * What can be done with the session. The functions keep their identity. Their promises resolve to
 * the state in which they ended, or to `{ status: 'failed', error }`, and do not reject.
 */
export interface SessionActions {
  /**
   * Starts a session: passkey, vault, proof, token. Call it from a user's gesture. While a session is
   * active it brings a token with a fresh touch: the state stays `active` and shows the steps as
   * `stepUp`, the start outlives the component that called it, and if it fails, only the promise tells.
   */
  readonly start: (options?: StartOptions) => Promise<SessionState>;
  /** Takes up the session of before a reload, without a touch; `signed-out` if there is none. */
  readonly resume: () => Promise<SessionState>;
  /** Gets the next token now, without a touch. Calls of `usePzkFetch` do so by themselves. */
  readonly renew: () => Promise<SessionState>;
  /** Ends the session here and at the server. */
  readonly signOut: () => Promise<SessionState>;
  /** Aborts the start that is running, whichever component started it. */
  readonly abort: () => void;
  /** Loads the prover ahead of the first proof, e.g. when the pointer nears the button. */
  readonly warmUp: () => void;
}

/** State and actions; switch on `status`. */
export type UseSession = SessionState & SessionActions;

/**
 * The session of the provider above.
 *
 * @example
 * ```tsx
 * const session = useSession();
 * if (session.status === 'active') return <p>Until {new Date(session.expiresAt * 1000).toString()}</p>;
 * if (session.status === 'failed') return <p role="alert">{session.error.hint}</p>;
 * return <button onClick={() => session.start()}>Sign in</button>;
 * ```
 *
 * @throws TypeError outside of a `PzkProvider`
 */
export function useSession(): UseSession {
  const { handle, sessionCeremonies } = usePzkContext('useSession');
  const { get } = handle.session;
  const state = useSnapshot(handle.session);
  const run = useCeremonies(handle, sessionCeremonies);

  const actions = useMemo<SessionActions>(() => {
    const settle = async (work: Promise<ActionFailure | undefined>) => (await work) ?? get();
    return {
      start: (options) =>
        settle(run(options?.signal, (signal) => handle.client().start({ ...options, signal }))),
      resume: () => settle(run(undefined, () => handle.client().resume())),
      renew: () => settle(run(undefined, () => handle.client().renew())),
      signOut: () =>
        settle(
          run(undefined, async () => {
            // The server has to learn of it, also where the page drops the provider at once.
            const release = handle.retain();
            try {
              await handle.client().signOut();
            } finally {
              release();
            }
          }),
        ),
      abort: () => sessionCeremonies.abort(),
      warmUp: () => {
        handle
          .client()
          .warmUp()
          .catch(() => undefined);
      },
    };
  }, [handle, sessionCeremonies, run, get]);

  return useMemo(() => ({ ...state, ...actions }), [state, actions]);
}
