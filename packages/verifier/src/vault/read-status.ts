import { emptyRequestSchema, type VaultStatusResponse } from '@pzk-auth/protocol';
import type { Engine } from '../exchange/engine.js';
import { readMessage } from '../http/read-message.js';
import { listWaiting } from '../release/waiting-requests.js';
import { authenticateVaultCaller } from './vault-caller.js';
import { vaultNotices } from './vault-view.js';

/** `POST {base}/vault/status`: whether something changed, and what waits. */
export async function readVaultStatus(
  engine: Engine,
  request: Request,
): Promise<VaultStatusResponse> {
  await readMessage(request, emptyRequestSchema);
  const { vault } = await authenticateVaultCaller(engine, request, '/vault/status');
  const [notices, waiting] = await Promise.all([
    vaultNotices(engine, vault),
    listWaiting(engine, vault.account),
  ]);
  return { vault_id: vault.vaultId, etag: vault.etag, ...notices, requests: waiting.length };
}
