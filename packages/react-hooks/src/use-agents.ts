'use client';

import type { AgentPairing, PairingState, PzkError, TouchOptions } from '@pzk-auth/client';
import { useCallback, useMemo, useState } from 'react';
import { type ActionResult, settleVoid } from './action-result.js';
import { notBegun } from './not-begun.js';
import { usePzkContext } from './pzk-context.js';
import { useBegun } from './use-begun.js';
import { useCeremonies } from './use-ceremonies.js';

/** Where the pairing of this component stands; switch on `status`. */
export type PairingView =
  | { readonly status: 'none' }
  /** Waits for the broker: the user types the code in there. */
  | { readonly status: 'waiting'; readonly code: string; readonly expiresAt: number }
  /** Show the words: only if the broker shows the same, `confirmPairing()`. The name is the broker's. */
  | { readonly status: 'compare'; readonly name: string; readonly words: readonly string[] }
  | { readonly status: 'paired'; readonly agent: string }
  /** It has run out, or was ended at the other side. */
  | { readonly status: 'ended' }
  | { readonly status: 'failed'; readonly error: PzkError };

/** What can be done. The functions keep their identity; their promises do not reject. */
export interface AgentsActions {
  /**
   * Starts a pairing with an agent's broker; the vault has to be open. `pairing` shows what comes of
   * it, as long as the component is there.
   */
  readonly pair: () => Promise<void>;
  /**
   * Writes the agent into the vault, with a touch. Only when the user has compared the words. Fails with
   * `invalid_request` where there is no pairing.
   *
   * @param name - What the user calls it, 1 to 64 characters. Default: the name it gave itself.
   * @param options - As at `useVault().open`: the vault is opened anew.
   */
  readonly confirmPairing: (name?: string, options?: TouchOptions) => Promise<ActionResult<string>>;
  /** Ends the pairing, or takes it away once it has ended. */
  readonly dismissPairing: () => void;
  /** Takes an agent out of the vault: it can ask for nothing more. */
  readonly removeAgent: (agentId: string) => Promise<ActionResult>;
}

/** State and actions. Which agents there are is in `useVault`. */
export type UseAgents = { readonly pairing: PairingView } & AgentsActions;

const NONE: PairingView = Object.freeze({ status: 'none' });

/** Between two steps of a pairing. Milliseconds. */
const POLL = 1000;

const noPairing = () =>
  notBegun('There is no pairing.', 'Call pair() first, and have the user compare the words.');

/**
 * Pairs agents with the vault and takes them out.
 *
 * @throws TypeError outside of a `PzkProvider`
 */
export function useAgents(): UseAgents {
  const { handle, vaultCeremonies } = usePzkContext('useAgents');
  const run = useCeremonies(handle, vaultCeremonies);
  const [pairing, setPairing] = useState(NONE);
  const isWaiting = pairing.status === 'waiting';

  const onAnswer = useCallback((result: ActionResult<PairingState>) => {
    const answer = result.status === 'failed' ? result : result.value;
    if (answer.status === 'waiting') return true;
    setPairing(answer);
    return false;
  }, []);
  const begun = useBegun<PairingState, AgentPairing>({ interval: POLL, isWaiting, onAnswer });

  const actions = useMemo<AgentsActions>(() => {
    return {
      pair: async () => {
        const result = await begun.begin(() => handle.client().vault.agents.pair());
        if (result === undefined) return;
        if (result.status === 'failed') return setPairing(result);
        const { code, expiresAt } = result.value;
        setPairing({ status: 'waiting', code, expiresAt });
      },
      confirmPairing: async (name, options) => {
        const compared = begun.current.current;
        let agent = '';
        const failure = await run(options?.signal, async (signal) => {
          const named = { ...options, signal, ...(name === undefined ? {} : { name }) };
          agent = await (compared?.confirm(named) ?? noPairing());
        });
        if (failure !== undefined) return failure;
        begun.current.current = undefined;
        setPairing({ status: 'paired', agent });
        return { status: 'done', value: agent };
      },
      dismissPairing: () => {
        begun.drop();
        setPairing(NONE);
      },
      removeAgent: (agentId) =>
        settleVoid(() => handle.client().vault.current.removeAgent(agentId)),
    };
  }, [handle, run, begun]);

  return useMemo(() => ({ pairing, ...actions }), [pairing, actions]);
}
