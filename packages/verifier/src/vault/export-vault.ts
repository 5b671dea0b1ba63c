import { emptyRequestSchema, type VaultExportResponse } from '@pzk-auth/protocol';
import type { Engine } from '../exchange/engine.js';
import { readMessage } from '../http/read-message.js';
import { refusal } from '../refuse.js';
import { authenticateVaultCaller } from './vault-caller.js';
import { vaultEntryFor } from './vault-view.js';

/** `POST {base}/vault/export`: the entry that the recovery code opens. */
export async function exportVault(engine: Engine, request: Request): Promise<VaultExportResponse> {
  await readMessage(request, emptyRequestSchema);
  const { vault, device } = await authenticateVaultCaller(engine, request, '/vault/export');
  // That of the code stands on no device.
  const recovery = vault.recipients.find((recipient) => recipient.device === '');
  if (recovery === undefined) throw refusal('not_found', 'The vault has no recovery code.');
  await engine.emit({ type: 'vault_exported', account: vault.account, device: device.id });
  return { vault: vaultEntryFor(vault, recovery), successions: [...vault.successions] };
}
