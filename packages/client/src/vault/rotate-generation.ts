import { decodeBase64url, encodeBase64url } from '@pzk-auth/protocol';
import { type PreparedWrite, prepareWrite } from './prepare-write.js';
import { deriveRecipientKeys } from './recipient-keys.js';
import { sealToRecipient } from './seal-recipient.js';
import { makePin } from './unlock-vault-entry.js';
import type { UnlockedVault } from './unlocked-vault.js';

/**
 * Moves the own recipient to the next PRF generation (docs/protocol.md section 12.14): other keys, a
 * new salt and a pin by the new key, in one write.
 *
 * @param nextSecret - The PRF output `second` of the opening.
 */
export async function prepareGeneration(
  vault: UnlockedVault,
  nextSecret: CryptoKey,
): Promise<PreparedWrite> {
  const { manifest, recipient, secrets } = vault;
  const { issuer, vault_id: vaultId } = manifest;
  const { credential_id: credentialId } = recipient;
  const generation = recipient.generation + 1;
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const keys = await deriveRecipientKeys(
    nextSecret,
    { issuer, vaultId, credentialId, generation },
    salt,
  );
  const own = {
    ...recipient,
    hpke_key: encodeBase64url(keys.hpkePublicKey),
    salt: encodeBase64url(salt),
    generation,
  };
  const place = { issuer, vaultId, counter: manifest.counter + 1 };
  const next = await sealToRecipient(place, own, secrets);
  const pin = await makePin(keys.pinKey, {
    issuer,
    vaultId,
    recipientId: recipient.id,
    identityKey: decodeBase64url(manifest.identity_key),
  });
  return prepareWrite(vault, {
    manifest: {
      recipients: manifest.recipients.map((one) =>
        one.id === recipient.id ? next.recipient : one,
      ),
    },
    recipients: [{ id: recipient.id, sealed: next.sealed, pin: encodeBase64url(pin) }],
    pinKey: keys.pinKey,
  });
}
