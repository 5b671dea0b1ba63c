import { createDpopProof } from './dpop-proof.js';
import type { SessionKey } from './session-key.js';

/** Signs DPoP proofs by the server's clock and with the nonces that servers gave. */
export interface DpopSigner {
  /** Milliseconds by which the server's clock is ahead of ours. */
  clockOffset: number;
  sign(
    key: SessionKey,
    request: { readonly method: string; readonly url: string; readonly accessToken?: string },
  ): Promise<string>;
  /** Remembers the nonce of an answer (RFC 9449 section 8.2), for its origin alone. */
  learnNonce(url: string, response: Response): void;
}

/** @param clock - Milliseconds since the epoch. */
export function createDpopSigner(clock: () => number): DpopSigner {
  const nonces = new Map<string, string>();
  return {
    clockOffset: 0,
    sign(key, request) {
      const issuedAt = Math.floor((clock() + this.clockOffset) / 1000);
      const nonce = nonces.get(new URL(request.url).origin);
      return createDpopProof(key, { ...request, issuedAt, nonce });
    },
    learnNonce(url, response) {
      const nonce = response.headers.get('dpop-nonce');
      if (nonce !== null && nonce !== '') nonces.set(new URL(url).origin, nonce);
    },
  };
}
