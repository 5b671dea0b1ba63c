import { encodeBase64url, type Purpose, sha256, utf8 } from '@pzk-auth/protocol';
import { dpopReplayId, verifyDpopProof } from '../dpop/dpop-proof.js';
import { durations } from '../durations.js';
import { type NonceClaims, openNonce } from '../nonce/nonce.js';
import { refusal } from '../refuse.js';
import type { Engine } from './engine.js';

/** An exchange whose session key and nonce are verified. */
export interface OpenExchange {
  readonly jkt: string;
  /** Replay record of the DPoP proof. */
  readonly replayId: string;
  readonly nonce: string;
  readonly claims: NonceClaims;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What the request says about its exchange. */
export interface ExchangeRequest {
  readonly request: Request;
  /** Path of the endpoint under the base, for `htu`. */
  readonly endpoint: string;
  readonly purpose: Purpose;
  readonly nonce: string;
}

/**
 * Verifies DPoP proof and nonce of an exchange and that they belong together. The `jti` is not
 * recorded: the nonce is the replay key here. Not yet verified: that the nonce is unused.
 *
 * @throws PzkError `invalid_dpop_proof`, `use_dpop_nonce`, `invalid_nonce`
 */
export async function openExchange(
  engine: Engine,
  exchange: ExchangeRequest,
): Promise<OpenExchange> {
  const now = engine.config.clock();
  const proof = await verifyDpopProof(exchange.request.headers.get('dpop'), {
    method: 'POST',
    url: engine.config.baseUrl + exchange.endpoint,
    now,
    nonces: engine.dpopNonces,
  });
  const opened = openNonceOf(engine, proof, exchange);
  return { ...opened, replayId: dpopReplayId(proof), now };
}

/**
 * Verifies the nonce of an exchange whose session key is verified. Not yet verified: that it is unused.
 *
 * @throws PzkError `invalid_nonce`
 */
export function openNonceOf(
  engine: Engine,
  { jkt }: { readonly jkt: string },
  { nonce, purpose }: Pick<ExchangeRequest, 'nonce' | 'purpose'>,
): Pick<OpenExchange, 'jkt' | 'nonce' | 'claims'> {
  const claims = openNonce(nonce, engine.nonceKeys, engine.config.clock());
  if (claims.jkt !== jkt) throw refusal('invalid_nonce', 'The nonce is of another session key.');
  if (claims.purpose !== purpose) {
    throw refusal('invalid_nonce', 'The nonce is for another purpose.');
  }
  if (!engine.config.audiences.has(claims.audience)) {
    throw refusal('invalid_nonce', 'The nonce is for another audience.');
  }
  return { jkt, nonce, claims };
}

/**
 * Consumes the nonce of an exchange at an endpoint, atomically. Of any number of parallel exchanges
 * with one nonce exactly one passes.
 *
 * @throws PzkError `invalid_nonce` if it was used or comes from before a loss of the store's history;
 * `store_unavailable` if the store cannot tell. Never repeated here: a consume whose answer was lost
 * may have happened.
 */
export async function consumeNonce(
  engine: Engine,
  exchange: Pick<OpenExchange, 'nonce' | 'claims'> & { readonly replayId?: string },
  endpoint: string,
): Promise<void> {
  const { nonce, claims, replayId } = exchange;
  const ttl = claims.expiresAt - engine.config.clock() + durations.consumedGrace;
  const key = `${endpoint} ${encodeBase64url(sha256(utf8(nonce)))}`;
  const result = await engine.stores.nonces.consume(key, { epoch: claims.epoch, ttl });
  if (result !== 'consumed') {
    throw refusal(
      'invalid_nonce',
      result === 'stale' ? 'Nonce of a lost epoch.' : 'Nonce replayed.',
    );
  }
  // The nonce is the replay key here; this keeps the proof from serving once more at a renewal. Where the
  // proof came with a token, it is recorded already.
  if (replayId !== undefined) await engine.stores.replays.record(replayId, durations.dpopJti);
}
