import {
  concatBytes,
  decodeBase64url,
  encodeBase64url,
  PzkError,
  RECOVERY,
  type Succession,
  sha256,
  successionMessage,
  type VaultWrite,
} from '@pzk-auth/protocol';
import { generateIdentityKey } from './identity-key.js';
import { type PreparedWrite, prepareWrite } from './prepare-write.js';
import { type RecipientIdentity, sealToRecipient } from './seal-recipient.js';
import { resealSlots } from './slot-changes.js';
import { makePin } from './unlock-vault-entry.js';
import { signAsVault, type UnlockedVault, VAULT_KEY_BYTES } from './unlocked-vault.js';

/** A recipient that joins in the same write; its key was derived here. */
export interface AddedRecipient {
  readonly identity: RecipientIdentity;
  readonly pinKey: CryptoKey;
}

/** A succession that was made and not sent yet. */
export interface PreparedRotation extends PreparedWrite {
  /** Ids of slots that do not decrypt: they are not in the vault any more. */
  readonly leftOut: readonly string[];
}

/** What a succession does besides changing the keys. */
export interface RotateVaultOptions {
  /** Recipient ids to take out. One that is not listed is out already. */
  readonly remove?: readonly string[];
  readonly add?: readonly AddedRecipient[];
}

function assertRemovable(vault: UnlockedVault, remaining: readonly RecipientIdentity[]): void {
  if (!remaining.some(({ id }) => id === vault.recipient.id)) {
    throw new PzkError('invalid_request', 'A device does not take itself out of the vault.', {
      hint: 'Use another device for that, or sign out here.',
    });
  }
  if (remaining.every(({ credential_id }) => credential_id === RECOVERY)) {
    throw new PzkError('invalid_request', 'The last passkey of a vault stays in it.');
  }
}

/**
 * Makes a succession (docs/protocol.md section 12.11): a new vault key, a new identity key, every slot
 * encrypted anew, both sealed to each recipient that stays, whose keys stand in the manifest that was
 * opened. One write: it happens whole or not at all.
 *
 * @throws PzkError `invalid_request`
 */
export async function prepareRotation(
  vault: UnlockedVault,
  { remove = [], add = [] }: RotateVaultOptions = {},
): Promise<PreparedRotation> {
  const { manifest } = vault;
  const { issuer, vault_id: vaultId } = manifest;
  const staying = manifest.recipients.filter(({ id }) => !remove.includes(id));
  assertRemovable(vault, staying);
  const counter = manifest.counter + 1;
  const identity = await generateIdentityKey();
  const vaultKey = crypto.getRandomValues(new Uint8Array(VAULT_KEY_BYTES));
  const secrets = concatBytes(vaultKey, identity.scalar);
  const pins = new Map([[vault.recipient.id, vault.pinKey]]);
  for (const one of add) pins.set(one.identity.id, one.pinKey);
  try {
    const recipients: VaultWrite['recipients'] = [];
    const roster: (typeof manifest.recipients)[number][] = [];
    for (const one of [...staying, ...add.map((added) => added.identity)]) {
      const { recipient, sealed } = await sealToRecipient(
        { issuer, vaultId, counter },
        one,
        secrets,
      );
      const pinKey = pins.get(one.id);
      const pinned = { issuer, vaultId, recipientId: one.id, identityKey: identity.publicKey };
      const pin = pinKey && encodeBase64url(await makePin(pinKey, pinned));
      recipients.push({ id: one.id, sealed, ...(pin === undefined ? {} : { pin }) });
      roster.push(recipient);
    }
    const { slots, blobs, leftOut } = await resealSlots(vault, secrets);
    const identityKey = encodeBase64url(identity.publicKey);
    const succession = await signSuccession(vault, identityKey);
    const prepared = await prepareWrite(vault, {
      manifest: { identity_key: identityKey, recipients: roster, slots },
      slots: [...blobs],
      recipients,
      succession,
      secrets,
    });
    return { ...prepared, leftOut };
  } catch (cause) {
    secrets.fill(0);
    throw cause;
  } finally {
    vaultKey.fill(0);
    identity.scalar.fill(0);
  }
}

/** The old identity key names the new one. */
async function signSuccession(vault: UnlockedVault, newKey: string): Promise<Succession> {
  const { issuer, vault_id: vaultId, identity_key: oldKey } = vault.manifest;
  const counter = vault.manifest.counter + 1;
  const previous = sha256(vault.bytes);
  const by = vault.recipient.id;
  const message = successionMessage({
    issuer,
    vaultId,
    oldIdentityKey: decodeBase64url(oldKey),
    newIdentityKey: decodeBase64url(newKey),
    counter,
    previous,
    by,
  });
  return {
    old_identity_key: oldKey,
    identity_key: newKey,
    counter,
    previous: encodeBase64url(previous),
    by,
    signature: encodeBase64url(await signAsVault(vault, message)),
  };
}
