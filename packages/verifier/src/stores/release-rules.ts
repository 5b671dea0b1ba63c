import { limits } from '@pzk-auth/protocol';
import type { ReleaseStore } from './vault-stores.js';

/** Milliseconds. */
export const HOUR = 3_600_000;

/** No release lasts longer after its request: 90 days, and 10 minutes for the answer. Milliseconds. */
export const RELEASE_SPAN = (limits.standingSeconds + limits.agentRequestSeconds) * 1000;

/** How many rows `ReleaseStore.listChanged` gives at most. */
export const CHANGED_LIMIT = 100;

/** @throws TypeError if a request cannot go this way. */
export function assertSettlement({ from, to }: Parameters<ReleaseStore['settle']>[1]): void {
  if ((from === 'released') !== (to === 'ended')) {
    throw new TypeError('A waiting request is rejected or cancelled, a released one ended.');
  }
}
