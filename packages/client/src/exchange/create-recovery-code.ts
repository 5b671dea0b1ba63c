import {
  type Bytes,
  decodeBase64url,
  encodeBase64url,
  equalBytes,
  formatRecoveryCode,
  PzkError,
  parseRecoveryCode,
  RECOVERY,
  RECOVERY_CODE_BYTES,
  vaultSealInfo,
} from '@pzk-auth/protocol';
import { openHpke } from '../vault/hpke.js';
import { type PreparedWrite, prepareWrite } from '../vault/prepare-write.js';
import { deriveRecipientKeys } from '../vault/recipient-keys.js';
import { deriveRecoveryKeys, describeRecoveryRecipient } from '../vault/recovery-recipient.js';
import { type PreparedRotation, prepareRotation } from '../vault/rotate-vault.js';
import { type SealedRecipient, sealToRecipient } from '../vault/seal-recipient.js';
import { describeSlots, type VaultSlot } from '../vault/slot-changes.js';
import { makePin } from '../vault/unlock-vault-entry.js';
import type { UnlockedVault } from '../vault/unlocked-vault.js';
import type { VaultContext } from './vault-context.js';

/** A recovery code that was made and is in no vault yet. */
export interface NewRecoveryCode {
  /** 14 groups of four characters. To be written down or printed; stored nowhere. */
  readonly code: string;
  /**
   * Takes the code into the vault, after the user has typed it in again. One that was there before is
   * taken out, which changes the keys of the vault.
   *
   * @returns Slots that did not open and are not in the vault any more, where its keys were changed.
   * @throws PzkError `recovery_code_malformed` where it is not the code shown; `vault_locked`
   */
  confirm(typed: string): Promise<readonly VaultSlot[]>;
}

function otherCode(cause?: unknown): PzkError {
  const options = cause === undefined ? {} : { cause };
  return new PzkError('recovery_code_malformed', 'This is another code than the one shown.', {
    ...options,
    hint: 'Type it in as it was written down, not as it is shown.',
  });
}

/** What was typed in opens what was sealed to the code that was shown. */
async function assertOpens(
  vault: UnlockedVault,
  { recipient, sealed }: SealedRecipient,
  typedSecret: CryptoKey,
): Promise<void> {
  const { issuer, vault_id: vaultId } = vault.manifest;
  const { generation, counter } = recipient;
  const derivation = { issuer, vaultId, credentialId: RECOVERY, generation };
  const keys = await deriveRecipientKeys(typedSecret, derivation, decodeBase64url(recipient.salt));
  const info = vaultSealInfo({ issuer, vaultId, recipientId: recipient.id, counter });
  let opened: Bytes | undefined;
  try {
    opened = await openHpke(keys.hpke, info, {
      enc: decodeBase64url(sealed.enc),
      ct: decodeBase64url(sealed.ct),
    });
    if (!equalBytes(opened, vault.secrets)) throw new TypeError('Other secrets.');
  } catch (cause) {
    throw otherCode(cause);
  } finally {
    opened?.fill(0);
  }
}

async function prepareRecovery(
  vault: UnlockedVault,
  code: string,
  typed: string,
): Promise<PreparedWrite & Partial<PreparedRotation>> {
  const { issuer, vault_id: vaultId, counter, identity_key, recipients } = vault.manifest;
  const typedKeys = await deriveRecoveryKeys(parseRecoveryCode(typed), issuer);
  const shownKeys = await deriveRecoveryKeys(parseRecoveryCode(code), issuer);
  const { identity, keys } = await describeRecoveryRecipient(shownKeys, { issuer, vaultId });
  const place = { issuer, vaultId, counter: counter + 1 };
  const sealed = await sealToRecipient(place, identity, vault.secrets);
  await assertOpens(vault, sealed, typedKeys.secret);

  const { pinKey } = keys;
  const before = recipients.find(({ credential_id }) => credential_id === RECOVERY);
  if (before !== undefined) {
    return prepareRotation(vault, { remove: [before.id], add: [{ identity, pinKey }] });
  }
  const pinned = { issuer, vaultId, recipientId: identity.id };
  const pin = await makePin(pinKey, { ...pinned, identityKey: decodeBase64url(identity_key) });
  return prepareWrite(vault, {
    manifest: { recipients: [...recipients, sealed.recipient] },
    recipients: [{ id: identity.id, sealed: sealed.sealed, pin: encodeBase64url(pin) }],
  });
}

/** Makes a recovery code. Nothing is stored before it was typed in again. */
export function createRecoveryCode({ holder }: VaultContext): NewRecoveryCode {
  const bytes = crypto.getRandomValues(new Uint8Array(RECOVERY_CODE_BYTES));
  const code = formatRecoveryCode(bytes);
  bytes.fill(0);
  return Object.freeze({
    code,
    async confirm(typed: string): Promise<readonly VaultSlot[]> {
      // Before anything else, so that a typing error shows at once.
      parseRecoveryCode(typed).fill(0);
      return holder.change(async (vault) => {
        const prepared = await prepareRecovery(vault, code, typed);
        const leftOut = prepared.leftOut ?? [];
        const before = leftOut.length === 0 ? [] : await describeSlots(vault);
        return { prepared, result: before.filter(({ id }) => leftOut.includes(id)) };
      });
    },
  });
}
