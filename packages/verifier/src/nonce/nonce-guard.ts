import { encodeBase64url, sha256, utf8 } from '@pzk-auth/protocol';
import { refusal } from '../refuse.js';

/** Proofs that one nonce may have verified, good and bad ones alike counted apart. */
const CHECKS_PER_OUTCOME = 2;
/** Nonces that are remembered; beyond it the oldest is forgotten, which costs two more checks. */
const MAXIMUM_TRACKED = 50_000;

/** Bounds the work that one nonce can cause: one proof at a time, a few in all. */
export interface NonceGuard {
  /**
   * Runs a check for a nonce.
   *
   * @throws PzkError `too_many_requests` while another check of this nonce runs; `invalid_nonce`
   * after two that failed, or two that passed: the second serves a client whose first answer was lost.
   */
  run(nonce: string, check: () => Promise<boolean>): Promise<boolean>;
}

/** Creates the guard of one process; several processes multiply the bound by their number. */
export function createNonceGuard(): NonceGuard {
  const inFlight = new Set<string>();
  const outcomes = new Map<string, { passed: number; failed: number }>();

  return {
    async run(nonce, check) {
      const id = encodeBase64url(sha256(utf8(nonce)));
      if (inFlight.has(id)) {
        throw refusal('too_many_requests', 'A proof for this nonce is being verified.');
      }
      const seen = outcomes.get(id) ?? { passed: 0, failed: 0 };
      if (Math.max(seen.passed, seen.failed) >= CHECKS_PER_OUTCOME) {
        throw refusal('invalid_nonce', 'This nonce has been tried too often.');
      }
      inFlight.add(id);
      try {
        const passed = await check();
        if (passed) seen.passed++;
        else seen.failed++;
        outcomes.set(id, seen);
        if (outcomes.size > MAXIMUM_TRACKED) {
          const [oldest] = outcomes.keys();
          if (oldest !== undefined) outcomes.delete(oldest);
        }
        return passed;
      } finally {
        inFlight.delete(id);
      }
    },
  };
}
