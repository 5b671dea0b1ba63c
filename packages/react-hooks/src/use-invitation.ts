import type { Invitation, JoiningDevice, PzkError, TouchOptions } from '@pzk-auth/client';
import { useEffect, useMemo, useRef, useState } from 'react';
import { type ActionResult, settle } from './action-result.js';
import type { ClientHandle } from './client-handle.js';
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

/** After these the next question may be answered. */
const PASSING: ReadonlySet<string> = new Set(['network_error', 'request_timeout', 'server_error']);

/** Makes an invitation, asks what came of it while the component is there, and takes the device in. */
export function useInvitation(handle: ClientHandle, run: RunCeremony) {
  const [invitation, setInvitation] = useState(NONE);
  const current = useRef<Invitation>(undefined);
  /** Counts what was begun, so that what comes late is known for it. */
  const turn = useRef(0);
  /** While a device is taken in, what becomes of the invitation tells the taking in. */
  const admitting = useRef(false);
  // Also after a device has joined: a second one in its place is an alarm.
  const isWaiting = invitation.status === 'open' || invitation.status === 'joined';

  useEffect(() => {
    const asked = current.current;
    if (!isWaiting || asked === undefined) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wanted = true;
    const ask = async () => {
      const result = await settle(() => asked.poll());
      if (!wanted || current.current !== asked) return;
      if (admitting.current) {
        timer = setTimeout(ask, POLL);
        return;
      }
      if (result.status === 'failed') {
        if (!PASSING.has(result.error.code)) return setInvitation(result);
      } else if (result.value.status === 'ended') {
        return setInvitation({ status: 'ended' });
      } else if (result.value.status === 'joined') {
        const { device } = result.value;
        setInvitation((before) =>
          before.status === 'joined'
            ? before
            : { status: 'joined', device, expiresAt: asked.expiresAt },
        );
      }
      timer = setTimeout(ask, POLL);
    };
    timer = setTimeout(ask, POLL);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [isWaiting]);

  const actions = useMemo(() => {
    const drop = () => {
      turn.current++;
      const dropped = current.current;
      current.current = undefined;
      // Best effort: it ends by itself in minutes.
      dropped?.cancel().catch(() => undefined);
    };
    return {
      async invite(): Promise<void> {
        drop();
        const own = turn.current;
        const result = await settle(() => handle.client().vault.invitations.create());
        if (own !== turn.current) {
          if (result.status === 'done') result.value.cancel().catch(() => undefined);
          return;
        }
        if (result.status === 'failed') return setInvitation(result);
        current.current = result.value;
        const { fragment, expiresAt } = result.value;
        setInvitation({ status: 'open', fragment, expiresAt });
      },
      async admit(options?: TouchOptions): Promise<ActionResult> {
        const admitted = current.current;
        admitting.current = true;
        const failure = await run(options?.signal, async (signal) =>
          admitted?.admit({ ...options, signal }),
        );
        admitting.current = false;
        if (failure !== undefined) return failure;
        current.current = undefined;
        setInvitation({ status: 'admitted' });
        return { status: 'done', value: undefined };
      },
      dismissInvitation(): void {
        drop();
        setInvitation(NONE);
      },
    };
  }, [handle, run]);

  return { invitation, actions };
}
