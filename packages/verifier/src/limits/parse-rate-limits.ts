import { assertOptionNames } from '../option-names.js';
import type { RateLimit, RateLimits } from './limits.js';

const DEFAULTS: Required<RateLimits> = {
  address: { requests: 3000, seconds: 60 },
  key: { requests: 600, seconds: 60 },
  calls: false,
};
const OFF: Required<RateLimits> = { address: false, key: false, calls: false };

function isWhole(value: number, maximum: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= maximum;
}

/**
 * The rate limits with their defaults.
 *
 * @throws TypeError
 */
export function parseRateLimits(limits: RateLimits | false | undefined): Required<RateLimits> {
  if (limits === false) return OFF;
  const names = Object.keys(DEFAULTS) as (keyof RateLimits)[];
  assertOptionNames('rateLimits', limits ?? {}, names);
  const resolved = { ...DEFAULTS, ...limits };
  for (const name of names) {
    const limit: RateLimit | false = resolved[name];
    if (limit === false) continue;
    assertOptionNames(`rateLimits.${name}`, limit, ['requests', 'seconds']);
    if (!isWhole(limit.requests, 1_000_000) || !isWhole(limit.seconds, 3600)) {
      throw new TypeError(
        `rateLimits.${name} is false or { requests, seconds }: whole numbers, seconds at most 3600.`,
      );
    }
  }
  return Object.freeze(resolved);
}
