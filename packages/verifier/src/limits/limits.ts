import type { VerifierConfig } from '../config.js';
import { durations } from '../durations.js';
import type { Stores } from '../stores/stores.js';
import { addressGroup } from './address-group.js';
import { createLimiter, type Limiter } from './limiter.js';
import { RateLimitedError } from './rate-limited-error.js';

/** How many requests in how many seconds. */
export interface RateLimit {
  readonly requests: number;
  /** Seconds, at most 3600. */
  readonly seconds: number;
}

/** Rate limits of an issuer; `false` turns one off. */
export interface RateLimits {
  /** Requests to the endpoints from one address. Default 3000 in 60 s. */
  readonly address?: RateLimit | false;
  /** Enrolments, tokens and renewals of one API key. Default 600 in 60 s. */
  readonly key?: RateLimit | false;
  /** Protected calls with the tokens of one API key. Default `false`: each counts in the store. */
  readonly calls?: RateLimit | false;
}

/**
 * What one attempt has reserved of the failure budget of its address. It is counted first and given
 * back when the attempt did not fail, so that no number of parallel attempts gets past the budget.
 */
export interface Reservation {
  /** Whether the attempt failed in a way that counts. */
  settle(failed: boolean): Promise<void>;
}

/** Budgets and rate limits of an issuer. */
export interface Limits {
  /**
   * Reserves one failure of an address.
   *
   * @throws PzkError `too_many_requests`, `store_unavailable`
   */
  reserveAddress(address: string | undefined): Promise<Reservation>;
  /**
   * The same for what is mostly right and comes in crowds: nothing is reserved, a failure is counted when
   * it has happened. As many guesses as run at once may pass the end of the budget.
   */
  watchAddress(address: string | undefined): Promise<Reservation>;
  /**
   * The same as {@link watchAddress} for keys of agents that no manifest lists, with a budget of their own. It
   * holds up none that was listed when it was last looked up in this process: brokers of many users may share an
   * address with whoever makes keys up.
   */
  watchAgent(jkt: string, address: string | undefined): Promise<Reservation>;
  /** The same as {@link reserveAddress} for a device. */
  reserveDevice(device: string | undefined): Promise<Reservation>;
  /** @throws PzkError `too_many_requests` */
  countRequest(address: string | undefined): Promise<void>;
  /** @throws PzkError `too_many_requests` */
  countExchange(key: string): Promise<void>;
  /** @throws PzkError `too_many_requests` */
  countCall(key: string): Promise<void>;
}

/** As many listed keys of agents as are remembered, the ones used last. */
const LISTED_AGENTS = 10_000;

const NOTHING: Reservation = { settle: async () => {} };

/** What {@link createLimits} needs. */
export interface LimitsOptions {
  readonly config: VerifierConfig;
  readonly stores: Pick<Stores, 'budgets'>;
  readonly onFault: (error: unknown) => void;
}

/** Creates budgets and rate limits on the store of budgets. */
export function createLimits({ config, stores, onFault }: LimitsOptions): Limits {
  const { clock, rateLimits } = config;
  const limiter = (name: string, quota: number, window: number) =>
    createLimiter({ name, quota, window, store: stores.budgets, clock });
  const rate = (name: keyof RateLimits): Limiter | undefined => {
    const limit = rateLimits[name];
    return limit === false ? undefined : limiter(name, limit.requests, limit.seconds * 1000);
  };
  const budget = durations.failureBudget;
  const addressFailures = limiter('address-failures', config.addressFailureLimit, budget);
  const agentFailures = limiter('agent-failures', 10 * config.addressFailureLimit, budget);
  const deviceFailures = limiter('device-failures', config.deviceFailureLimit, budget);
  const limiters = { address: rate('address'), key: rate('key'), calls: rate('calls') };

  async function reserve(budgets: Limiter, subject: string | undefined): Promise<Reservation> {
    if (subject === undefined) return NOTHING;
    await budgets.take(subject);
    return {
      // A point that could not be given back costs one attempt, until the window ends.
      settle: (failed) => (failed ? Promise.resolve() : budgets.giveBack(subject).catch(onFault)),
    };
  }

  async function watch(budgets: Limiter, subject: string | undefined): Promise<Reservation> {
    if (subject === undefined) return NOTHING;
    await budgets.assertLeft(subject);
    return { settle: async (failed) => (failed ? budgets.take(subject) : undefined) };
  }

  const listed = new Set<string>();

  function remember(jkt: string): void {
    listed.delete(jkt);
    listed.add(jkt);
    const [oldest] = listed;
    if (listed.size > LISTED_AGENTS && oldest !== undefined) listed.delete(oldest);
  }

  async function watchAgent(jkt: string, address: string | undefined): Promise<Reservation> {
    const budget = listed.has(jkt) ? NOTHING : await watch(agentFailures, groupOf(address));
    return {
      async settle(failed) {
        if (!failed) return remember(jkt);
        listed.delete(jkt);
        await budget.settle(true);
      },
    };
  }

  /**
   * A rate limit guards the service's time, not its secrets: where the store cannot count, the request
   * goes on, and what needs a store for its safety fails there.
   */
  async function count(rates: Limiter | undefined, subject: string): Promise<void> {
    try {
      await rates?.take(subject);
    } catch (error) {
      if (error instanceof RateLimitedError) throw error;
      onFault(error);
    }
  }

  // A host without types may say null where it knows none.
  const groupOf = (address: string | undefined) =>
    typeof address === 'string' ? addressGroup(address) : undefined;

  return {
    reserveAddress: (address) => reserve(addressFailures, groupOf(address)),
    watchAddress: (address) => watch(addressFailures, groupOf(address)),
    watchAgent,
    reserveDevice: (device) => reserve(deviceFailures, device),
    async countRequest(address) {
      const group = groupOf(address);
      if (group !== undefined) await count(limiters.address, group);
    },
    countExchange: (key) => count(limiters.key, key),
    countCall: (key) => count(limiters.calls, key),
  };
}
