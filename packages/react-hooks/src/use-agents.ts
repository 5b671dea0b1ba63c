'use client';

import type { AgentPairing, PzkError, TouchOptions } from '@pzk-auth/client';
import { useEffect, useMemo, useRef, useState } from 'react';
import { type ActionResult, settle, settleVoid } from './action-result.js';
import { usePzkContext } from './pzk-context.js';
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
   * Writes the agent into the vault, with a touch. Only when the user has compared the words.
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

/** After these the next step may be answered. */
const PASSING: ReadonlySet<string> = new Set(['network_error', 'request_timeout', 'server_error']);

/**
 * Pairs agents with the vault and takes them out.
 *
 * @throws TypeError outside of a `PzkProvider`
 */
export function useAgents(): UseAgents {
  const { handle, vaultCeremonies } = usePzkContext('useAgents');
  const run = useCeremonies(handle, vaultCeremonies);
  const [pairing, setPairing] = useState(NONE);
  const current = useRef<AgentPairing>(undefined);
  /** Counts what was begun, so that what comes late is known for it. */
  const turn = useRef(0);
  const isWaiting = pairing.status === 'waiting';

  useEffect(() => {
    const asked = current.current;
    if (!isWaiting || asked === undefined) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wanted = true;
    const ask = async () => {
      const result = await settle(() => asked.poll());
      if (!wanted || current.current !== asked) return;
      if (result.status === 'failed') {
        if (!PASSING.has(result.error.code)) return setPairing(result);
      } else if (result.value.status !== 'waiting') {
        return setPairing(result.value);
      }
      timer = setTimeout(ask, POLL);
    };
    timer = setTimeout(ask, POLL);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [isWaiting]);

  const actions = useMemo<AgentsActions>(() => {
    const drop = () => {
      turn.current++;
      const dropped = current.current;
      current.current = undefined;
      // Best effort: it ends by itself in minutes.
      dropped?.cancel().catch(() => undefined);
    };
    return {
      pair: async () => {
        drop();
        const own = turn.current;
        const result = await settle(() => handle.client().vault.agents.pair());
        if (own !== turn.current) {
          if (result.status === 'done') result.value.cancel().catch(() => undefined);
          return;
        }
        if (result.status === 'failed') return setPairing(result);
        current.current = result.value;
        const { code, expiresAt } = result.value;
        setPairing({ status: 'waiting', code, expiresAt });
      },
      confirmPairing: async (name, options) => {
        const compared = current.current;
        let agent = '';
        const failure = await run(options?.signal, async (signal) => {
          const named = { ...options, signal, ...(name === undefined ? {} : { name }) };
          agent = (await compared?.confirm(named)) ?? '';
        });
        if (failure !== undefined) return failure;
        current.current = undefined;
        setPairing({ status: 'paired', agent });
        return { status: 'done', value: agent };
      },
      dismissPairing: () => {
        drop();
        setPairing(NONE);
      },
      removeAgent: (agentId) =>
        settleVoid(() => handle.client().vault.current.removeAgent(agentId)),
    };
  }, [handle, run]);

  return useMemo(() => ({ pairing, ...actions }), [pairing, actions]);
}
