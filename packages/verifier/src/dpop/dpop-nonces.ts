import { createHmac, timingSafeEqual } from 'node:crypto';
import { encodeBase64url, labels, limits, lp, parseJson } from '@pzk-auth/protocol';
import { durations } from '../durations.js';
import type { NonceKeys } from '../nonce/nonce-keys.js';

/**
 * Nonces for DPoP proofs (RFC 9449 sections 8 and 9). Nothing is stored: a nonce is an HMAC of the half
 * minute that it was made in, the same at every instance and for every client. It dates a proof by this
 * clock; that a proof is used once is the matter of its `jti`.
 */
export interface DpopNonces {
  /** The nonce to give out now. */
  current(now: number): string;
  /** `fresh`: accepted; `due`: accepted, and the answer gives a newer one; else `refused`. */
  judge(nonce: unknown, now: number): 'fresh' | 'due' | 'refused';
}

/** Creates the nonces of an issuer. */
export function createDpopNonces(keys: NonceKeys): DpopNonces {
  const step = durations.dpopNonceStep;
  const made = new Map<number, Buffer>();

  /** The nonce of a step. */
  function nonceOf(index: number, now: number): Buffer | undefined {
    const known = made.get(index);
    if (known !== undefined) return known;
    const key = keys.keyOf(keys.periodAt(index * step), now);
    if (key === undefined) return undefined;
    const mac = createHmac('sha256', key).update(lp(labels.dpopNonce, index)).digest();
    const nonce = Buffer.from(encodeBase64url(Uint8Array.from(mac.subarray(0, 16))));
    if (made.size >= 64) made.clear();
    made.set(index, nonce);
    return nonce;
  }

  return {
    current(now) {
      const nonce = nonceOf(Math.floor(now / step), now);
      if (nonce === undefined) throw new RangeError('No nonce key for this time.');
      return nonce.toString();
    },
    judge(nonce, now) {
      if (typeof nonce !== 'string' || nonce.length !== 22) return 'refused';
      const sent = Buffer.from(nonce);
      const latest = Math.floor(now / step);
      // Instances whose clocks are ahead give out nonces of a step to come.
      const ahead = Math.ceil(durations.dpopNonceAhead / step);
      const behind = Math.ceil(durations.dpopNonce / step);
      for (let age = -ahead; age <= behind; age++) {
        const made = nonceOf(latest - age, now);
        if (made?.length !== sent.length || !timingSafeEqual(made, sent)) continue;
        return age * step < durations.dpopNonceDue ? 'fresh' : 'due';
      }
      return 'refused';
    },
  };
}

/**
 * The header that gives a nonce with an answer: where the proof of the request has none, a refused one or
 * one that ends soon.
 *
 * @param proof - Value of the request's `DPoP` header. Read without being verified: it only decides
 * whether a header is worth its bytes.
 */
export function dpopNonceHeaders(
  nonces: DpopNonces | undefined,
  proof: string | null,
  now: number,
): Readonly<Record<string, string>> {
  if (nonces === undefined) return {};
  let nonce: unknown;
  if (proof !== null && proof.length <= limits.dpopProofBytes) {
    try {
      const claims = parseJson(Buffer.from(proof.split('.')[1] ?? '', 'base64url'));
      nonce = (claims as { nonce?: unknown } | null)?.nonce;
    } catch {
      // No proof that could hold one.
    }
  }
  return nonces.judge(nonce, now) === 'fresh' ? {} : { 'dpop-nonce': nonces.current(now) };
}
