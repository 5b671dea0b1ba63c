import {
  decodeBase64url,
  encodeBase64url,
  pinWriteMessage,
  type VaultPinRequest,
} from '@pzk-auth/protocol';
import { signAsVault, type UnlockedVault } from './unlocked-vault.js';

/**
 * A new pin of the own recipient as the server takes it: signed by the identity key, so that nobody who
 * has but a token can put another in its place (docs/protocol.md section 12.5).
 *
 * @param pin - base64url.
 */
export async function signPin(vault: UnlockedVault, pin: string): Promise<VaultPinRequest> {
  const { issuer, vault_id: vaultId, identity_key } = vault.manifest;
  const { id: recipientId, salt } = vault.recipient;
  const message = pinWriteMessage({
    issuer,
    vaultId,
    recipientId,
    salt: decodeBase64url(salt),
    identityKey: decodeBase64url(identity_key),
    pin: decodeBase64url(pin),
  });
  const signature = encodeBase64url(await signAsVault(vault, message));
  return { identity_key, pin, signature };
}
