'use client';

import type {
  ConfirmCodeOptions,
  NewRecoveryCode,
  UseRecoveryOptions,
  VaultExport,
  VaultSlot,
} from '@pzk-auth/client';
import { useMemo, useRef } from 'react';
import { type ActionResult, settle } from './action-result.js';
import { notBegun } from './not-begun.js';
import { usePzkContext } from './pzk-context.js';
import { useCeremonies } from './use-ceremonies.js';
import { useSnapshot } from './use-snapshot.js';

/** What can be done. The functions keep their identity; their promises do not reject. */
export interface RecoveryActions {
  /**
   * Makes a recovery code of 14 groups of four characters, to be written down. It is stored nowhere and
   * opens nothing before `confirm`. Show it from a ref or a text node: React's state and props show in
   * developer tools.
   */
  readonly create: () => string;
  /**
   * The slots that `confirm` loses for good, where the keys change for it: show them before. Needs an open
   * vault. Those with `damaged: 'replaced'` take a yes: `leaveOut` of `confirm`.
   */
  readonly leavesOut: () => Promise<ActionResult<readonly VaultSlot[]>>;
  /**
   * Takes the code that `create` made last into the vault, after the user has typed it in again; a locked
   * one opens with a touch first. A code that was there before is taken out. Gives the slots that did not
   * open and are not in the vault any more, where its keys were changed for that. Where it fails and
   * `isUndecided(error)`, the code may be in all the same: have it confirmed again.
   */
  readonly confirm: (
    typed: string,
    options?: ConfirmCodeOptions,
  ) => Promise<ActionResult<readonly VaultSlot[]>>;
  /**
   * In a browser that has nothing but the code: opens the vault with it and enrols a fresh passkey. Call
   * `start()` of `useSession` afterwards; then have the user make a new code and look at the devices.
   */
  readonly recover: (options: UseRecoveryOptions) => Promise<ActionResult>;
  /**
   * The vault, which has to be open, as a document that the code opens offline. The user types the code in,
   * and the document is given only where it opens with it.
   */
  readonly exportVault: (code: string) => Promise<ActionResult<VaultExport>>;
}

/** State and actions. */
export type UseRecovery = {
  /** Whether the vault has a recovery code; `undefined` while it is locked. */
  readonly hasCode: boolean | undefined;
} & RecoveryActions;

const noCode = () =>
  notBegun('No recovery code was made.', 'Call create() first, and show what it gives.');

/**
 * The recovery code of the vault.
 *
 * @throws TypeError outside of a `PzkProvider`
 */
export function useRecovery(): UseRecovery {
  const { handle, vaultCeremonies } = usePzkContext('useRecovery');
  const vault = useSnapshot(handle.vault);
  const run = useCeremonies(handle, vaultCeremonies);
  const made = useRef<NewRecoveryCode>(undefined);

  const actions = useMemo<RecoveryActions>(
    () => ({
      create: () => {
        made.current = handle.client().vault.recovery.create();
        return made.current.code;
      },
      leavesOut: () => settle(() => made.current?.leavesOut() ?? noCode()),
      confirm: async (typed, options) => {
        const confirmed = made.current;
        let lost: readonly VaultSlot[] = [];
        const ceremony = async (signal: AbortSignal) => {
          lost = await (confirmed?.confirm(typed, { ...options, signal }) ?? noCode());
        };
        const failure = await run(options?.signal, ceremony);
        if (failure !== undefined) return failure;
        if (made.current === confirmed) made.current = undefined;
        return { status: 'done', value: lost };
      },
      recover: async (options) => {
        const ceremony = (signal: AbortSignal) =>
          handle.client().vault.recovery.use({ ...options, signal });
        return (await run(options.signal, ceremony)) ?? { status: 'done', value: undefined };
      },
      exportVault: (code) => settle(() => handle.client().vault.export({ code })),
    }),
    [handle, run],
  );

  const hasCode =
    vault.status === 'open' ? vault.members.some(({ kind }) => kind === 'recovery') : undefined;
  return useMemo(() => ({ hasCode, ...actions }), [hasCode, actions]);
}
