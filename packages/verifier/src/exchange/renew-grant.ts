import {
  canonicalizeScope,
  parseScope,
  type RenewGrant,
  type TokenResponse,
} from '@pzk-auth/protocol';
import { dpopReplayId, verifyDpopProof } from '../dpop/dpop-proof.js';
import { durations } from '../durations.js';
import { refusal } from '../refuse.js';
import type { Engine } from './engine.js';
import { issueToken } from './issue-token.js';
import { sessionRowId } from './session-rows.js';
import { assertNotRevoked, getKey, isActiveDevice } from './standing.js';

function narrowScope(wanted: string | undefined, granted: string): string {
  if (wanted === undefined) return granted;
  const scope = canonicalizeScope(wanted);
  const allowed = parseScope(granted);
  if (!parseScope(scope).every((token) => allowed.includes(token))) {
    throw refusal('invalid_scope', 'The scope is wider than that of the session.');
  }
  return scope;
}

/**
 * `grant_type=urn:pzk-auth:grant-type:renew`: a new token with the session key alone, judged against
 * the session row. When and how the person was asked stays as it was.
 */
export async function grantByRenewal(
  engine: Engine,
  request: Request,
  grant: RenewGrant,
): Promise<TokenResponse> {
  const { config, stores } = engine;
  const now = config.clock();
  const proof = await verifyDpopProof(request.headers.get('dpop'), {
    method: 'POST',
    url: `${config.baseUrl}/token`,
    now,
    nonces: engine.dpopNonces,
  });
  const audience = grant.resource ?? config.audience;
  if (!config.audiences.has(audience)) throw refusal('invalid_target', 'Unknown resource.');
  const id = sessionRowId(config.issuer, { jkt: proof.jkt, key: grant.client_id, audience });
  const row = await stores.sessions.get(id);
  const remaining = row === undefined ? 0 : row.createdAt + config.sessionLifetime * 1000 - now;
  if (row === undefined || remaining <= 0) throw refusal('invalid_grant', 'No such session.');
  const scope = narrowScope(grant.scope, row.scope);

  const active = await getKey(engine, row.key, now);
  const device = row.device === '' ? undefined : await stores.devices.get(row.device);
  if (active.key === undefined || (row.device !== '' && !isActiveDevice(device, row.account))) {
    throw refusal('invalid_grant', 'Key, device or account is not active.');
  }
  if ((await stores.replays.record(dpopReplayId(proof), durations.dpopJti)) !== true) {
    throw refusal('invalid_dpop_proof', 'The proof was used before.');
  }
  // After the replay record: a renewal that somebody repeats must not use up its owner's quota.
  await engine.limits.countExchange(active.key.id);
  await assertNotRevoked(engine, {
    account: active.key.account,
    key: active.key.id,
    device: device?.id,
    sid: row.sid,
  });
  // Only a row that is still there: a session that was ended meanwhile does not come back.
  const ttl = Math.min(config.sessionIdle * 1000, remaining);
  if ((await stores.sessions.touch(id, ttl)) !== true)
    throw refusal('invalid_grant', 'Session ended.');
  return issueToken(engine, row, { key: active.key, scope, now });
}
