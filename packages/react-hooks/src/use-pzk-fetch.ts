'use client';

import { useCallback } from 'react';
import { usePzkContext } from './pzk-context.js';

/**
 * A `fetch` that sends the session's token with a DPoP proof, renews it when it is about to end, and
 * repeats a call once where the server asks for it. It keeps its identity. It rejects with a
 * `PzkError`: with `insufficient_user_authentication` where the server wants a fresh touch; then call
 * `start()` of `useSession` from a gesture and repeat the call.
 *
 * @throws TypeError outside of a `PzkProvider`
 */
export function usePzkFetch(): typeof fetch {
  const { handle } = usePzkContext('usePzkFetch');
  return useCallback<typeof fetch>((input, init) => handle.client().fetch(input, init), [handle]);
}
