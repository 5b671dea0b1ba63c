import {
  type ChallengeResponse,
  canonicalizeScope,
  challengeRequestSchema,
  encodeBase64url,
  limits,
  OWNERSHIP_CIRCUIT,
  parseMessage,
  parseScope,
} from '@pzk-auth/protocol';
import { durations } from '../durations.js';
import { readJson } from '../http/read-body.js';
import { sealNonce } from '../nonce/nonce.js';
import { refusal } from '../refuse.js';
import type { Engine } from './engine.js';

function hexToBase64url(hex: string): string {
  return encodeBase64url(Uint8Array.from(Buffer.from(hex, 'hex')));
}

/**
 * `POST {base}/challenge`: makes a nonce that carries, authenticated, all that the exchange will be
 * bound to. Stores nothing, so a flood of challenges costs no memory.
 */
export async function createChallenge(
  engine: Engine,
  request: Request,
): Promise<ChallengeResponse> {
  const { config, stores } = engine;
  const body = await readJson(request, limits.tokenBodyBytes);
  const message = parseMessage(challengeRequestSchema, body);
  const audience = message.resource ?? config.audience;
  if (!config.audiences.has(audience)) throw refusal('invalid_target', 'Unknown resource.');
  const scope = canonicalizeScope(message.scope);
  // Whether the key has the scope is judged after the proof; here only whether it exists at all.
  if (!parseScope(scope).every((token) => config.scopes.has(token))) {
    throw refusal('invalid_scope', 'Unknown scope.');
  }
  const circuit = engine.circuits.get(OWNERSHIP_CIRCUIT);
  if (circuit === undefined) throw refusal('not_ready', 'No circuit is configured.');
  const epoch = await stores.nonces.epoch();
  const now = config.clock();
  const expiresAt = now + durations.nonce;
  const { purpose, jkt } = message;
  const claims = { epoch, purpose, jkt, audience, scope, issuedAt: now, expiresAt };
  const { prover, verificationKey } = circuit.manifest.artifacts;
  return {
    nonce: sealNonce(claims, engine.nonceKeys),
    expires_at: Math.floor(expiresAt / 1000),
    now: Math.floor(now / 1000),
    issuer: config.issuer,
    audience,
    rp_id: config.rpId,
    scope,
    circuit: {
      id: circuit.manifest.id,
      prover: hexToBase64url(prover.sha256),
      verification_key: hexToBase64url(verificationKey.sha256),
    },
  };
}
