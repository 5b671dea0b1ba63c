import { decodeBase64url, encodeBase64url, PzkError } from '@pzk-auth/protocol';
import { type PreparedWrite, prepareWrite } from './prepare-write.js';
import { type ConfirmedSecret, deriveConfirmedKeys } from './recipient-keys.js';
import { sealToRecipient } from './seal-recipient.js';
import { makePin } from './unlock-vault-entry.js';
import type { UnlockedVault } from './unlocked-vault.js';

/**
 * Moves the own recipient to the next PRF generation (docs/protocol.md section 12.14): other keys, a
 * new salt and a pin by the new key, in one write.
 *
 * @param next - Its secret, derived twice.
 * @throws PzkError `prf_mismatch` if the two disagree; `vault_conflict` if it is not the next any more
 */
export async function prepareGeneration(
  vault: UnlockedVault,
  next: ConfirmedSecret & { readonly generation: number },
): Promise<PreparedWrite> {
  const { manifest, recipient, secrets } = vault;
  const { issuer, vault_id: vaultId } = manifest;
  const { credential_id: credentialId } = recipient;
  const { generation } = next;
  if (generation !== recipient.generation + 1) {
    throw new PzkError('vault_conflict', 'This device has moved to another generation meanwhile.');
  }
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const derivation = { issuer, vaultId, credentialId, generation };
  const keys = await deriveConfirmedKeys(next, derivation, salt);
  const own = {
    ...recipient,
    hpke_key: encodeBase64url(keys.hpkePublicKey),
    salt: encodeBase64url(salt),
    generation,
  };
  const place = { issuer, vaultId, counter: manifest.counter + 1 };
  const { recipient: renewed, sealed } = await sealToRecipient(place, own, secrets);
  const pin = await makePin(keys.pinKey, {
    issuer,
    vaultId,
    recipientId: recipient.id,
    identityKey: decodeBase64url(manifest.identity_key),
  });
  return prepareWrite(vault, {
    manifest: {
      recipients: manifest.recipients.map((one) => (one.id === recipient.id ? renewed : one)),
    },
    recipients: [{ id: recipient.id, sealed, pin: encodeBase64url(pin) }],
    pinKey: keys.pinKey,
  });
}
