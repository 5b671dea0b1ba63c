import type { ExchangeContext } from '../exchange/exchange-context.js';
import { problemError } from '../transport/problem.js';
import { createSnapshotStore, type Observable } from './snapshot-store.js';

/** Whether this client has opened a page session that it has not ended. */
export type PageSessionState = { readonly status: 'closed' } | { readonly status: 'open' };

/** Opens and ends the page session: the cookie by which the server renders pages for this user. */
export interface PageSessionControl {
  readonly state: Observable<PageSessionState>;
  /** @throws PzkError as for protected calls; `not_found` where the issuer has no page sessions */
  open(): Promise<void>;
  /** Ends it beside a sign-out, which ends it on the server in any case. */
  endWith(signOut: Promise<void>): Promise<void>;
}

/** @param protectedFetch - With the token and a DPoP proof. */
export function createPageSession(
  { config }: ExchangeContext,
  protectedFetch: typeof fetch,
): PageSessionControl {
  const store = createSnapshotStore<PageSessionState>({ status: 'closed' });
  let opening: Promise<void> | undefined;
  // Counts ends, so that an answer that arrives after one does not show a session that is over.
  let epoch = 0;
  // The cookie is of the issuer's origin: it is set and sent only where the page has the same.
  const init: RequestInit = { method: 'POST', cache: 'no-store', credentials: 'same-origin' };

  async function openOnce(): Promise<void> {
    const started = epoch;
    const response = await protectedFetch(`${config.baseUrl}/page-session`, init);
    if (!response.ok) throw await problemError(response);
    if (started === epoch) store.set({ status: 'open' });
  }

  async function end(): Promise<void> {
    const response = await config.fetch(`${config.baseUrl}/page-session/end`, init);
    if (!response.ok) throw await problemError(response);
  }

  return {
    state: { subscribe: store.subscribe, getSnapshot: store.getSnapshot },
    open() {
      opening ??= openOnce().finally(() => {
        opening = undefined;
      });
      return opening;
    },
    async endWith(signOut) {
      epoch++;
      if (store.getSnapshot().status === 'closed') return signOut;
      const ends = await Promise.allSettled([signOut, end()]);
      // One of the two is enough: what the cookie stands for is over.
      if (ends.some(({ status }) => status === 'fulfilled')) store.set({ status: 'closed' });
      return signOut;
    },
  };
}
