import { useSyncExternalStore } from 'react';

/** The pages of the application. */
export const ROUTES = ['tasks', 'approvals', 'vault', 'devices', 'agents', 'activity'] as const;

/** A page, by the fragment of its address: `#/vault`. */
export type Route = (typeof ROUTES)[number];

let current: Route = 'tasks';

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}

/** Other fragments, as that of the link to the content, leave the page as it is. */
function readRoute(): Route {
  const { hash } = location;
  if (hash === '' || hash.startsWith('#/')) {
    current = ROUTES.find((route) => hash === `#/${route}`) ?? 'tasks';
  }
  return current;
}

/** The page that the address names; the first one if it names none. */
export function useRoute(): Route {
  return useSyncExternalStore(subscribe, readRoute);
}
