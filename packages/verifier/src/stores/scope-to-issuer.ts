import type { Stores } from './stores.js';

/**
 * Keeps the records of several issuers apart in one short-lived store. Nobody sees from outside whether two
 * issuers were given one Redis and one prefix, and what they then share is what an operator or a client of
 * one can do to the other: names of signing keys, budgets of addresses. Session rows name their issuer
 * already, and rows in durable stores belong to one by their table or their map.
 */
export function scopeToIssuer(stores: Stores, issuer: string): Stores {
  const { nonces, replays, revocations, budgets } = stores;
  const { knownSince } = revocations;
  // No URL holds a space, so no two issuers make one name.
  const scoped = (key: string) => `${issuer} ${key}`;
  return {
    ...stores,
    nonces: {
      epoch: () => nonces.epoch(),
      consume: (key, options) => nonces.consume(scoped(key), options),
    },
    replays: { record: (key, ttl) => replays.record(scoped(key), ttl) },
    revocations: {
      ...(knownSince === undefined ? {} : { knownSince }),
      revoke: (ids, ttl) => revocations.revoke(ids.map(scoped), ttl),
      isRevoked: (ids) => revocations.isRevoked(ids.map(scoped)),
    },
    budgets: {
      add: (key, ttl, amount) => budgets.add(scoped(key), ttl, amount),
      read: (key) => budgets.read(scoped(key)),
    },
  };
}
