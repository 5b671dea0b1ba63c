import type { PzkSession } from '../session.js';
import { type AssertedDevice, advanceCounter } from './device-assertion.js';
import type { Engine } from './engine.js';
import { consumeNonce, type OpenExchange } from './open-exchange.js';
import { sessionOfJti } from './revocation-ids.js';
import { assertNotRevoked } from './standing.js';

/** A touch that came with a token, after everything else of the request was checked. */
export interface SessionTouch {
  readonly session: PzkSession;
  readonly exchange: Pick<OpenExchange, 'nonce' | 'claims'>;
  readonly asserted: AssertedDevice;
  readonly endpoint: string;
}

/**
 * Spends a touch, which then serves nowhere again. Its order matters: a revocation that was acknowledged
 * before the nonce was consumed is seen here.
 *
 * @throws PzkError `invalid_nonce` if it was spent before; `invalid_grant` if account, key, device or
 * session were revoked, or the counter went back; `store_unavailable`
 */
export async function spendTouch(engine: Engine, touch: SessionTouch): Promise<void> {
  const { session, exchange, asserted, endpoint } = touch;
  const { device } = asserted;
  await consumeNonce(engine, exchange, endpoint);
  await assertNotRevoked(engine, {
    account: device.account,
    key: session.key,
    device: device.id,
    sid: sessionOfJti(session.jti),
  });
  await advanceCounter(engine, asserted, exchange.nonce);
}
