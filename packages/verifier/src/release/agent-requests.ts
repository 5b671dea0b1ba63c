import {
  type AgentRequestReadResponse,
  type AgentUsesResponse,
  agentRequestIdRequestSchema,
  agentRequestRequestSchema,
  agentUsesRequestSchema,
  decodeBase64url,
  type ExpiryResponse,
  equalBytes,
  isAgentRequestTimely,
  limits,
  type ParsedAgentRequest,
  parseAgentRequest,
  parseManifest,
  sha256,
} from '@pzk-auth/protocol';
import type { Engine, RequestContext } from '../exchange/engine.js';
import { readMessage } from '../http/read-message.js';
import { refusal } from '../refuse.js';
import type { AgentRow, ReleaseRow } from '../stores/vault-stores.js';
import { isSignedByP256 } from '../vault/p256.js';
import { authenticateAgent } from './authenticate-agent.js';
import { isDueForLog } from './logged-uses.js';
import { requestIds, requestOfAgent, requestStatus } from './release-row.js';

const REQUEST_LIMITS = {
  waitingOfAgent: limits.waitingRequestsOfAgent,
  waitingOfAccount: limits.waitingRequestsOfAccount,
  hourlyOfAgent: limits.hourlyRequestsOfAgent,
} as const;

function parseRequest(text: string): ParsedAgentRequest {
  try {
    return parseAgentRequest(decodeBase64url(text));
  } catch (cause) {
    throw refusal('invalid_request', 'The request of the agent is malformed.', cause);
  }
}

/** Whether a request is one of this agent to a slot of its vault, and signed by it. */
async function assertRequestFits(
  engine: Engine,
  agent: AgentRow,
  message: { readonly request: string; readonly signature: string },
): Promise<ParsedAgentRequest> {
  const parsed = parseRequest(message.request);
  const vault = await engine.stores.vaults.get(agent.account);
  const slots = vault === undefined ? [] : parseManifest(decodeBase64url(vault.manifest)).slots;
  const fits =
    parsed.issuer === engine.config.issuer &&
    parsed.vaultId === vault?.vaultId &&
    equalBytes(parsed.agentKeyHash, sha256(decodeBase64url(agent.key))) &&
    slots.some(({ id }) => id === parsed.slotId) &&
    isAgentRequestTimely(parsed, Math.floor(engine.config.clock() / 1000));
  if (!fits) throw refusal('invalid_request', 'The request is not for this vault.');
  if (!isSignedByP256(agent.key, decodeBase64url(message.request), message.signature)) {
    throw refusal('invalid_request', 'The agent has not signed the request.');
  }
  return parsed;
}

/** A request of which the agent lost the answer, and sends the very same again. */
async function findRepeated(
  engine: Engine,
  agent: AgentRow,
  { id, request }: Pick<ReleaseRow, 'id' | 'request'>,
): Promise<ReleaseRow | undefined> {
  const row = await engine.stores.releases.get(id);
  const isSame =
    row?.account === agent.account && row.agent === agent.id && row.request === request;
  return isSame ? row : undefined;
}

/** `POST {base}/agent/requests`: asks the user for a secret. Limited, so that none is buried. */
export async function addAgentRequest(
  engine: Engine,
  request: Request,
  context: RequestContext,
): Promise<ExpiryResponse> {
  const message = await readMessage(request, agentRequestRequestSchema);
  const agent = await authenticateAgent(engine, request, '/agent/requests', context);
  const parsed = await assertRequestFits(engine, agent, message);
  const at = engine.config.clock();
  const row: ReleaseRow = {
    id: parsed.requestId,
    account: agent.account,
    agent: agent.id,
    request: message.request,
    signature: message.signature,
    slot: parsed.slotId,
    at,
    expiresAt: at + limits.agentRequestSeconds * 1000,
    status: 'waiting',
    reason: '',
    enc: '',
    ct: '',
    releaseSignature: '',
    uses: 0,
    changedAt: at,
  };
  const result = await engine.stores.releases.insert(row, {
    ...REQUEST_LIMITS,
    keptSince: at - engine.config.releaseRetention * 1000,
  });
  if (result === 'limited') throw refusal('too_many_requests', 'Too many requests of the agent.');
  if (result === 'added') engine.emit({ type: 'release_requested', ...requestIds(row) });
  const stored = result === 'added' ? row : await findRepeated(engine, agent, row);
  if (stored === undefined) throw refusal('invalid_request', 'The id of the request is known.');
  return { expires_at: Math.floor(stored.expiresAt / 1000) };
}

