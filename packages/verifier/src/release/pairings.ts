import { randomBytes } from 'node:crypto';
import {
  type AgentPairingResponse,
  decodeBase64url,
  emptyRequestSchema,
  limits,
  PAIRING_ID_BYTES,
  type PairingReadResponse,
  type PairingResponse,
  pairingAnswerRequestSchema,
  pairingCommitRequestSchema,
  pairingIdRequestSchema,
  pairingRevealRequestSchema,
  parseManifest,
} from '@pzk-auth/protocol';
import type { Engine, RequestContext } from '../exchange/engine.js';
import { assertAddressBudget } from '../exchange/proof-check.js';
import { readMessage } from '../http/read-message.js';
import { refusal } from '../refuse.js';
import type { PairingRow, PairingStatus, PairingStep } from '../stores/vault-stores.js';
import { p256Thumbprint } from '../vault/p256.js';
import { authenticateVaultCaller } from '../vault/vault-caller.js';

/** Where a pairing stands; one that has expired is ended. */
function pairingStatus(row: PairingRow, now: number): PairingStatus {
  return row.expiresAt <= now ? 'ended' : row.status;
}

async function ownPairing(engine: Engine, id: string, account: string): Promise<PairingRow> {
  const row = await engine.stores.pairings.get(id);
  if (row?.account !== account) throw refusal('not_found', 'No such pairing of this account.');
  return row;
}

async function findPairing(
  engine: Engine,
  context: RequestContext,
  id: string,
): Promise<PairingRow> {
  await assertAddressBudget(engine, context);
  const row = await engine.stores.pairings.get(id);
  if (row === undefined) throw refusal('not_found', 'No such pairing.');
  return row;
}

/** Takes one step, which happens once and in its order. */
async function advance(
  engine: Engine,
  id: string,
  change: { readonly from: PairingStatus; readonly to: PairingStatus; readonly step: PairingStep },
): Promise<void> {
  if (!(await engine.stores.pairings.advance(id, change, engine.config.clock()))) {
    throw refusal('invalid_request', `The pairing is not ${change.from}.`);
  }
}

/** `POST {base}/vault/pairings`: an id that the user types at the broker. */
export async function createPairing(engine: Engine, request: Request): Promise<PairingResponse> {
  await readMessage(request, emptyRequestSchema);
  const caller = await authenticateVaultCaller(engine, request, '/vault/pairings');
  const { vault, device, session } = caller;
  await engine.limits.countExchange(session.key);
  const { account, vaultId } = vault;
  const now = engine.config.clock();
  const expiresAt = now + limits.pairingSeconds * 1000;
  const id = randomBytes(PAIRING_ID_BYTES).toString('base64url');
  const nothing = {
    name: '',
    commitment: '',
    identityKey: '',
    nonceB: '',
    agentKey: '',
    nonceA: '',
  };
  const row = {
    id,
    account,
    vaultId,
    device: device.id,
    expiresAt,
    status: 'open',
    ...nothing,
  } as const;
  if (!(await engine.stores.pairings.insert(row, now))) {
    throw new Error('A random id of a pairing came twice.');
  }
  await engine.emit({ type: 'pairing_created', account, device: device.id });
  return { id, expires_at: Math.floor(expiresAt / 1000) };
}

/** `POST {base}/vault/pairings/read`: what the broker has sent. */
export async function readPairing(engine: Engine, request: Request): Promise<PairingReadResponse> {
  const { id } = await readMessage(request, pairingIdRequestSchema);
  const { vault } = await authenticateVaultCaller(engine, request, '/vault/pairings/read');
  const row = await ownPairing(engine, id, vault.account);
  const status = pairingStatus(row, engine.config.clock());
  const { name, commitment, agentKey, nonceA } = row;
  switch (status) {
    case 'committed':
    case 'answered':
      return { status, name, commitment };
    case 'revealed':
      return { status, name, commitment, agent_key: agentKey, nonce_a: nonceA };
    default:
      return { status };
  }
}

/** `POST {base}/vault/pairings/answer`: what the browser brings, after the broker has committed. */
export async function answerPairing(engine: Engine, request: Request): Promise<void> {
  const message = await readMessage(request, pairingAnswerRequestSchema);
  const caller = await authenticateVaultCaller(engine, request, '/vault/pairings/answer');
  const { account, manifest } = caller.vault;
  const row = await ownPairing(engine, message.id, account);
  const { identity_key: identityKey, nonce_b: nonceB } = message;
  if (parseManifest(decodeBase64url(manifest)).identity_key !== identityKey) {
    throw refusal('vault_conflict', 'The vault has another identity key meanwhile.');
  }
  const step = { identityKey, nonceB };
  await advance(engine, row.id, { from: 'committed', to: 'answered', step });
  await engine.emit({ type: 'pairing_answered', account, device: caller.device.id });
}

/** `POST {base}/vault/pairings/end`: from wherever it stands. */
export async function endPairing(engine: Engine, request: Request): Promise<void> {
  const { id } = await readMessage(request, pairingIdRequestSchema);
  const caller = await authenticateVaultCaller(engine, request, '/vault/pairings/end');
  const { account } = caller.vault;
  const { pairings } = engine.stores;
  for (;;) {
    const row = await ownPairing(engine, id, account);
    const now = engine.config.clock();
    const from = pairingStatus(row, now);
    if (from === 'ended') return;
    // Again if the broker took a step meanwhile; there are three of them.
    if (await pairings.advance(id, { from, to: 'ended', step: {} }, now)) break;
  }
  engine.emit({ type: 'pairing_ended', account, device: caller.device.id });
}

/** `POST {base}/agent/pairings/open`, by the id alone: what the broker has to know. */
export async function openPairing(
  engine: Engine,
  request: Request,
  context: RequestContext,
): Promise<AgentPairingResponse> {
  const { id } = await readMessage(request, pairingIdRequestSchema);
  const row = await findPairing(engine, context, id);
  const status = pairingStatus(row, engine.config.clock());
  const opened = { issuer: engine.config.issuer, vault_id: row.vaultId };
  return status === 'answered' || status === 'revealed'
    ? { status, ...opened, identity_key: row.identityKey, nonce_b: row.nonceB }
    : { status, ...opened };
}

/** `POST {base}/agent/pairings/commit`: before the broker knows what the browser brings. */
export async function commitPairing(
  engine: Engine,
  request: Request,
  context: RequestContext,
): Promise<void> {
  const { id, commitment, name } = await readMessage(request, pairingCommitRequestSchema);
  const { account } = await findPairing(engine, context, id);
  await advance(engine, id, { from: 'open', to: 'committed', step: { commitment, name } });
  await engine.emit({ type: 'pairing_committed', account });
}

/**
 * `POST {base}/agent/pairings/reveal`: what the commitment stands for. The browser checks that: at the
 * server's word nobody should trust it.
 */
export async function revealPairing(
  engine: Engine,
  request: Request,
  context: RequestContext,
): Promise<void> {
  const message = await readMessage(request, pairingRevealRequestSchema);
  const { id, agent_key: agentKey, nonce_a: nonceA } = message;
  const { account } = await findPairing(engine, context, id);
  // A pairing that renews one changes nobody in the vault, so nothing else would name the agent.
  const known = await engine.stores.agents.findByJkt(p256Thumbprint(agentKey));
  const again = known?.account === account ? { agent: known.id } : {};
  await advance(engine, id, { from: 'answered', to: 'revealed', step: { agentKey, nonceA } });
  await engine.emit({ type: 'pairing_revealed', account, ...again });
}
