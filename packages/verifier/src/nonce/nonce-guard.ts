import { refusal } from '../refuse.js';

const FAILURES_PER_NONCE = 2;
/** Nonces with failures that are remembered; beyond it new failing nonces are refused. */
const MAXIMUM_TRACKED = 50_000;

/** Bounds the work that one nonce can cause: one proof at a time, two failures in all. */
export interface NonceGuard {
  /**
   * Runs a check for a nonce; `false` counts as a failure.
   *
   * @throws PzkError `too_many_requests` while another check of this nonce runs; `invalid_nonce`
   * after two failures.
   */
  run(nonce: string, expiresAt: number, check: () => Promise<boolean>): Promise<boolean>;
}

/** Creates the guard of one process; several processes multiply the bound by their number. */
export function createNonceGuard(clock: () => number): NonceGuard {
  const inFlight = new Set<string>();
  const failures = new Map<string, { count: number; expiresAt: number }>();

  function sweep(now: number) {
    for (const [nonce, { expiresAt }] of failures) if (expiresAt <= now) failures.delete(nonce);
  }

  return {
    async run(nonce, expiresAt, check) {
      if (inFlight.has(nonce)) {
        throw refusal('too_many_requests', 'A proof for this nonce is being verified.');
      }
      if ((failures.get(nonce)?.count ?? 0) >= FAILURES_PER_NONCE) {
        throw refusal('invalid_nonce', 'This nonce has failed too often.');
      }
      if (failures.size >= MAXIMUM_TRACKED) {
        sweep(clock());
        if (failures.size >= MAXIMUM_TRACKED) throw refusal('busy', 'Too many failing nonces.');
      }
      inFlight.add(nonce);
      try {
        const passed = await check();
        if (!passed) {
          const count = (failures.get(nonce)?.count ?? 0) + 1;
          failures.set(nonce, { count, expiresAt });
        }
        return passed;
      } finally {
        inFlight.delete(nonce);
      }
    },
  };
}
