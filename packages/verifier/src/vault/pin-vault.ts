import { decodeBase64url, parseManifest, vaultPinRequestSchema } from '@pzk-auth/protocol';
import type { Engine } from '../exchange/engine.js';
import { readMessage } from '../http/read-message.js';
import { refusal } from '../refuse.js';
import { authenticateVaultCaller } from './vault-caller.js';

/**
 * `POST {base}/vault/pin`: this device's statement on the identity key that the vault has now, after a
 * succession.
 */
export async function pinVault(engine: Engine, request: Request): Promise<void> {
  const { identity_key: identityKey, pin } = await readMessage(request, vaultPinRequestSchema);
  const caller = await authenticateVaultCaller(engine, request, '/vault/pin');
  const { vault, recipient, device, session } = caller;
  await engine.limits.countExchange(session.key);
  const { account, etag } = vault;
  const stored = parseManifest(decodeBase64url(vault.manifest)).identity_key;
  const isSet =
    stored === identityKey &&
    (await engine.stores.vaults.setPin({ account, etag, recipient: recipient.id, pin }));
  if (!isSet) throw refusal('vault_conflict', 'The vault has another identity key or manifest.');
  await engine.emit({ type: 'vault_pinned', account, device: device.id });
}
