import {
  type Assertion,
  assertionSchema,
  canonicalizeScope,
  isPzkError,
  type ProofGrant,
  parseJson,
  parseMessage,
  parseProof,
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
import { assertNotRevoked, findKey, isActiveDevice } from './standing.js';
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

/** No account has this id: an assertion judged for it meets the decoy. */
const NOBODY = '';

/**
 * Finds the acting device. What cannot be says so only after the work that a fitting device would have
 * cost, and in the same words, so that nobody learns here whether a key exists or what it demands.
 */
async function identifyDevice(
  engine: Engine,
  exchange: OpenExchange,
  key: KeyRow | undefined,
  credential: Assertion | undefined,
): Promise<Actor | undefined> {
  if (credential !== undefined) {
    const account = key?.demands === 'passkey' ? key.account : NOBODY;
    const asserted = await verifyDeviceAssertion(engine, exchange, credential, account);
    return { device: asserted.device, asserted };
  }
  const account = key?.demands === 'keypair' ? key.account : NOBODY;
  const device = await engine.stores.devices.findByJkt(account, exchange.jkt);
  if (key?.demands === 'none') return { device: undefined, asserted: undefined };
  return isActiveDevice(device, account) ? { device, asserted: undefined } : undefined;
}

/** `grant_type=urn:pzk-auth:grant-type:proof`: a token for a proof of the key. */
export async function grantByProof(
  engine: Engine,
  request: Request,
  grant: ProofGrant,
): Promise<TokenResponse> {
  assertKnownCircuit(engine, grant.circuit);
  const credential = grant.credential === undefined ? undefined : parseCredential(grant.credential);
  const { nonce, circuit, commitment } = grant;
  const exchange = await openExchange(engine, {
    request,
    endpoint: ENDPOINT,
    purpose: 'session',
    nonce,
  });
  assertConsistent(grant, exchange);
  // Before any look-up, as for every request without a credential: nobody is waited for there.
  const age = exchange.now - exchange.claims.issuedAt;
  if (credential === undefined && age >= durations.headlessNonce) {
    throw refusal('invalid_nonce', 'The nonce has expired.');
  }
  const proof = parseProof(grant.proof);
  const { config } = engine;
  const { audience, scope } = exchange.claims;

  const standing = await findKey(engine, commitment, exchange.now);
  const named = grant.client_id === undefined || grant.client_id === standing.key?.id;
  const key = named ? standing.key : undefined;
  const reason = 'reason' in standing ? standing.reason : 'Another key id, or no fitting device.';
  let actor: Actor | undefined;
  try {
    actor = await identifyDevice(engine, exchange, key, credential);
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
    await checkProof(engine, exchange, check);
  } catch (error) {
    // The reason for the events: what failed first may only be what stood in for an unknown key.
    if (key !== undefined || !isPzkError(error) || error.code !== 'invalid_grant') throw error;
    throw refusal('invalid_grant', reason, error);
  }
  if (key === undefined || actor === undefined) throw refusal('invalid_grant', reason);
  assertScopeGranted(scope, key);

  await engine.limits.countExchange(key.id);
  await consumeNonce(engine, exchange, ENDPOINT);
  await assertNotRevoked(engine, {
    account: key.account,
    key: key.id,
    device: actor.device?.id,
    sid: undefined,
  });
  if (actor.asserted !== undefined) await advanceCounter(engine, actor.asserted, nonce);
  return startSession(engine, exchange, { key, device: actor.device, proof });
}
