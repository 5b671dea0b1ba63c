import { createHash } from 'node:crypto';
import type { Engine } from '../exchange/engine.js';

/**
 * Whether this is the first time within `ttl` that something happens: what can be repeated at will is not
 * to grow the audit log with each repetition. Where the store cannot say, it counts as the first.
 *
 * @param what - Names it among all that the store of replays has.
 * @param ttl - Milliseconds.
 */
export async function happensFirst(
  { stores, emit }: Engine,
  what: string,
  ttl: number,
): Promise<boolean> {
  const key = createHash('sha256').update(`first ${what}`).digest('base64url');
  try {
    return await stores.replays.record(key, ttl);
  } catch (error) {
    emit({ type: 'fault', endpoint: 'audit', error });
    return true;
  }
}
