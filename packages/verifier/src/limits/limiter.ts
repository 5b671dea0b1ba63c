import { isPzkError } from '@pzk-auth/protocol';
import RateLimiterRes from 'rate-limiter-flexible/lib/RateLimiterRes.js';
import RateLimiterStoreAbstract from 'rate-limiter-flexible/lib/RateLimiterStoreAbstract.js';
import type { BudgetStore } from '../stores/short-lived-stores.js';
import { RateLimitedError } from './rate-limited-error.js';

/** Options of {@link createLimiter}. */
export interface LimiterOptions {
  /** Names the quota in headers and in the store. */
  readonly name: string;
  /** How many in one window. */
  readonly quota: number;
  /** Milliseconds. */
  readonly window: number;
  readonly store: BudgetStore;
  readonly clock: () => number;
}

/** Counts against a quota; counting is the check, so parallel calls cannot slip through between. */
export interface Limiter {
  /**
   * Takes one of the quota.
   *
   * @throws PzkError `too_many_requests` if nothing is left; then nothing was taken.
   */
  take(subject: string): Promise<void>;
  /** Gives one back. */
  giveBack(subject: string): Promise<void>;
  /**
   * Takes nothing.
   *
   * @throws PzkError `too_many_requests` if nothing is left.
   */
  assertLeft(subject: string): Promise<void>;
}

interface Sum {
  readonly sum: number;
  /** Milliseconds until the window ends. */
  readonly left: number;
}

/**
 * rate-limiter-flexible on our own store, so that it counts where everything else lives, with its
 * timeouts, and leaves no timer and no map of its own behind. Windows are aligned to the clock: all
 * instances agree on the end of one without asking.
 */
class BudgetLimiter extends RateLimiterStoreAbstract {
  readonly #options: LimiterOptions;

  constructor(options: LimiterOptions) {
    super({ points: options.quota, duration: options.window / 1000, keyPrefix: options.name });
    this.#options = options;
  }

  /** The key of the window that runs, and the milliseconds until it ends. */
  #windowOf(key: string) {
    const { window, clock } = this.#options;
    const now = clock();
    const index = Math.floor(now / window);
    return { name: `${key} ${index}`, left: (index + 1) * window - now };
  }

  protected async _upsert(key: string, points: number): Promise<Sum> {
    const { store, window } = this.#options;
    const { name, left } = this.#windowOf(key);
    return { sum: await store.add(name, window, points), left };
  }

  protected async _get(key: string): Promise<Sum> {
    const { name, left } = this.#windowOf(key);
    return { sum: await this.#options.store.read(name), left };
  }

  protected _getRateLimiterRes(_key: string, changed: number, { sum, left }: Sum) {
    const remaining = Math.max(0, this.#options.quota - sum);
    return new RateLimiterRes(remaining, left, sum, sum === changed);
  }
}

/** Creates the limiter of one quota. */
export function createLimiter(options: LimiterOptions): Limiter {
  const { name, quota, window } = options;
  const limiter = new BudgetLimiter(options);
  return {
    async take(subject) {
      try {
        await limiter.consume(subject);
      } catch (error) {
        if (isPzkError(error) || !(error instanceof RateLimiterRes)) throw error;
        // What was refused does not count, or a burst of honest calls would look like failures.
        await limiter.reward(subject);
        throw new RateLimitedError({ name, quota, window, left: error.msBeforeNext });
      }
    },
    async giveBack(subject) {
      await limiter.reward(subject);
    },
    async assertLeft(subject) {
      const { remainingPoints, msBeforeNext } = await limiter.get(subject);
      if (remainingPoints > 0) return;
      throw new RateLimitedError({ name, quota, window, left: msBeforeNext });
    },
  };
}
