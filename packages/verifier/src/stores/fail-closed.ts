import { isPzkError, PzkError } from '@pzk-auth/protocol';
import type { Stores } from './stores.js';

const STORE_TIMEOUTS = {
  nonces: 500,
  replays: 500,
  revocations: 500,
  sessions: 500,
  budgets: 500,
  accounts: 2000,
  keys: 2000,
  devices: 2000,
  vaults: 2000,
  invitations: 2000,
  pairings: 2000,
  agents: 2000,
  releases: 2000,
  resets: 2000,
  signingKeys: 2000,
  audit: 2000,
} as const satisfies Record<keyof Stores, number>;

/** The stores that a verifier needs, by name. */
export const storeNames = Object.keys(STORE_TIMEOUTS) as readonly (keyof Stores)[];

function bounded<T>(work: () => Promise<T>, timeout: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      clearTimeout(timer);
      reject(
        isPzkError(cause) ? cause : new PzkError('store_unavailable', 'A store failed.', { cause }),
      );
    };
    const timer = setTimeout(() => fail(new Error('The store took too long.')), timeout);
    work().then((value) => {
      clearTimeout(timer);
      resolve(value);
    }, fail);
  });
}

type AsyncMethod = (...args: unknown[]) => Promise<unknown>;

function wrap<T extends object>(store: T, timeout: number): T {
  // On an empty target: the members of a frozen store could not be answered differently.
  return new Proxy({} as T, {
    get(_, property) {
      const value: unknown = Reflect.get(store, property);
      if (typeof value !== 'function') return value;
      const method = value as AsyncMethod;
      return (...args: unknown[]) => bounded(async () => method.apply(store, args), timeout);
    },
  });
}

/**
 * Puts a time limit around every call to a store and turns each failure into `store_unavailable`: an
 * answer that is not known is never taken for a yes.
 */
export function failClosed(stores: Stores): Stores {
  return {
    nonces: wrap(stores.nonces, STORE_TIMEOUTS.nonces),
    replays: wrap(stores.replays, STORE_TIMEOUTS.replays),
    revocations: wrap(stores.revocations, STORE_TIMEOUTS.revocations),
    sessions: wrap(stores.sessions, STORE_TIMEOUTS.sessions),
    budgets: wrap(stores.budgets, STORE_TIMEOUTS.budgets),
    accounts: wrap(stores.accounts, STORE_TIMEOUTS.accounts),
    keys: wrap(stores.keys, STORE_TIMEOUTS.keys),
    devices: wrap(stores.devices, STORE_TIMEOUTS.devices),
    vaults: wrap(stores.vaults, STORE_TIMEOUTS.vaults),
    invitations: wrap(stores.invitations, STORE_TIMEOUTS.invitations),
    pairings: wrap(stores.pairings, STORE_TIMEOUTS.pairings),
    agents: wrap(stores.agents, STORE_TIMEOUTS.agents),
    releases: wrap(stores.releases, STORE_TIMEOUTS.releases),
    resets: wrap(stores.resets, STORE_TIMEOUTS.resets),
    signingKeys: wrap(stores.signingKeys, STORE_TIMEOUTS.signingKeys),
    audit: wrap(stores.audit, STORE_TIMEOUTS.audit),
  };
}
