import type { AgentRequestStatus } from '@pzk-auth/protocol';
import type { Engine } from '../exchange/engine.js';
import { refusal } from '../refuse.js';
import type { AgentRow, ReleaseRow } from '../stores/vault-stores.js';

/** Where a request stands; one that waited too long has expired. */
export function requestStatus({ status, expiresAt }: ReleaseRow, now: number): AgentRequestStatus {
  return status === 'waiting' && expiresAt <= now ? 'expired' : status;
}

/** @throws PzkError `not_found`, for unknown requests and those of another account alike */
export async function requestOfAccount(
  engine: Engine,
  id: string,
  account: string,
): Promise<ReleaseRow> {
  const row = await engine.stores.releases.get(id);
  if (row?.account !== account) throw refusal('not_found', 'No such request of this account.');
  return row;
}

/** @throws PzkError `not_found`, for unknown requests and those of another agent alike */
export async function requestOfAgent(
  engine: Engine,
  id: string,
  agent: AgentRow,
): Promise<ReleaseRow> {
  const row = await engine.stores.releases.get(id);
  if (row?.account !== agent.account || row.agent !== agent.id) {
    throw refusal('not_found', 'No such request of this agent.');
  }
  return row;
}

/** The ids of a request that its events carry. */
export function requestIds({ account, agent, slot, id }: ReleaseRow) {
  return { account, agent, slot, request: id } as const;
}
