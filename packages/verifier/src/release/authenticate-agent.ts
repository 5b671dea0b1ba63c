import { dpopReplayId, verifyDpopProof } from '../dpop/dpop-proof.js';
import { durations } from '../durations.js';
import type { Engine, RequestContext } from '../exchange/engine.js';
import { refusal } from '../refuse.js';
import type { AgentRow } from '../stores/vault-stores.js';

/** The agent of a key that stands in the manifest of an active account. */
export async function findAgent(engine: Engine, jkt: string): Promise<AgentRow | undefined> {
  const agent = await engine.stores.agents.findByJkt(jkt);
  const account = await engine.stores.accounts.get(agent?.account ?? '');
  return account === undefined || account.revokedAt !== undefined ? undefined : agent;
}

/**
 * Authenticates an agent by a DPoP proof of its key; the proof serves once. A key in no manifest counts
 * against a budget of its own, ten times that of other failures: there is nothing to guess, and brokers of
 * many users may share an address, some of which still ask after they were taken out. It ends what an
 * address can have the store look up, and takes nothing from those who sign in there, nor from brokers that were
 * known before.
 *
 * @throws PzkError `invalid_dpop_proof`, `use_dpop_nonce`; `invalid_grant` if the key is in no manifest,
 * or not any more; `too_many_requests`
 */
export async function authenticateAgent(
  engine: Engine,
  request: Request,
  endpoint: string,
  context: RequestContext,
): Promise<AgentRow> {
  const proof = await verifyDpopProof(request.headers.get('dpop'), {
    method: 'POST',
    url: engine.config.baseUrl + endpoint,
    now: engine.config.clock(),
    nonces: engine.dpopNonces,
  });
  const budget = await engine.limits.watchAgent(proof.jkt, context.address);
  const agent = await findAgent(engine, proof.jkt);
  await budget.settle(agent === undefined);
  if (agent === undefined) {
    throw refusal('invalid_grant', 'The key is in no manifest.');
  }
  if ((await engine.stores.replays.record(dpopReplayId(proof), durations.dpopJti)) !== true) {
    throw refusal('invalid_dpop_proof', 'The proof was used before.');
  }
  return agent;
}
