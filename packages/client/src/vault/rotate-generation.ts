import {
  decodeBase64url,
  encodeBase64url,
  equalBytes,
  hpkeInfo,
  PzkError,
} from '@pzk-auth/protocol';
import { type PreparedWrite, prepareWrite } from './prepare-write.js';
import { deriveSameKeys } from './recipient-keys.js';
import { sealToRecipient } from './seal-recipient.js';
import { nextDerivation, type SeenGeneration } from './seen-generation.js';
import { makePin } from './unlock-vault-entry.js';
import type { UnlockedVault } from './unlocked-vault.js';

/** A PRF generation that came twice, in two ceremonies. */
export interface ConfirmedGeneration {
  /** As it came first. */
  readonly seen: SeenGeneration;
  /** As it came again. */
  readonly secret: CryptoKey;
  /** The one after it, which came with it. */
  readonly following: SeenGeneration | undefined;
}

/**
 * Moves the own recipient to the next PRF generation (docs/protocol.md section 12.14): other keys, a
 * new salt and a pin by the new key, in one write.
 *
 * @throws PzkError `prf_mismatch` if the two disagree; `vault_conflict` if it is not the next any more
 */
export async function prepareGeneration(
  vault: UnlockedVault,
  { seen, secret, following }: ConfirmedGeneration,
): Promise<PreparedWrite> {
  const { manifest, recipient, secrets } = vault;
  const { issuer, vault_id: vaultId } = manifest;
  const { fields, salt } = seen;
  // Another vault, passkey or generation may have been opened since the touch.
  if (!equalBytes(hpkeInfo(fields), hpkeInfo(nextDerivation(vault)))) {
    throw new PzkError('vault_conflict', 'Another vault, or generation, was opened meanwhile.');
  }
  const keys = await deriveSameKeys(secret, fields, salt, seen.hpkePublicKey);
  const own = {
    ...recipient,
    hpke_key: encodeBase64url(keys.hpkePublicKey),
    salt: encodeBase64url(salt),
    generation: fields.generation,
  };
  const place = { issuer, vaultId, counter: manifest.counter + 1 };
  const { recipient: renewed, sealed } = await sealToRecipient(place, own, secrets);
  const pin = await makePin(keys.pinKey, {
    issuer,
    vaultId,
    recipientId: recipient.id,
    identityKey: decodeBase64url(manifest.identity_key),
  });
  const prepared = await prepareWrite(vault, {
    manifest: {
      recipients: manifest.recipients.map((one) => (one.id === recipient.id ? renewed : one)),
    },
    recipients: [{ id: recipient.id, sealed, pin: encodeBase64url(pin) }],
    pinKey: keys.pinKey,
  });
  return { ...prepared, next: { ...prepared.next, seenNext: following } };
}
