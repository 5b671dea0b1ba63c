'use client';

import type {
  AcceptOptions,
  AdmitOptions,
  DeviceInfo,
  PzkError,
  VaultRemoval,
} from '@pzk-auth/client';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { type ActionResult, settle } from './action-result.js';
import { usePzkContext } from './pzk-context.js';
import { type Removal, settleRemoval } from './removal.js';
import { useCeremonies } from './use-ceremonies.js';
import { type InvitationView, useInvitation } from './use-invitation.js';
import { useSnapshot } from './use-snapshot.js';

/** The account's devices as the server tells them; who can open the vault is in `useVault`. */
export type DevicesState =
  | { readonly status: 'loading' }
  | { readonly status: 'ready'; readonly devices: readonly DeviceInfo[] }
  | { readonly status: 'failed'; readonly error: PzkError };

/** What can be done. The functions keep their identity; their promises do not reject. */
export interface DevicesActions {
  /** Reads the list again. */
  readonly refresh: () => Promise<void>;
  /**
   * Takes a device or the recovery code out of the vault, which has to be open: revokes the device at once,
   * with a touch, and gives a new recovery code. With its `confirm` the keys of the vault change and the
   * member is out.
   *
   * @param memberId - one of `members` of an open vault
   */
  readonly remove: (memberId: string) => Promise<ActionResult<Removal>>;
  /**
   * Ends the tokens of a device alone, with a touch; the next opening asks to take it out of the vault.
   */
  readonly revoke: (deviceId: string) => Promise<ActionResult>;
  /**
   * Invites another device; the vault has to be open. `invitation` shows what comes of it, as long as
   * the component is there. Only one at a time: the one before is cancelled.
   */
  readonly invite: () => Promise<void>;
  /**
   * Takes the device that `invitation` shows into the vault, with a touch. Only on the user's yes. Fails with
   * `invalid_request` where there is no invitation.
   *
   * @param options - What the user calls it, and as at `useVault().open`: the vault is opened anew.
   */
  readonly admit: (options?: AdmitOptions) => Promise<ActionResult>;
  /** Ends the invitation, or takes it away once it has ended. */
  readonly dismissInvitation: () => void;
  /**
   * In the browser that joins: makes a passkey and offers it to the inviting device. Gives until when it
   * can be taken in, seconds since the epoch; after that `start()` of `useSession` works. In a browser that
   * opens another vault it fails with `vault_switch_required`: ask, and on a yes call it with `switchVault`.
   */
  readonly join: (options: AcceptOptions) => Promise<ActionResult<number>>;
}

/** State and actions; switch on `status`. */
export type UseDevices = DevicesState & { readonly invitation: InvitationView } & DevicesActions;

const LOADING: DevicesState = Object.freeze({ status: 'loading' });

/**
 * The devices of the account. Reads the list while a session is active, and again after each change of
 * the vault.
 *
 * @throws TypeError outside of a `PzkProvider`
 */
export function useDevices(): UseDevices {
  const { handle, vaultCeremonies } = usePzkContext('useDevices');
  const session = useSnapshot(handle.session);
  const vault = useSnapshot(handle.vault);
  const run = useCeremonies(handle, vaultCeremonies);
  const invitations = useInvitation(handle, run);
  const [state, setState] = useState(LOADING);
  const isActive = session.status === 'active';
  const members = vault.status === 'open' ? vault.members : undefined;

  const read = useCallback(
    async (isWanted: () => boolean) => {
      const result = await settle(() => handle.client().vault.devices.list());
      if (!isWanted()) return;
      setState(result.status === 'done' ? { status: 'ready', devices: result.value } : result);
    },
    [handle],
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: another roster may mean other devices
  useEffect(() => {
    // Nothing of one account is shown to the next.
    if (!isActive) return setState(LOADING);
    let wanted = true;
    void read(() => wanted);
    return () => {
      wanted = false;
    };
  }, [isActive, members, read]);

  const actions = useMemo<DevicesActions>(() => {
    const isActiveNow = () => handle.session.get().status === 'active';
    const refresh = () => read(isActiveNow);
    return {
      refresh,
      remove: async (memberId) => {
        let removal: Promise<VaultRemoval> | undefined;
        const ceremony = (signal: AbortSignal) => {
          removal = handle.client().vault.current.removeDevice(memberId, { signal });
          return removal;
        };
        const failure = await run(undefined, ceremony);
        return failure ?? settleRemoval(vaultCeremonies, () => removal as Promise<VaultRemoval>);
      },
      revoke: async (deviceId) => {
        const ceremony = (signal: AbortSignal) =>
          handle.client().vault.devices.revoke(deviceId, { signal });
        const failure = await run(undefined, ceremony);
        await refresh();
        return failure ?? { status: 'done', value: undefined };
      },
      ...invitations.actions,
      join: async (options) => {
        let until = 0;
        const ceremony = async (signal: AbortSignal) => {
          until = await handle.client().vault.invitations.accept({ ...options, signal });
        };
        const failure = await run(options.signal, ceremony);
        return failure ?? { status: 'done', value: until };
      },
    };
  }, [handle, vaultCeremonies, read, run, invitations.actions]);

  const { invitation } = invitations;
  return useMemo(() => ({ ...state, invitation, ...actions }), [state, invitation, actions]);
}
