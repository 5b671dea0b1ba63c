import {
  emptyRequestSchema,
  limits,
  pageRequestSchema,
  type ReceiptsResponse,
  type ReleasesResponse,
  receiptsRequestSchema,
  releaseEndRequestSchema,
  requestRejectRequestSchema,
  type WaitingRequestsResponse,
} from '@pzk-auth/protocol';
import type { Engine } from '../exchange/engine.js';
import { readMessage } from '../http/read-message.js';
import { refusal } from '../refuse.js';
import type { ReleaseRow } from '../stores/vault-stores.js';
import { authenticateVaultCaller } from '../vault/vault-caller.js';
import { isUntold } from './logged-uses.js';
import { releaseEndsAt, requestIds, requestOfAccount, requestStatus } from './release-row.js';
import { listWaiting } from './waiting-requests.js';

const seconds = (milliseconds: number) => Math.floor(milliseconds / 1000);

/** `POST {base}/vault/requests`: what waits for the user. */
export async function listRequests(
  engine: Engine,
  request: Request,
): Promise<WaitingRequestsResponse> {
  await readMessage(request, emptyRequestSchema);
  const { vault } = await authenticateVaultCaller(engine, request, '/vault/requests');
  const rows = await listWaiting(engine, vault.account);
  return {
    requests: rows.map((row) => ({
      request: row.request,
      signature: row.signature,
      at: seconds(row.at),
      expires_at: seconds(row.expiresAt),
    })),
  };
}

/** `POST {base}/vault/requests/reject`: the user says no. */
export async function rejectRequest(engine: Engine, request: Request): Promise<void> {
  const { id, reason } = await readMessage(request, requestRejectRequestSchema);
  const caller = await authenticateVaultCaller(engine, request, '/vault/requests/reject');
  const row = await requestOfAccount(engine, id, caller.vault.account);
  const at = engine.config.clock();
  if (await engine.stores.releases.settle(id, { from: 'waiting', to: 'rejected', reason, at })) {
    engine.emit({ type: 'release_rejected', device: caller.device.id, ...requestIds(row) });
    return;
  }
  const { status } = await requestOfAccount(engine, id, caller.vault.account);
  if (status !== 'rejected') throw refusal('vault_conflict', 'The request does not wait.');
}

/** `POST {base}/vault/releases/end`: the kill switch. What nobody has fetched yet is deleted with it. */
export async function endRelease(engine: Engine, request: Request): Promise<void> {
  const { id } = await readMessage(request, releaseEndRequestSchema);
  const caller = await authenticateVaultCaller(engine, request, '/vault/releases/end');
  const row = await requestOfAccount(engine, id, caller.vault.account);
  const at = engine.config.clock();
  if (await engine.stores.releases.settle(id, { from: 'released', to: 'ended', at })) {
    const { uses } = row;
    // So that the broker's last report is an entry only where it says more.
    await isUntold(engine, id, uses);
    engine.emit({ type: 'release_ended', device: caller.device.id, ...requestIds(row), uses });
    return;
  }
  const { status } = await requestOfAccount(engine, id, caller.vault.account);
  if (status !== 'ended') throw refusal('vault_conflict', 'Nothing was released.');
}

function describeRelease(row: ReleaseRow, now: number): ReleasesResponse['releases'][number] {
  const status = requestStatus(row, now);
  const goesOn = status === 'waiting' || status === 'released';
  const endedAt =
    status === row.status
      ? row.changedAt
      : status === 'expired'
        ? row.expiresAt
        : releaseEndsAt(row);
  return {
    request: row.request,
    at: seconds(row.at),
    status,
    uses: row.uses,
    ...(row.lastUsedAt === undefined ? {} : { last_used_at: seconds(row.lastUsedAt) }),
    ...(goesOn ? {} : { ended_at: seconds(endedAt) }),
  };
}

/** `POST {base}/vault/releases/list`: all requests and what became of them, newest first. */
export async function listReleases(engine: Engine, request: Request): Promise<ReleasesResponse> {
  const { before } = await readMessage(request, pageRequestSchema);
  const { vault } = await authenticateVaultCaller(engine, request, '/vault/releases/list');
  const rows = await engine.stores.releases.listByAccount(vault.account, {
    before: before === undefined ? undefined : before * 1000,
    limit: limits.listPage,
  });
  const now = engine.config.clock();
  return { releases: rows.map((row) => describeRelease(row, now)) };
}

/** `POST {base}/vault/receipts`: what shows, also to others, that the user approved. */
export async function listReceipts(engine: Engine, request: Request): Promise<ReceiptsResponse> {
  const { after = 0 } = await readMessage(request, receiptsRequestSchema);
  const { vault } = await authenticateVaultCaller(engine, request, '/vault/receipts');
  const range = { after, limit: limits.receiptPage };
  const rows = await engine.stores.releases.listReceipts(vault.account, range);
  return { receipts: rows.map(({ number, receipt }) => ({ number, receipt })) };
}
