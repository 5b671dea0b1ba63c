import {
  decodeBase64url,
  parseManifest,
  pinWriteMessage,
  type VaultPinRequest,
  vaultPinRequestSchema,
} from '@pzk-auth/protocol';
import type { Engine } from '../exchange/engine.js';
import { readMessage } from '../http/read-message.js';
import { refusal } from '../refuse.js';
import { isSignedByP256 } from './p256.js';
import { authenticateVaultCaller, type VaultCaller } from './vault-caller.js';

/**
 * Whoever pins has opened the vault. A wrong pin locks its recipient out for good, so a token alone is
 * not enough to set one.
 */
function assertSigned(
  issuer: string,
  { vault, recipient }: VaultCaller,
  { identity_key: identityKey, pin, signature }: VaultPinRequest,
): void {
  const manifest = parseManifest(decodeBase64url(vault.manifest));
  const listed = manifest.recipients.find(({ id }) => id === recipient.id);
  if (manifest.identity_key !== identityKey || listed === undefined) {
    throw refusal('vault_conflict', 'The vault has another identity key.');
  }
  const message = pinWriteMessage({
    issuer,
    vaultId: vault.vaultId,
    recipientId: recipient.id,
    salt: decodeBase64url(listed.salt),
    identityKey: decodeBase64url(identityKey),
    pin: decodeBase64url(pin),
  });
  if (isSignedByP256(identityKey, message, signature)) return;
  throw refusal('invalid_request', 'The identity key has not signed the pin.');
}

/**
 * `POST {base}/vault/pin`: this device's statement on the identity key that the vault has now, after a
 * succession.
 */
export async function pinVault(engine: Engine, request: Request): Promise<void> {
  const message = await readMessage(request, vaultPinRequestSchema);
  const caller = await authenticateVaultCaller(engine, request, '/vault/pin');
  const { vault, recipient, device, session } = caller;
  await engine.limits.countExchange(session.key);
  assertSigned(engine.config.issuer, caller, message);
  const { account, etag } = vault;
  const { pin } = message;
  if (!(await engine.stores.vaults.setPin({ account, etag, recipient: recipient.id, pin }))) {
    throw refusal('vault_conflict', 'The vault has another manifest.');
  }
  await engine.emit({ type: 'vault_pinned', account, device: device.id });
}
