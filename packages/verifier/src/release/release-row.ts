import { type AgentRequestStatus, decodeBase64url, parseAgentRequest } from '@pzk-auth/protocol';
import type { Engine } from '../exchange/engine.js';
import { refusal } from '../refuse.js';
import type { AgentRow, ReleaseRow } from '../stores/vault-stores.js';

/** When a release is over at the latest, milliseconds since the epoch, whatever its broker reports. */
export function releaseEndsAt({ request, expiresAt }: ReleaseRow): number {
  const { ttl, notAfter } = parseAgentRequest(decodeBase64url(request));
  return notAfter > 0 ? notAfter * 1000 : expiresAt + ttl * 1000;
}

/** Where a request stands: one that waited too long has expired, a release whose time is over has ended. */
export function requestStatus(row: ReleaseRow, now: number): AgentRequestStatus {
  const { status, expiresAt } = row;
  if (status === 'waiting' && expiresAt <= now) return 'expired';
  return status === 'released' && releaseEndsAt(row) <= now ? 'ended' : status;
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
