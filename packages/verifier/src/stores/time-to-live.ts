/**
 * Checks a time to live: a positive integer of milliseconds. A store must not read `NaN` or 0 as
 * "keep nothing" and then acknowledge.
 *
 * @throws RangeError
 */
export function assertTimeToLive(ttl: number): void {
  if (!Number.isSafeInteger(ttl) || ttl < 1) {
    throw new RangeError('A time to live is a positive integer of milliseconds.');
  }
}
