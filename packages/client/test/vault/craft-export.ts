import {
  type Bytes,
  concatBytes,
  encodeBase64url,
  formatEs256CoseKey,
  formatRecoveryCode,
  RECOVERY,
  type Succession,
  utf8,
  VAULT_EXPORT_FORMAT,
  type VaultEntry,
  type VaultExport,
} from '@pzk-auth/protocol';
import { createVaultEntry } from '../../src/vault/create-vault-entry.js';
import { generateIdentityKey } from '../../src/vault/identity-key.js';
import { type PreparedWrite, prepareWrite } from '../../src/vault/prepare-write.js';
import { deriveRecipientKeys } from '../../src/vault/recipient-keys.js';
import { prepareRotation } from '../../src/vault/rotate-vault.js';
import { sealToRecipient } from '../../src/vault/seal-recipient.js';
import { addSlot } from '../../src/vault/slot-changes.js';
import { makePin, unlockVaultEntry } from '../../src/vault/unlock-vault-entry.js';
import type { UnlockedVault } from '../../src/vault/unlocked-vault.js';
import { credentialId, importSecret, issuer, randomBytes, randomId } from './craft-vault.js';

/** A secret of another service, in the hands of a test. */
export interface CraftSecret {
  readonly name: string;
  readonly provider: string;
  readonly value: Bytes;
}

async function unlockNewVault(apiKey: string): Promise<UnlockedVault> {
  const bytes = randomBytes(32);
  const secret = await importSecret(bytes);
  const { entry } = await createVaultEntry({
    issuer,
    secret,
    confirmation: await importSecret(bytes),
    credentialId,
    coseKey: new Uint8Array(77).fill(1),
    generation: 1,
    apiKey: utf8(apiKey),
  });
  const secretFor = () => Promise.resolve(secret);
  return (await unlockVaultEntry({ issuer, credentialId, entry, secretFor })).vault;
}

/** Makes the recipient of a recovery code, as its owner would. */
async function addRecovery(vault: UnlockedVault, code: Bytes) {
  const { vault_id: vaultId, counter } = vault.manifest;
  const salt = randomBytes(32);
  const derivation = { issuer, vaultId, credentialId: RECOVERY, generation: 1 };
  const keys = await deriveRecipientKeys(await importSecret(code), derivation, salt);
  const id = randomId();
  const identity = {
    id,
    hpke_key: encodeBase64url(keys.hpkePublicKey),
    credential_id: RECOVERY,
    cose_key: encodeBase64url(formatEs256CoseKey((await generateIdentityKey()).publicKey)),
    salt: encodeBase64url(salt),
    generation: 1,
  };
  const place = { issuer, vaultId, counter: counter + 1 };
  const { recipient, sealed } = await sealToRecipient(place, identity, vault.secrets);
  const identityKey = new Uint8Array(Buffer.from(vault.manifest.identity_key, 'base64url'));
  const pinned = { issuer, vaultId, recipientId: id, identityKey };
  const pin = encodeBase64url(await makePin(keys.pinKey, pinned));
  const prepared = await prepareWrite(vault, {
    manifest: { recipients: [...vault.manifest.recipients, recipient] },
    recipients: [{ id, sealed, pin }],
  });
  return { prepared, id, pin };
}

function exportOf(prepared: PreparedWrite, recovery: { id: string; pin: string }): VaultExport {
  const { next, write } = prepared;
  const { sealed } = write.recipients.find(({ id }) => id === recovery.id) ?? {};
  if (sealed === undefined) throw new TypeError('Nothing was sealed to the recovery code.');
  const entry: VaultEntry = {
    vault_id: next.manifest.vault_id,
    manifest: write.manifest,
    manifest_signature: write.manifest_signature,
    sealed,
    pin: recovery.pin,
    slots: next.manifest.slots.map(({ id }) => ({ id, blob: next.blobs.get(id) ?? '' })),
  };
  const successions: Succession[] = write.succession === undefined ? [] : [write.succession];
  return { format: VAULT_EXPORT_FORMAT, issuer, exported_at: 1_790_000_000, entry, successions };
}

/**
 * A vault that the client's functions made, with an API key, secrets and a recovery code, and exports of
 * it: as it is, and after another device changed its keys.
 */
export async function craftExport(secrets: readonly CraftSecret[], apiKey = 'wd_key') {
  let vault = await unlockNewVault(apiKey);
  for (const secret of secrets) {
    const { change } = await addSlot(vault, { ...secret, value: secret.value.slice() });
    vault = (await prepareWrite(vault, change)).next;
  }
  const code = randomBytes(32);
  const recoveryCode = formatRecoveryCode(code);
  const { prepared, ...recovery } = await addRecovery(vault, concatBytes(code));
  const rotated = await prepareRotation(prepared.next);
  return {
    recoveryCode,
    document: exportOf(prepared, recovery),
    rotated: exportOf(rotated, recovery),
    /** Recipient id of the device. */
    device: vault.recipient.id,
    /** In the order of the vault; the API key is the first. */
    slotIds: vault.manifest.slots.map(({ id }) => id),
  };
}
