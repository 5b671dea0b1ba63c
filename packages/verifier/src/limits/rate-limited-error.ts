import { PzkError } from '@pzk-auth/protocol';

/** A quota that is used up. */
export interface UsedQuota {
  readonly name: string;
  readonly quota: number;
  /** Milliseconds. */
  readonly window: number;
  /** Milliseconds until the window ends. */
  readonly left: number;
}

/** `too_many_requests` with what the answer says of it. */
export class RateLimitedError extends PzkError {
  readonly used: UsedQuota;

  constructor(used: UsedQuota) {
    super('too_many_requests', `The quota ${used.name} is used up.`);
    this.used = used;
  }
}

/**
 * `Retry-After` (RFC 9110 section 10.2.3) and the fields of draft-ietf-httpapi-ratelimit-headers: which
 * quota, how large, and when there is more.
 */
export function rateLimitHeaders(error: unknown): Readonly<Record<string, string>> {
  if (!(error instanceof RateLimitedError)) return {};
  const { name, quota, window, left } = error.used;
  const seconds = Math.max(1, Math.ceil(left / 1000));
  return {
    'retry-after': String(seconds),
    'ratelimit-policy': `"${name}";q=${quota};w=${Math.ceil(window / 1000)}`,
    ratelimit: `"${name}";r=0;t=${seconds}`,
  };
}
