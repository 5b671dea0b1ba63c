import {
  decodeBase64url,
  encodeBase64url,
  parseRecoveryCode,
  RECOVERY,
  type RecoveryFields,
  recoveryMessage,
  recoveryWriteHash,
  type VaultOpenResponse,
  vaultOpenResponseSchema,
  vaultWriteResponseSchema,
} from '@pzk-auth/protocol';
import type { SessionKey } from '../transport/session-key.js';
import { prepareWrite } from '../vault/prepare-write.js';
import { randomId } from '../vault/random-id.js';
import { deriveConfirmedKeys } from '../vault/recipient-keys.js';
import { deriveRecoveryKeys, type RecoveryKeys } from '../vault/recovery-recipient.js';
import { ownChanges } from '../vault/roster.js';
import { sealToRecipient } from '../vault/seal-recipient.js';
import {
  makePin,
  type UnlockedEntry,
  unlockVaultEntry,
  type VaultApprovals,
} from '../vault/unlock-vault-entry.js';
import { wipeVault } from '../vault/unlocked-vault.js';
import type { PasskeyUser } from '../webauthn/passkeys.js';
import type { ExchangeContext } from './exchange-context.js';
import { type NewPasskey, withNewPasskey } from './new-passkey.js';
import { recallVault } from './open-vault.js';
import { requestChallenge } from './request-challenge.js';

/** What a recovery takes. */
export interface RecoverVaultOptions extends VaultApprovals {
  /** As the user types it in. */
  readonly code: string;
  readonly user: PasskeyUser;
  readonly key: SessionKey;
  readonly signal: AbortSignal;
}

/** Shows the code: its public key and a signature that stands for this exchange alone. */
async function showCode(
  { config }: ExchangeContext,
  keys: RecoveryKeys,
  exchange: Pick<RecoveryFields, 'nonce' | 'jkt' | 'endpoint' | 'writeHash'>,
) {
  const { issuer, audience } = config;
  const signature = await keys.sign(recoveryMessage({ issuer, audience, ...exchange }));
  return {
    recovery_key: encodeBase64url(keys.publicKey),
    signature: encodeBase64url(signature),
  };
}

async function readVault(
  context: ExchangeContext,
  keys: RecoveryKeys,
  { key, signal, approveSuccession, approveReplacedSlots, approveRollback }: RecoverVaultOptions,
): Promise<UnlockedEntry> {
  const { config, transport, records } = context;
  const { nonce } = await requestChallenge(context, 'enroll', key, signal);
  const told = await records.readLastVault();
  const body = {
    nonce,
    ...(await showCode(context, keys, { nonce, jkt: key.jkt, endpoint: '/vault/recover' })),
    ...(told === undefined ? {} : { counter: told.vault.counter }),
  };
  const answer: VaultOpenResponse = await transport.post(
    { path: '/vault/recover', body, key, signal },
    vaultOpenResponseSchema,
  );
  // It may be of another account.
  const recalled = await recallVault(records, answer, told);
  const unlocked = await unlockVaultEntry({
    issuer: config.issuer,
    credentialId: RECOVERY,
    entry: answer.vault,
    // The manifest's parser lets a recovery recipient have generation 1 only.
    secretFor: async () => keys.secret,
    ...recalled,
    successions: answer.successions,
    approveSuccession,
    approveReplacedSlots,
    approveRollback,
  });
  try {
    // The user's yes to an older state is kept also where the rest fails.
    const advance = { checked: recalled.memory, approved: unlocked.approved };
    await records.advanceVault(unlocked.vault.memory, advance);
    return unlocked;
  } catch (cause) {
    wipeVault(unlocked.vault);
    throw cause;
  }
}

/** The code's own place in the vault where the user approved another signer: sealed anew, with its pin. */
async function repinCode({ vault, newPin }: UnlockedEntry) {
  const { issuer, vault_id: vaultId, counter } = vault.manifest;
  if (newPin === undefined) return undefined;
  const place = { issuer, vaultId, counter: counter + 1 };
  return { ...(await sealToRecipient(place, vault.recipient, vault.secrets)), pin: newPin };
}

/** The write that lists a fresh passkey, made by whom the code let in. */
async function prepareEnrollment(unlocked: UnlockedEntry, passkey: NewPasskey) {
  const { vault } = unlocked;
  const { issuer, vault_id: vaultId, counter, recipients, identity_key } = vault.manifest;
  const { credentialId, coseKey, generation } = passkey;
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const derivation = { issuer, vaultId, credentialId, generation };
  const keys = await deriveConfirmedKeys(passkey, derivation, salt);
  const identity = {
    id: randomId(),
    hpke_key: encodeBase64url(keys.hpkePublicKey),
    credential_id: credentialId,
    cose_key: encodeBase64url(coseKey),
    salt: encodeBase64url(salt),
    generation,
  };
  const place = { issuer, vaultId, counter: counter + 1 };
  const { recipient, sealed } = await sealToRecipient(place, identity, vault.secrets);
  const pinned = { issuer, vaultId, recipientId: identity.id };
  const pin = await makePin(keys.pinKey, {
    ...pinned,
    identityKey: decodeBase64url(identity_key),
  });
  const code = await repinCode(unlocked);
  const staying = recipients.map((one) => (one.id === code?.recipient.id ? code.recipient : one));
  return prepareWrite(vault, {
    manifest: { recipients: [...staying, recipient] },
    recipients: [
      { id: identity.id, sealed, pin: encodeBase64url(pin) },
      ...(code === undefined
        ? []
        : [{ id: code.recipient.id, sealed: code.sealed, pin: code.pin }]),
    ],
  });
}

/**
 * Lets a browser in that has nothing but the recovery code: reads the vault, opens it, and enrols a
 * fresh passkey into it. The code stays as it is, but for its pin where the user approved another signer.
 */
export async function recoverVault(
  context: ExchangeContext,
  options: RecoverVaultOptions,
): Promise<void> {
  const { config, transport, records } = context;
  const { user, key, signal } = options;
  const keys = await deriveRecoveryKeys(parseRecoveryCode(options.code), config.issuer);
  const unlocked = await readVault(context, keys, options);
  const before = unlocked.vault;
  try {
    const { nonce, webauthn } = await requestChallenge(context, 'enroll', key, signal);
    const making = { user, challenge: webauthn, signal };
    await withNewPasskey(context, making, async (passkey, sending) => {
      const { credentialId, generation, deviceSecret } = passkey;
      const { write, ifMatch, next } = await prepareEnrollment(unlocked, passkey);
      if (deviceSecret !== undefined) await records.writeDeviceSecret(credentialId, deviceSecret);
      const body = {
        nonce,
        registration: passkey.registration,
        user_id: passkey.userId,
        assertion: passkey.assertion,
        ...(await showCode(context, keys, {
          nonce,
          jkt: key.jkt,
          endpoint: '/enroll',
          writeHash: recoveryWriteHash(write),
        })),
        if_match: ifMatch,
        write,
      };
      sending();
      await transport.post({ path: '/enroll', body, key, signal }, vaultWriteResponseSchema);
      await records.advanceDevice(
        { credentialId, generation, vault: next.memory },
        { checked: before.memory, roster: ownChanges(before.manifest, next.manifest) },
      );
    });
  } finally {
    wipeVault(unlocked.vault);
  }
}
