import { hkdfSync } from 'node:crypto';
import { labels, lp } from '@pzk-auth/protocol';
import { durations } from '../durations.js';

/** Derives the HMAC keys of nonces: one per period, from the deployment's secret, never stored. */
export interface NonceKeys {
  /** The period that a time falls into. */
  periodAt(now: number): number;
  /** The key of a period, or undefined if nonces of that period cannot be valid any more (or yet). */
  keyOf(period: number, now: number): Uint8Array | undefined;
}

/**
 * Creates the nonce keys of an issuer. The issuer is part of the derivation: a nonce of one tenant
 * does not verify at another that shares the secret.
 */
export function createNonceKeys(secret: Uint8Array, issuer: string): NonceKeys {
  const cache = new Map<number, Uint8Array>();
  const periodAt = (now: number) => Math.floor(now / durations.nonceKeyRotation);
  return {
    periodAt,
    keyOf(period, now) {
      // One period to either side: a nonce outlives the turn of a period, and clocks differ a little.
      // The period is read before it is authenticated, so it may be anything.
      if (!Number.isSafeInteger(period) || Math.abs(period - periodAt(now)) > 1) return undefined;
      let key = cache.get(period);
      if (key === undefined) {
        const info = lp(labels.nonceKey, issuer, period);
        key = new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(), info, 32));
        for (const old of cache.keys()) if (Math.abs(old - period) > 2) cache.delete(old);
        cache.set(period, key);
      }
      return key;
    },
  };
}
