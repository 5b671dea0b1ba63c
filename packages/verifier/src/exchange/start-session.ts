import { randomUUID } from 'node:crypto';
import { encodeBase64url, parseScope, sha256, type TokenResponse } from '@pzk-auth/protocol';
import { refusal } from '../refuse.js';
import type { DeviceRow, KeyRow } from '../stores/durable-stores.js';
import type { SessionRow } from '../stores/short-lived-stores.js';
import type { Engine } from './engine.js';
import { issueToken } from './issue-token.js';
import type { OpenExchange } from './open-exchange.js';
import { sessionRowId } from './session-rows.js';

/**
 * What a person did: RFC 8176 `pop` for the keys that were proved, `user` where an authenticator
 * verified its user. No claim about hardware, because without attestation the flags say none.
 */
const AMR = { passkey: ['pop', 'user'], keypair: ['pop'], none: ['pop'] } as const;

/**
 * Judges the scope against what the key has. After the proof, so that nobody learns a key's scopes
 * without holding it; before the consume, so that a wrong scope burns nothing.
 *
 * @throws PzkError `invalid_scope`
 */
export function assertScopeGranted(scope: string, key: KeyRow): void {
  if (!parseScope(scope).every((token) => key.scopes.includes(token))) {
    throw refusal('invalid_scope', 'The key does not have this scope.');
  }
}

/** Writes the session row and signs the first token of a session. */
export async function startSession(
  engine: Engine,
  exchange: OpenExchange,
  owner: {
    readonly key: KeyRow;
    readonly device: DeviceRow | undefined;
    /** Canonical bytes. */
    readonly proof: Uint8Array;
  },
): Promise<TokenResponse> {
  const { config, stores } = engine;
  const { key, device } = owner;
  const { now } = exchange;
  const { audience, scope } = exchange.claims;
  const row: SessionRow = {
    sid: randomUUID(),
    account: key.account,
    key: key.id,
    device: device?.id ?? '',
    jkt: exchange.jkt,
    audience,
    scope,
    // The touch lies between challenge and now; the earlier end never claims too much.
    authTime: Math.floor(exchange.claims.issuedAt / 1000),
    amr: AMR[key.demands],
    keyProtection: device?.keyProtection ?? 'none',
    createdAt: now,
  };
  const ttl = Math.min(config.sessionIdle, config.sessionLifetime) * 1000;
  // Before signing: without the row the session could not be revoked as a whole.
  await stores.sessions.put(sessionRowId(config.issuer, row), row, ttl);
  const proofHash = encodeBase64url(sha256(owner.proof));
  return issueToken(engine, row, { key, scope, now, proofHash });
}
