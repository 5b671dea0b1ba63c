import { randomBytes } from 'node:crypto';
import type {
  BudgetStore,
  NonceStore,
  ReplayStore,
  RevocationStore,
  SessionRow,
  SessionStore,
  ShortLivedStores,
} from '../short-lived-stores.js';
import { assertTimeToLive } from '../time-to-live.js';
import { ExpiringMap, type ExpiringMapOptions } from './expiring-map.js';
import { frozenCopy } from './frozen-copy.js';
import { assertSingleProcess, type SingleProcessOptions } from './single-process.js';

/** Options of {@link memoryShortLivedStores}. */
export interface MemoryShortLivedStoresOptions extends SingleProcessOptions {
  /**
   * How many records each store may hold. A store that is full of live records refuses the next one
   * with `store_unavailable`. Default 100,000 (about 20 MB for each full store).
   */
  readonly maxEntries?: number | undefined;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: (() => number) | undefined;
}

/** A clock that steps back further than this may bring nonces back to life. Milliseconds. */
const CLOCK_STEP_TOLERANCE = 60_000;

function nonceStore(options: ExpiringMapOptions): NonceStore {
  const consumed = new ExpiringMap<true>(options);
  let epoch = randomBytes(16).toString('base64url');
  let latest = options.clock();

  /**
   * Records are dropped by the clock. If it then steps back, a nonce whose record is gone would be
   * unexpired again: so what was issued before such a step is refused as a whole.
   */
  function currentEpoch(): string {
    const now = options.clock();
    if (now < latest - CLOCK_STEP_TOLERANCE) {
      epoch = randomBytes(16).toString('base64url');
      latest = now;
    }
    latest = Math.max(latest, now);
    return epoch;
  }

  return Object.freeze<NonceStore>({
    epoch: async () => currentEpoch(),
    // No await between look and write: one turn of the event loop is what makes it atomic.
    consume: async (key, { epoch: expected, ttl }) => {
      if (expected !== currentEpoch()) return 'stale';
      if (consumed.has(key)) return 'replayed';
      consumed.set(key, true, ttl);
      return 'consumed';
    },
  });
}

function replayStore(options: ExpiringMapOptions): ReplayStore {
  const seen = new ExpiringMap<true>(options);
  return Object.freeze<ReplayStore>({
    record: async (key, ttl) => {
      if (seen.has(key)) return false;
      seen.set(key, true, ttl);
      return true;
    },
  });
}

function revocationStore(options: ExpiringMapOptions): RevocationStore {
  const revoked = new ExpiringMap<true>(options);
  return Object.freeze<RevocationStore>({
    knownSince: options.clock(),
    revoke: async (ids, ttl) => {
      assertTimeToLive(ttl);
      revoked.reserve(ids);
      // A later revocation never shortens an earlier one.
      for (const id of ids) if (revoked.remaining(id) < ttl) revoked.set(id, true, ttl);
    },
    isRevoked: async (ids) => ids.some((id) => revoked.has(id)),
  });
}

function sessionStore(options: ExpiringMapOptions): SessionStore {
  const sessions = new ExpiringMap<SessionRow>(options);
  return Object.freeze<SessionStore>({
    get: async (id) => sessions.get(id),
    put: async (id, row, ttl) => sessions.set(id, frozenCopy(row), ttl),
    touch: async (id, ttl) => sessions.touch(id, ttl),
    delete: async (id) => sessions.delete(id),
  });
}

function budgetStore(options: ExpiringMapOptions): BudgetStore {
  const sums = new ExpiringMap<number>(options);
  return Object.freeze<BudgetStore>({
    add: async (key, ttl, amount = 1) => {
      if (amount < 0 && !sums.has(key)) return 0;
      const sum = Math.max(0, (sums.get(key) ?? 0) + amount);
      // Most attempts are given back: what counts nothing must not fill the store.
      if (sum === 0) sums.delete(key);
      else if (!sums.update(key, sum)) sums.set(key, sum, ttl);
      return sum;
    },
    read: async (key) => sums.get(key) ?? 0,
  });
}

/**
 * The short-lived stores in this process's memory, bounded, without timers. All of it is lost when
 * the process ends; the epoch is random, so that nonces from before are refused, and so are tokens from
 * before: one of them may have been revoked. Renewals fail once.
 *
 * @throws TypeError if an option is malformed, or in a worker of `node:cluster` or pm2
 */
export function memoryShortLivedStores(
  options: MemoryShortLivedStoresOptions = {},
): ShortLivedStores {
  assertSingleProcess(options);
  const { maxEntries = 100_000, clock = Date.now } = options;
  if (!Number.isSafeInteger(maxEntries) || maxEntries < 1) {
    throw new TypeError('maxEntries is a positive integer.');
  }
  const bounds = { maxEntries, clock };
  return Object.freeze<ShortLivedStores>({
    nonces: nonceStore(bounds),
    replays: replayStore(bounds),
    revocations: revocationStore(bounds),
    sessions: sessionStore(bounds),
    budgets: budgetStore(bounds),
  });
}
