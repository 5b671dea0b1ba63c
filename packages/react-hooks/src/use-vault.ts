'use client';

import type { NewSecret, OpenOptions, VaultState } from '@pzk-auth/client';
import { useMemo } from 'react';
import { type ActionFailure, type ActionResult, settle, settleVoid } from './action-result.js';
import { usePzkContext } from './pzk-context.js';
import { type Removal, settleRemoval } from './removal.js';
import { useCeremonies } from './use-ceremonies.js';
import { useSnapshot } from './use-snapshot.js';

/**
 * What can be done with the vault. The functions keep their identity. Their promises resolve, to
 * `{ status: 'failed', error }` where something failed, and do not reject. All but `open` need an open
 * vault and fail with `vault_locked` otherwise; what changes the vault needs a session.
 */
export interface VaultActions {
  /**
   * Opens the vault with a touch; call it from a user's gesture. It stays open in memory for
   * `keepFor` seconds. An open one is opened anew, which shows what other devices have changed.
   */
  readonly open: (options?: OpenOptions) => Promise<VaultState | ActionFailure>;
  /** Aborts the opening that runs, whichever component started it. */
  readonly abort: () => void;
  /** Forgets the opened vault. */
  readonly lock: () => void;
  /**
   * The value of a slot. Show it from a ref or a text node and overwrite the bytes: React's state and
   * props show in developer tools.
   */
  readonly readSecret: (slotId: string) => Promise<ActionResult<Uint8Array<ArrayBuffer>>>;
  /** Adds a secret of another service and gives its slot id. */
  readonly addSecret: (secret: NewSecret) => Promise<ActionResult<string>>;
  /** Another value, after the secret was rotated at its provider. */
  readonly updateSecret: (
    slotId: string,
    change: Pick<NewSecret, 'value' | 'anyForm'>,
  ) => Promise<ActionResult>;
  /** Puts the API key of this issuer into its slot, also where that is damaged or was left out. */
  readonly storeApiKey: (apiKey: NewSecret['value']) => Promise<ActionResult>;
  /** Another name or provider. */
  readonly renameSecret: (
    slotId: string,
    change: Partial<Pick<NewSecret, 'name' | 'provider'>>,
  ) => Promise<ActionResult>;
  readonly deleteSecret: (slotId: string) => Promise<ActionResult>;
  /** Gives one of `members` a name, which only those read who open the vault; an empty one takes it away. */
  readonly nameDevice: (memberId: string, name: string) => Promise<ActionResult>;
  /**
   * Moves this device to the next PRF generation with one touch; call it from a user's gesture. Two, where the
   * opening gave nothing of that generation.
   */
  readonly rotateGeneration: (options?: { readonly signal?: AbortSignal }) => Promise<ActionResult>;
  /**
   * Gives a new recovery code; with its `confirm` the keys of the vault change, and every member is taken
   * out whose device is revoked.
   */
  readonly rotateVault: () => Promise<ActionResult<Removal>>;
  /**
   * Says that the user has compared `vaultWords` with a device that knows the vault: see `basis`, which
   * is `memory` from then on.
   */
  readonly confirmCompared: () => Promise<ActionResult>;
  /**
   * Says that the user has looked at `changes`, or at `members` and `agents` where they are `unknown`: they
   * are shown by every page and after every reload until then.
   */
  readonly confirmChanges: () => Promise<ActionResult>;
  /** Cancels a reset that waits: see `resetAt`. */
  readonly cancelReset: () => Promise<ActionResult>;
}

/** State and actions; switch on `status`. */
export type UseVault = VaultState & VaultActions;

/**
 * The vault of the account on this device.
 *
 * @example
 * ```tsx
 * const vault = useVault();
 * if (vault.status !== 'open') return <button onClick={() => vault.open()}>Open the vault</button>;
 * return <ul>{vault.slots.map(({ id, name }) => <li key={id}>{name}</li>)}</ul>;
 * ```
 *
 * @throws TypeError outside of a `PzkProvider`
 */
export function useVault(): UseVault {
  const { handle, vaultCeremonies } = usePzkContext('useVault');
  const { get } = handle.vault;
  const state = useSnapshot(handle.vault);
  const run = useCeremonies(handle, vaultCeremonies);

  const actions = useMemo<VaultActions>(() => {
    const vault = () => handle.client().vault;
    return {
      open: async (options) => {
        const ceremony = (signal: AbortSignal) => vault().open({ ...options, signal });
        return (await run(options?.signal, ceremony)) ?? get();
      },
      abort: () => vaultCeremonies.abort(),
      lock: () => vault().lock(),
      readSecret: (slotId) => settle(() => vault().current.readSecret(slotId)),
      addSecret: (secret) => settle(() => vault().current.addSecret(secret)),
      updateSecret: (slotId, change) =>
        settleVoid(() => vault().current.updateSecret(slotId, change)),
      storeApiKey: (apiKey) => settleVoid(() => vault().current.storeApiKey(apiKey)),
      renameSecret: (slotId, change) =>
        settleVoid(() => vault().current.renameSecret(slotId, change)),
      deleteSecret: (slotId) => settleVoid(() => vault().current.deleteSecret(slotId)),
      nameDevice: (memberId, name) => settleVoid(() => vault().current.nameDevice(memberId, name)),
      rotateGeneration: async (options) => {
        const ceremony = (signal: AbortSignal) => vault().current.rotateGeneration({ signal });
        return (await run(options?.signal, ceremony)) ?? { status: 'done', value: undefined };
      },
      rotateVault: () => settleRemoval(vaultCeremonies, () => vault().current.rotateVault()),
      confirmCompared: () => settleVoid(() => vault().current.confirmCompared()),
      confirmChanges: () => settleVoid(() => vault().current.confirmChanges()),
      cancelReset: () => settleVoid(() => vault().reset.cancel()),
    };
  }, [handle, vaultCeremonies, run, get]);

  return useMemo(() => ({ ...state, ...actions }), [state, actions]);
}
