import { setTimeout as sleep } from 'node:timers/promises';

/** How long a write waits for its turn: less than the 2 s after which the engine gives a store up. */
const PATIENCE = 1_500;

/**
 * Runs work again while it is refused for no lasting reason (somebody else holds the lock, a deadlock
 * was broken up) and nothing of it was written.
 */
export async function retryWhile<T>(
  isPassing: (error: unknown) => boolean,
  work: () => Promise<T>,
): Promise<T> {
  const until = performance.now() + PATIENCE;
  for (let wait = 2; ; wait = Math.min(wait * 2, 32)) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || performance.now() > until) throw error;
    }
    // Not all at once again.
    await sleep(wait * (0.5 + Math.random()));
  }
}
