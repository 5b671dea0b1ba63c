import type { Stores } from './stores.js';

/** Which issuer uses which store. Weak: a store that nobody holds any more leaves nothing behind. */
const owners = new WeakMap<object, string>();

/**
 * Claims stores for an issuer. Rows say nothing about their issuer, so two issuers on the same stores
 * would take each other's keys and devices for their own.
 *
 * @throws TypeError if another issuer of this process uses one of them, or one was made for another.
 * Several verifiers of one issuer may share theirs.
 */
export function claimStores(stores: Partial<Stores>, issuer: string): void {
  const members = Object.entries(stores).filter(([, store]) => typeof store === 'object' && store);
  for (const [name, store] of members) {
    const owner = owners.get(store);
    if (owner !== undefined && owner !== issuer) {
      throw new TypeError(
        `stores.${name} is in use by another issuer, ${owner}: each issuer needs stores of its ` +
          'own (a memoryStores() each, a prefix each in Redis, its name in sqlStores).',
      );
    }
  }
  for (const [, store] of members) owners.set(store, issuer);
}
