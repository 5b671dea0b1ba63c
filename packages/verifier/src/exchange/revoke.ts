import { parseMessage, revokeRequestSchema } from '@pzk-auth/protocol';
import { dpopReplayId, verifyDpopProof } from '../dpop/dpop-proof.js';
import { durations } from '../durations.js';
import { readForm } from '../http/read-body.js';
import { refusal } from '../refuse.js';
import type { PzkSession } from '../session.js';
import type { Engine } from './engine.js';
import { revocationId } from './revocation-ids.js';
import { sessionRowId } from './session-rows.js';

/**
 * `POST {base}/revoke` (RFC 7009), with a DPoP proof of the token's key: ends the token and the session
 * that renews it. A token that is not valid any more still ends its session, since the proof shows the
 * session key.
 */
export async function revokeToken(engine: Engine, request: Request): Promise<void> {
  const { config, stores } = engine;
  const message = parseMessage(revokeRequestSchema, await readForm(request));
  const proof = verifyDpopProof(request.headers.get('dpop'), {
    method: 'POST',
    url: `${config.baseUrl}/revoke`,
    now: config.clock(),
  });
  const session = await engine.tokens.verify(message.token).catch((error: unknown) => {
    // RFC 7009 section 2.2: an invalid token is as good as revoked.
    if ((error as { code?: unknown }).code === 'invalid_token') return undefined;
    throw error;
  });
  if (session !== undefined && session.jkt !== proof.jkt) {
    throw refusal('invalid_dpop_proof', 'The proof is of another key than the token.');
  }
  if (!(await stores.replays.record(dpopReplayId(proof), durations.dpopJti))) {
    throw refusal('invalid_dpop_proof', 'The proof was used before.');
  }
  if (session !== undefined) await revokeSession(engine, session);
  else if (message.client_id !== undefined) {
    const key = message.client_id;
    await Promise.all(
      [...config.audiences].map((audience) =>
        stores.sessions.delete(sessionRowId({ jkt: proof.jkt, key, audience })),
      ),
    );
  }
}

async function revokeSession(engine: Engine, session: PzkSession): Promise<void> {
  const { stores } = engine;
  // First the row, so that no renewal follows the revocation of the token.
  await stores.sessions.delete(sessionRowId(session));
  await stores.revocations.revoke([revocationId.token(session.jti)], durations.revocation);
  engine.emit({ type: 'revoked', kind: 'token', id: session.jti });
}
