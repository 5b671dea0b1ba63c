'use client';

import type { Approval, PzkError, TouchOptions } from '@pzk-auth/client';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { type ActionResult, settle, settleVoid } from './action-result.js';
import { usePzkContext } from './pzk-context.js';
import { useCeremonies } from './use-ceremonies.js';
import { usePolling } from './use-polling.js';
import { useSnapshot } from './use-snapshot.js';

/** What waits for the user; switch on `status`. */
export type ApprovalsState =
  | { readonly status: 'loading' }
  /** The vault is locked: only how many wait is known, and only from the server. */
  | { readonly status: 'locked'; readonly waiting: number }
  | {
      readonly status: 'ready';
      readonly waiting: number;
      /**
       * Oldest first, each read from the bytes that its agent has signed. A request stays as it was
       * shown first, whatever the server says of it later, until an approval is refused for a change of
       * its slot or agent.
       */
      readonly requests: readonly Approval[];
      /** How many more there were that are refused: not signed by an agent of the vault, for instance. */
      readonly refused: number;
    }
  | { readonly status: 'failed'; readonly error: PzkError };

/** What can be done. The functions keep their identity; their promises do not reject. */
export interface ApprovalsActions {
  /** Asks now what waits. */
  readonly refresh: () => Promise<void>;
  /**
   * Approves a request, with a touch: seals the secret to it, and to nothing else. Call it from a
   * user's gesture. Where slot or agent have changed since the request was shown it fails with
   * `vault_conflict`, and `requests` shows it as it is now; with `vault_compare_required` while `basis` of
   * `useVault` is `pin`.
   *
   * @param options - As at `useVault().open`, for a vault that has been locked meanwhile.
   */
  readonly approve: (approval: Approval, options?: TouchOptions) => Promise<ActionResult>;
  /** @param reason - For the agent, at most 200 characters. */
  readonly reject: (approval: Approval, reason?: string) => Promise<ActionResult>;
}

/** State and actions. */
export type UseApprovals = ApprovalsState & ApprovalsActions;

/** Options of {@link useApprovals}. */
export interface UseApprovalsOptions {
  /** Milliseconds between two questions what waits. Default 3000. */
  readonly interval?: number;
}

const LOADING: ApprovalsState = Object.freeze({ status: 'loading' });

/** What was shown under an id stays what a click on it approves. */
function keepShown(before: ApprovalsState, now: readonly Approval[]): readonly Approval[] {
  const shown = before.status === 'ready' ? before.requests : [];
  return now.map((one) => shown.find(({ id }) => id === one.id) ?? one);
}

/** Without a request, so that it is shown as it is now. */
function forget(state: ApprovalsState, { id }: Approval): ApprovalsState {
  if (state.status !== 'ready') return state;
  return { ...state, requests: state.requests.filter((one) => one.id !== id) };
}

/**
 * Requests of agents that wait for the user. Asks while a session is active and the page shows.
 *
 * @throws TypeError outside of a `PzkProvider`
 */
export function useApprovals({ interval = 3000 }: UseApprovalsOptions = {}): UseApprovals {
  const { handle, vaultCeremonies } = usePzkContext('useApprovals');
  const session = useSnapshot(handle.session);
  const vault = useSnapshot(handle.vault);
  const run = useCeremonies(handle, vaultCeremonies);
  const [state, setState] = useState(LOADING);
  const isActive = session.status === 'active';
  const isOpen = vault.status === 'open';

  const read = useCallback(
    async (isWanted: () => boolean) => {
      const { approvals, status } = handle.client().vault;
      const result = isOpen ? await settle(() => approvals.list()) : await settle(() => status());
      if (!isWanted()) return;
      if (result.status === 'failed') return setState(result);
      const { requests } = result.value;
      if (typeof requests === 'number') return setState({ status: 'locked', waiting: requests });
      const refused = 'refused' in result.value ? result.value.refused : 0;
      const waiting = requests.length;
      setState((before) => ({
        status: 'ready',
        waiting,
        requests: keepShown(before, requests),
        refused,
      }));
    },
    [handle, isOpen],
  );
  const refresh = usePolling(read, isActive, interval);
  useEffect(() => {
    // Nothing of one account is shown to the next, and nothing of a vault that has been locked.
    if (!isActive || !isOpen) setState(LOADING);
  }, [isActive, isOpen]);

  const actions = useMemo<ApprovalsActions>(() => {
    const approvals = () => handle.client().vault.approvals;
    return {
      refresh,
      approve: async (approval, options) => {
        const failure = await run(options?.signal, (signal) =>
          approvals().approve(approval, { ...options, signal }),
        );
        // Slot or agent have changed since it was shown: the user has to see it anew.
        if (failure?.error.code === 'vault_conflict')
          setState((before) => forget(before, approval));
        await refresh();
        return failure ?? { status: 'done', value: undefined };
      },
      reject: async (approval, reason) => {
        const result = await settleVoid(() => approvals().reject(approval, reason));
        await refresh();
        return result;
      },
    };
  }, [handle, run, refresh]);

  return useMemo(() => ({ ...state, ...actions }), [state, actions]);
}
