import { parseMessage, revokeRequestSchema } from '@pzk-auth/protocol';
import { dpopReplayId, verifyDpopProof } from '../dpop/dpop-proof.js';
import { durations } from '../durations.js';
import { readForm } from '../http/read-body.js';
import { refusal } from '../refuse.js';
import type { PzkSession } from '../session.js';
import type { Engine, RequestContext } from './engine.js';
import { assertAddressBudget } from './proof-check.js';
import { revocationId, revocationIdsOfJti } from './revocation-ids.js';
import { sessionRowId } from './session-rows.js';

async function verifyIfValid(engine: Engine, token: string): Promise<PzkSession | undefined> {
  try {
    const { session, kid } = await engine.tokens.verify(token);
    // This instance may know a removed key for a while, and whoever has it writes the `jti` of anybody.
    const removed = await engine.stores.revocations.isRevoked([revocationId.signingKey(kid)]);
    return removed === false ? session : undefined;
  } catch (error) {
    // RFC 7009 section 2.2: an invalid token is as good as revoked.
    if ((error as { code?: unknown }).code === 'invalid_token') return undefined;
    throw error;
  }
}

/** A session that the request may end. */
interface EndedSession {
  /** Id of its row. */
  readonly row: string;
  readonly sid: string;
  /** Ids that revoke its tokens. */
  readonly revoked: readonly string[];
}

/** The sessions that the request may end: that of the token, or those of the key pair with a key. */
async function findSessions(
  engine: Engine,
  jkt: string,
  session: PzkSession | undefined,
  clientId: string | undefined,
): Promise<readonly EndedSession[]> {
  const { config, stores } = engine;
  if (session !== undefined) {
    const row = sessionRowId(config.issuer, session);
    return [{ row, sid: '', revoked: revocationIdsOfJti(session.jti) }];
  }
  if (clientId === undefined) return [];
  const found = await Promise.all(
    [...config.audiences].map(async (audience) => {
      const id = sessionRowId(config.issuer, { jkt, key: clientId, audience });
      const row = await stores.sessions.get(id);
      return row === undefined
        ? []
        : [{ row: id, sid: row.sid, revoked: [revocationId.session(row.sid)] }];
    }),
  );
  return found.flat();
}

/**
 * `POST {base}/revoke` (RFC 7009), with a DPoP proof of the token's key: ends the session with all its
 * tokens. A token that is not valid any more still ends its session, since the proof shows the session
 * key. A request that has nothing to end writes nothing: anybody can make a key pair and send noise.
 */
export async function revokeToken(
  engine: Engine,
  request: Request,
  context: RequestContext,
): Promise<void> {
  const { config, stores } = engine;
  const message = parseMessage(revokeRequestSchema, await readForm(request));
  await assertAddressBudget(engine, context);
  const proof = await verifyDpopProof(request.headers.get('dpop'), {
    method: 'POST',
    url: `${config.baseUrl}/revoke`,
    now: config.clock(),
    nonces: engine.dpopNonces,
  });
  const session = await verifyIfValid(engine, message.token);
  if (session !== undefined && session.jkt !== proof.jkt) {
    throw refusal('invalid_dpop_proof', 'The proof is of another key than the token.');
  }
  const sessions = await findSessions(engine, proof.jkt, session, message.client_id);
  if (sessions.length === 0) return;
  if ((await stores.replays.record(dpopReplayId(proof), durations.dpopJti)) !== true) {
    throw refusal('invalid_dpop_proof', 'The proof was used before.');
  }
  // First the rows, so that no renewal follows the revocation.
  await Promise.all(sessions.map(({ row }) => stores.sessions.delete(row)));
  // Without its row nothing renews. The record outlives the session all the same: a store that fails
  // over may forget that the row was deleted, and a renewal looks at the record, too.
  const lifetimes = config.sessionLifetime + config.tokenLifetime;
  const ttl = (lifetimes + durations.tokenSkewSeconds) * 1000;
  await stores.revocations.revoke(
    sessions.flatMap(({ revoked }) => revoked),
    ttl,
  );
  if (session !== undefined) {
    engine.emit({ type: 'revoked', kind: 'token', id: session.jti });
  } else {
    for (const { sid } of sessions) engine.emit({ type: 'revoked', kind: 'session', id: sid });
  }
}
