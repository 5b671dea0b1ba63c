import { emptyRequestSchema } from '@pzk-auth/protocol';
import type { Engine } from '../exchange/engine.js';
import { readMessage } from '../http/read-message.js';
import { authenticateVaultCaller } from './vault-caller.js';

/** `POST {base}/vault/reset/cancel`: whoever can still open the vault keeps it. */
export async function cancelReset(engine: Engine, request: Request): Promise<void> {
  await readMessage(request, emptyRequestSchema);
  const { device } = await authenticateVaultCaller(engine, request, '/vault/reset/cancel');
  const { account, id } = device;
  if (await engine.stores.resets.cancel(account)) {
    engine.emit({ type: 'vault_reset_cancelled', account, device: id });
  }
}
