import type {
  AdmitOptions,
  Invitation,
  InvitationState,
  JoiningDevice,
  PzkError,
} from '@pzk-auth/client';
import { useCallback, useMemo, useRef, useState } from 'react';
import type { ActionResult } from './action-result.js';
import type { ClientHandle } from './client-handle.js';
import { notBegun } from './not-begun.js';
import { useBegun } from './use-begun.js';
import type { RunCeremony } from './use-ceremonies.js';

/** Where the invitation of this component stands; switch on `status`. */
export type InvitationView =
  | { readonly status: 'none' }
  /** Waits for a device. Show `fragment` as the fragment of a link, and as a QR code. */
  | { readonly status: 'open'; readonly fragment: string; readonly expiresAt: number }
  /** Show the device to the user, and on a yes `admit()`. */
  | { readonly status: 'joined'; readonly device: JoiningDevice; readonly expiresAt: number }
  | { readonly status: 'admitted' }
  /** It has run out, or was cancelled. */
  | { readonly status: 'ended' }
  | { readonly status: 'failed'; readonly error: PzkError };

const NONE: InvitationView = Object.freeze({ status: 'none' });

/** Between two questions whether a device has joined. Milliseconds. */
const POLL = 2000;

const noInvitation = () =>
  notBegun('There is no invitation.', 'Call invite() first, and wait for a device to join.');

/** Makes an invitation, asks what came of it while the component is there, and takes the device in. */
export function useInvitation(handle: ClientHandle, run: RunCeremony) {
  const [invitation, setInvitation] = useState(NONE);
  /** While a device is taken in, what becomes of the invitation tells the taking in. */
  const admitting = useRef(false);
  // Also after a device has joined: a second one in its place is an alarm.
  const isWaiting = invitation.status === 'open' || invitation.status === 'joined';

  const onAnswer = useCallback((result: ActionResult<InvitationState>, asked: Invitation) => {
    if (admitting.current) return true;
    if (result.status === 'failed') {
      setInvitation(result);
      return false;
    }
    if (result.value.status === 'ended') {
      setInvitation({ status: 'ended' });
      return false;
    }
    if (result.value.status === 'joined') {
      const { device } = result.value;
      setInvitation((before) =>
        before.status === 'joined'
          ? before
          : { status: 'joined', device, expiresAt: asked.expiresAt },
      );
    }
    return true;
  }, []);
  const begun = useBegun({ interval: POLL, isWaiting, onAnswer });

  const actions = useMemo(() => {
    return {
      async invite(): Promise<void> {
        const result = await begun.begin(() => handle.client().vault.invitations.create());
        if (result === undefined) return;
        if (result.status === 'failed') return setInvitation(result);
        const { fragment, expiresAt } = result.value;
        setInvitation({ status: 'open', fragment, expiresAt });
      },
      async admit(options?: AdmitOptions): Promise<ActionResult> {
        const admitted = begun.current.current;
        admitting.current = true;
        const failure = await run(
          options?.signal,
          async (signal) => admitted?.admit({ ...options, signal }) ?? noInvitation(),
        );
        admitting.current = false;
        if (failure !== undefined) return failure;
        begun.current.current = undefined;
        setInvitation({ status: 'admitted' });
        return { status: 'done', value: undefined };
      },
      dismissInvitation(): void {
        begun.drop();
        setInvitation(NONE);
      },
    };
  }, [handle, run, begun]);

  return { invitation, actions };
}
