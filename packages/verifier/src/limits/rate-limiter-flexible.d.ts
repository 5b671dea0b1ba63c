/**
 * What we use of rate-limiter-flexible. Its index does not export the base class of its stores, and would
 * load the code of thirty of them.
 */
declare module 'rate-limiter-flexible/lib/RateLimiterRes.js' {
  class RateLimiterRes {
    constructor(remaining: number, msBeforeNext: number, consumed: number, isFirst: boolean);
    readonly msBeforeNext: number;
    readonly remainingPoints: number;
  }
  export = RateLimiterRes;
}

declare module 'rate-limiter-flexible/lib/RateLimiterStoreAbstract.js' {
  import type RateLimiterRes from 'rate-limiter-flexible/lib/RateLimiterRes.js';

  abstract class RateLimiterStoreAbstract {
    constructor(options: {
      readonly points: number;
      readonly duration: number;
      readonly keyPrefix: string;
    });
    consume(key: string, points?: number): Promise<RateLimiterRes>;
    /** Our `_get` always answers. */
    get(key: string): Promise<RateLimiterRes>;
    reward(key: string, points?: number): Promise<RateLimiterRes>;
  }
  export = RateLimiterStoreAbstract;
}
