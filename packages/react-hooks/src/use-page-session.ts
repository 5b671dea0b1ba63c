import { useEffect, useRef } from 'react';
import type { ClientHandle } from './client-handle.js';

/** Opens a page session for each session that begins, and tells when it was opened or ended. */
export function usePageSession(
  handle: ClientHandle,
  wanted: boolean,
  onChange: (() => void) | undefined,
): void {
  // The latest, without a new subscription for each.
  const listener = useRef(onChange);
  useEffect(() => {
    listener.current = onChange;
  });

  useEffect(() => {
    if (!wanted) return;
    const client = handle.client();
    let served = '';
    const serve = () => {
      const state = handle.session.get();
      if (state.status !== 'active') {
        served = '';
        return;
      }
      // A fresh touch makes another session, and the page session of the one before is gone.
      const mark = `${state.clientId} ${state.authTime}`;
      if (mark === served) return;
      served = mark;
      // Without it the page shows what it shows to everybody; the next renewal tries again.
      client.openPageSession().catch(() => {
        if (served === mark) served = '';
      });
    };
    const ends = [
      handle.session.subscribe(serve),
      client.pageSession.subscribe(() => listener.current?.()),
    ];
    serve();
    return () => {
      for (const end of ends) end();
    };
  }, [handle, wanted]);
}
