'use client';

import {
  type LostVault,
  type ProviderHint,
  type PzkError,
  type RotationStep,
  rotationSteps,
} from '@pzk-auth/client';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { type ActionResult, settle, settleVoid } from './action-result.js';
import { usePzkContext } from './pzk-context.js';
import { useSnapshot } from './use-snapshot.js';

/** Whether a vault of the account was lost with a reset, and where its keys are to be rotated. */
export type LostVaultState =
  | { readonly status: 'loading' }
  /** Nothing was lost, or it is settled. */
  | { readonly status: 'none' }
  | {
      readonly status: 'lost';
      /** When the vault was replaced, seconds since the epoch. */
      readonly at: number;
      /** In order: services that agents have called first. */
      readonly steps: readonly RotationStep[];
    }
  | { readonly status: 'failed'; readonly error: PzkError };

/** What can be done; the promise does not reject. */
export interface LostVaultActions {
  /** Says that the user has rotated all that was lost. */
  readonly settle: () => Promise<ActionResult>;
}

/** State and actions; switch on `status`. */
export type UseLostVault = LostVaultState & LostVaultActions;

/** Options of {@link useLostVault}. */
export interface UseLostVaultOptions {
  /** Services that the application knows; keep its identity. Default: `providerHints`. */
  readonly providers?: readonly ProviderHint[];
}

type Found =
  | { readonly status: 'loading' | 'none' }
  | { readonly status: 'lost'; readonly vault: LostVault }
  | { readonly status: 'failed'; readonly error: PzkError };

const LOADING: Found = Object.freeze({ status: 'loading' });
const NONE: Found = Object.freeze({ status: 'none' });

/**
 * Leads a user whose vault was replaced through rotating the keys that were in it: whoever has the lost
 * devices may have them. Asks once for each session.
 *
 * @example
 * ```tsx
 * const lost = useLostVault();
 * if (lost.status !== 'lost') return null;
 * return <ul>{lost.steps.map(({ provider, host, replaced }) => (
 *   <li key={host ?? provider.id}>{provider.name} {replaced ? 'done' : <a href={provider.rotateUrl}>rotate</a>}</li>
 * ))}</ul>;
 * ```
 *
 * @throws TypeError outside of a `PzkProvider`
 */
export function useLostVault({ providers }: UseLostVaultOptions = {}): UseLostVault {
  const { handle } = usePzkContext('useLostVault');
  const session = useSnapshot(handle.session);
  const vault = useSnapshot(handle.vault);
  const [found, setFound] = useState(LOADING);
  const isActive = session.status === 'active';

  useEffect(() => {
    // Nothing of one account is shown to the next.
    if (!isActive) return setFound(LOADING);
    let wanted = true;
    void settle(() => handle.client().vault.reset.lost()).then((result) => {
      if (!wanted) return;
      if (result.status === 'failed') {
        // A device without a vault has lost none.
        return setFound(result.error.code === 'not_found' ? NONE : result);
      }
      setFound(result.value === undefined ? NONE : { status: 'lost', vault: result.value });
    });
    return () => {
      wanted = false;
    };
  }, [handle, isActive]);

  const settleLost = useCallback(async () => {
    const result = await settleVoid(() => handle.client().vault.reset.settle());
    if (result.status === 'done') setFound(NONE);
    return result;
  }, [handle]);

  const slots = vault.status === 'open' ? vault.slots : undefined;
  return useMemo((): UseLostVault => {
    const actions = { settle: settleLost };
    if (found.status !== 'lost') return { ...found, ...actions } as UseLostVault;
    const { at, hosts } = found.vault;
    const known = providers === undefined ? {} : { providers };
    const steps = rotationSteps({ hosts, slots: slots ?? [], ...known });
    return { status: 'lost', at, steps, ...actions };
  }, [found, slots, providers, settleLost]);
}
