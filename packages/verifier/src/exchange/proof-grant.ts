import {
  type Assertion,
  assertionSchema,
  canonicalizeScope,
  type ProofGrant,
  parseJson,
  parseMessage,
  sessionContext,
  type TokenResponse,
} from '@pzk-auth/protocol';
import { durations } from '../durations.js';
import { assertNoPrfResults } from '../http/prf-results.js';
import { refusal } from '../refuse.js';
import type { DeviceRow, KeyRow } from '../stores/durable-stores.js';
import { type AssertedDevice, advanceCounter, verifyDeviceAssertion } from './device-assertion.js';
import type { Engine } from './engine.js';
import { consumeNonce, type OpenExchange, openExchange } from './open-exchange.js';
import { assertKnownCircuit, checkProof } from './proof-check.js';
import { assertNotRevoked, findActiveKey, isActiveDevice } from './standing.js';
import { assertScopeGranted, startSession } from './start-session.js';

const ENDPOINT = '/token';

/** RFC 6749: what the request repeats has to equal what the nonce and the key say. */
function assertConsistent(grant: ProofGrant, exchange: OpenExchange): void {
  const { scope, audience } = exchange.claims;
  if (grant.scope !== undefined && canonicalizeScope(grant.scope) !== scope) {
    throw refusal('invalid_scope', 'The scope is not that of the challenge.');
  }
  if (grant.resource !== undefined && grant.resource !== audience) {
    throw refusal('invalid_target', 'The resource is not that of the challenge.');
  }
}

function parseCredential(text: string): Assertion {
  const value = parseJson(text);
  assertNoPrfResults(value);
  return parseMessage(assertionSchema, value);
}

/** Which device acts, as the key demands; what the key demands is never read from the request. */
interface Actor {
  readonly device: DeviceRow | undefined;
  readonly asserted: AssertedDevice | undefined;
}

async function identifyDevice(
  engine: Engine,
  exchange: OpenExchange,
  key: KeyRow | undefined,
  credential: Assertion | undefined,
): Promise<Actor | undefined> {
  // Without a key the form of the request decides which work is done in vain.
  const demands = key?.demands ?? (credential === undefined ? 'none' : 'passkey');
  if (demands === 'passkey') {
    if (credential === undefined) throw refusal('invalid_grant', 'The key demands a passkey.');
    const asserted = await verifyDeviceAssertion(engine, exchange, credential, key?.account);
    return { device: asserted.device, asserted };
  }
  if (credential !== undefined) throw refusal('invalid_grant', 'The key takes no passkey.');
  // The demands of headless keys leave no person to wait for: RFC-wise the nonce is short-lived.
  const age = exchange.now - exchange.claims.issuedAt;
  if (age >= durations.headlessNonce) throw refusal('invalid_nonce', 'The nonce has expired.');
  if (demands === 'none') return { device: undefined, asserted: undefined };
  const device = await engine.stores.devices.findByJkt(key?.account ?? '', exchange.jkt);
  const active = isActiveDevice(device, key?.account ?? '');
  return active ? { device, asserted: undefined } : undefined;
}

/** `grant_type=urn:pzk-auth:grant-type:proof`: a token for a proof of the key. */
export async function grantByProof(
  engine: Engine,
  request: Request,
  grant: ProofGrant,
): Promise<TokenResponse> {
  assertKnownCircuit(engine, grant.circuit);
  const credential = grant.credential === undefined ? undefined : parseCredential(grant.credential);
  const { nonce, circuit, commitment, proof } = grant;
  const exchange = openExchange(engine, { request, endpoint: ENDPOINT, purpose: 'session', nonce });
  assertConsistent(grant, exchange);
  const { config } = engine;
  const { audience, scope } = exchange.claims;

  const active = await findActiveKey(engine, commitment, exchange.now);
  const named = grant.client_id === undefined || grant.client_id === active?.key.id;
  const key = named ? active?.key : undefined;
  const actor = await identifyDevice(engine, exchange, key, credential);
  const context = sessionContext({
    issuer: config.issuer,
    audience,
    nonce,
    jkt: exchange.jkt,
    credentialId: actor?.device?.credentialId ?? '',
    scope,
    circuitId: circuit,
    commitment,
  });
  // An unknown key costs the same verification as a known one with a wrong proof.
  const device = actor?.device?.id;
  const check = { circuit, commitment, context, proof, lane: 'token', device } as const;
  const proofBytes = await checkProof(engine, exchange, check);
  if (key === undefined || actor === undefined) {
    throw refusal('invalid_grant', 'Unknown, revoked or expired key, or unknown device.');
  }
  assertScopeGranted(scope, key);

  await consumeNonce(engine, exchange, ENDPOINT);
  await assertNotRevoked(engine, { key, device: actor.device?.id ?? '' });
  if (actor.asserted !== undefined) await advanceCounter(engine, actor.asserted, nonce);
  return startSession(engine, exchange, { key, device: actor.device, proof: proofBytes });
}