/** The identity key of an account's vault; undefined where it was reset meanwhile. */
async function identityKeyOf(engine: Engine, account: string): Promise<string | undefined> {
  const vault = await engine.stores.vaults.get(account);
  return vault && parseManifest(decodeBase64url(vault.manifest)).identity_key;
}

/**
 * Hands over what was released, once. The entry in the audit log comes first. The identity key lets a
 * broker tell a vault that has another one by now from a release that was planted.
 */
async function collect(engine: Engine, row: ReleaseRow): Promise<AgentRequestReadResponse> {
  const status = 'released';
  if (row.enc === '') return { status };
  const identityKey = await identityKeyOf(engine, row.account);
  await engine.emit({ type: 'release_collected', ...requestIds(row) });
  const sealed = await engine.stores.releases.takeSealed(row.id, engine.config.clock());
  if (sealed === undefined || identityKey === undefined) return { status, ...sealed };
  return { status, ...sealed, identity_key: identityKey };
}

/** `POST {base}/agent/requests/read`: what became of a request. */
export async function readAgentRequest(
  engine: Engine,
  request: Request,
  context: RequestContext,
): Promise<AgentRequestReadResponse> {
  const { id } = await readMessage(request, agentRequestIdRequestSchema);
  const agent = await authenticateAgent(engine, request, '/agent/requests/read', context);
  const row = await requestOfAgent(engine, id, agent);
  const status = requestStatus(row, engine.config.clock());
  if (status === 'released') return collect(engine, row);
  return status === 'rejected' ? { status, reason: row.reason } : { status };
}

/** `POST {base}/agent/requests/cancel`: while it waits. */
export async function cancelAgentRequest(
  engine: Engine,
  request: Request,
  context: RequestContext,
): Promise<void> {
  const { id } = await readMessage(request, agentRequestIdRequestSchema);
  const agent = await authenticateAgent(engine, request, '/agent/requests/cancel', context);
  const row = await requestOfAgent(engine, id, agent);
  const at = engine.config.clock();
  if (await engine.stores.releases.settle(id, { from: 'waiting', to: 'cancelled', at })) {
    engine.emit({ type: 'release_cancelled', ...requestIds(row) });
    return;
  }
  const now = await requestOfAgent(engine, id, agent);
  if (!['cancelled', 'expired'].includes(requestStatus(now, at))) {
    throw refusal('vault_conflict', 'The request was answered before.');
  }
}

/**
 * `POST {base}/agent/uses`: what the broker did with a secret, and whether it may go on. A broker asks
 * often, so the store is not written where it has nothing new.
 */
export async function reportUses(
  engine: Engine,
  request: Request,
  context: RequestContext,
): Promise<AgentUsesResponse> {
  const message = await readMessage(request, agentUsesRequestSchema);
  const agent = await authenticateAgent(engine, request, '/agent/uses', context);
  const row = await requestOfAgent(engine, message.id, agent);
  if (row.status !== 'released' && row.status !== 'ended') {
    throw refusal('vault_conflict', 'Nothing was released.');
  }
  const { releases } = engine.stores;
  const now = engine.config.clock();
  const { id } = message;
  if (message.uses > row.uses) {
    // Never ahead: the time comes from the broker.
    const at = Math.min(now, (message.last_used_at ?? now) * 1000);
    await releases.recordUses(id, message.uses, at);
  }
  const isOver =
    message.ended && (await releases.settle(id, { from: 'released', to: 'ended', at: now }));
  const uses = Math.max(message.uses, row.uses);
  if (await isDueForLog(engine, row, { ...message, isOver })) {
    engine.emit({ type: 'release_used', ...requestIds(row), uses });
  }
  if (isOver) engine.emit({ type: 'release_ended', ...requestIds(row), uses });
  const identityKey = await identityKeyOf(engine, agent.account);
  if (identityKey === undefined) throw refusal('invalid_request', 'The vault is gone.');
  return { ended: message.ended || row.status === 'ended', identity_key: identityKey };
}
