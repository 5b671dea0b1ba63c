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
import {
  assertMayLeaveOut,
  describeSlots,
  findLeavingSlots,
  type RotatedSlot,
  type VaultSlot,
} from '../vault/slot-changes.js';
import { makePin } from '../vault/unlock-vault-entry.js';
import type { UnlockedVault } from '../vault/unlocked-vault.js';
import type { TouchOptions, VaultContext } from './vault-context.js';
import type { VaultStep } from './vault-holder.js';

/** Options of `confirm` of a recovery code and of a removal. */
export interface ConfirmCodeOptions extends TouchOptions {
  /**
   * Ids of slots with `damaged: 'replaced'` that `leavesOut` has given and that may be lost for good, on the
   * user's yes. Default: none.
   */
  readonly leaveOut?: readonly string[];
}

/** A recovery code that was made and is in no vault yet. */
export interface NewRecoveryCode {
  /** 14 groups of four characters. To be written down or printed; stored nowhere. */
  readonly code: string;
  /**
   * The slots that `confirm` loses for good: where there is a code already, the keys of the vault change,
   * and what does not open cannot be encrypted anew. Show them before. Those with `damaged: 'replaced'` may
   * be in a backup of the operator, and take a yes: `leaveOut`.
   *
   * @throws PzkError `vault_locked`
   */
  leavesOut(): Promise<readonly VaultSlot[]>;
  /**
   * Takes the code into the vault, after the user has typed it in again. One that was there before is
   * taken out, which changes the keys of the vault. A vault that is locked opens with a touch first. Can be
   * repeated: where the answer was lost, `isUndecided` of the error, the same call again tells whether
   * the code is in, and takes it in if it is not.
   *
   * @returns Slots that did not open and are not in the vault any more, where its keys were changed.
   * @throws PzkError `recovery_code_malformed` where it is not the code shown; `vault_slot_invalid` where
   * a slot that the server has replaced would be lost without a yes; `vault_conflict`; those of `open` where
   * the vault is locked
   */
  confirm(typed: string, options?: ConfirmCodeOptions): Promise<readonly VaultSlot[]>;
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

/** A code that was made here, and what its user typed in. */
interface TypedCode {
  readonly code: string;
  readonly typed: string;
}

/** Before anything else, so that a typing error shows at once, without a touch. */
function assertTyped({ code, typed }: TypedCode): void {
  const given = parseRecoveryCode(typed);
  const shown = parseRecoveryCode(code);
  try {
    if (!equalBytes(given, shown)) throw otherCode();
  } finally {
    given.fill(0);
    shown.fill(0);
  }
}

const recoveryOf = ({ manifest }: Pick<UnlockedVault, 'manifest'>) =>
  manifest.recipients.find(({ credential_id }) => credential_id === RECOVERY);

/** @param remove - Recipient ids to take out; absent: the code alone, which may need no other keys. */
async function prepareRecovery(
  vault: UnlockedVault,
  { code, typed }: TypedCode,
  remove?: readonly string[],
): Promise<PreparedWrite & Partial<PreparedRotation>> {
  const { issuer, vault_id: vaultId, counter, identity_key, recipients } = vault.manifest;
  const typedKeys = await deriveRecoveryKeys(parseRecoveryCode(typed), issuer);
  const shownKeys = await deriveRecoveryKeys(parseRecoveryCode(code), issuer);
  const { identity, keys } = await describeRecoveryRecipient(shownKeys, { issuer, vaultId });
  const place = { issuer, vaultId, counter: counter + 1 };
  const sealed = await sealToRecipient(place, identity, vault.secrets);
  await assertOpens(vault, sealed, typedKeys.secret);

  const { pinKey } = keys;
  const before = recoveryOf(vault);
  if (before !== undefined || remove !== undefined) {
    const leaving = new Set([...(remove ?? []), ...(before === undefined ? [] : [before.id])]);
    return prepareRotation(vault, { remove: [...leaving], add: [{ identity, pinKey }] });
  }
  const pinned = { issuer, vaultId, recipientId: identity.id };
  const pin = await makePin(pinKey, { ...pinned, identityKey: decodeBase64url(identity_key) });
  return prepareWrite(vault, {
    manifest: { recipients: [...recipients, sealed.recipient] },
    recipients: [{ id: identity.id, sealed: sealed.sealed, pin: encodeBase64url(pin) }],
  });
}

/** The slots of before, and which of them a change of keys has left out. */
async function describeRotated(
  vault: UnlockedVault,
  { leftOut = [] }: Partial<PreparedRotation>,
): Promise<readonly RotatedSlot[]> {
  const slots = await describeSlots(vault);
  return Object.freeze(
    slots.map((slot) =>
      leftOut.includes(slot.id) ? Object.freeze({ ...slot, leftOut: true as const }) : slot,
    ),
  );
}

function makeCode(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(RECOVERY_CODE_BYTES));
  const code = formatRecoveryCode(bytes);
  bytes.fill(0);
  return code;
}

/** A write that was made for a code: whether it was sent and happened only the vault tells. */
interface Attempt {
  readonly identityKey: string;
  /** H(sealed) of the code's place in the vault. */
  readonly sealedHash: string | undefined;
  readonly slots: readonly RotatedSlot[];
}

/**
 * Whether a vault follows from a write of a code. The identity key tells it, which whoever the write took
 * out does not have: the code's public key alone, which the server was sent, they could list as well.
 */
function followsFrom({ manifest }: UnlockedVault, { identityKey, sealedHash }: Attempt): boolean {
  return (
    manifest.identity_key === identityKey && recoveryOf({ manifest })?.sealed_hash === sealedHash
  );
}

/**
 * Makes a code, and the function that takes it into the vault. Nothing is stored before.
 *
 * @param remove - Recipient ids to take out with it; absent: the code alone.
 */
function createCode({ holder, openIfLocked }: VaultContext, remove?: readonly string[]) {
  const code = makeCode();
  const attempts: Attempt[] = [];
  const changesKeys = (vault: UnlockedVault) =>
    remove !== undefined || recoveryOf(vault) !== undefined;

  const leavesOut = () =>
    holder.read((vault) => (changesKeys(vault) ? findLeavingSlots(vault) : Object.freeze([])));

  async function confirm(
    typed: string,
    { leaveOut = [], ...touch }: ConfirmCodeOptions = {},
  ): Promise<readonly RotatedSlot[]> {
    assertTyped({ code, typed });
    const step = async (vault: UnlockedVault): Promise<VaultStep<readonly RotatedSlot[]>> => {
      const done = attempts.find((one) => followsFrom(vault, one));
      if (done !== undefined) return { result: done.slots };
      if (changesKeys(vault)) assertMayLeaveOut(vault, leaveOut);
      const prepared = await prepareRecovery(vault, { code, typed }, remove);
      const slots = await describeRotated(vault, prepared);
      const identityKey = prepared.next.manifest.identity_key;
      const sealedHash = recoveryOf(prepared.next)?.sealed_hash;
      attempts.push({ identityKey, sealedHash, slots });
      return { prepared, result: slots };
    };
    // To write 56 characters down takes longer than a vault stays open.
    await openIfLocked(touch);
    return holder.change(step);
  }

  return { code, leavesOut, confirm };
}

/** Makes a recovery code. Nothing is stored before it was typed in again. */
export function createRecoveryCode(context: VaultContext): NewRecoveryCode {
  const { code, leavesOut, confirm } = createCode(context);
  return Object.freeze({
    code,
    leavesOut,
    async confirm(typed: string, options?: ConfirmCodeOptions): Promise<readonly VaultSlot[]> {
      return (await confirm(typed, options)).filter(({ leftOut }) => leftOut === true);
    },
  });
}

/**
 * A change of the vault's keys that waits for its new recovery code. The code before trusts the identity
 * key that is left, which whoever was taken out knows.
 */
export interface VaultRemoval {
  /** As {@link NewRecoveryCode.code}. The one before opens nothing once this one is confirmed. */
  readonly code: string;
  /** As {@link NewRecoveryCode.leavesOut}. */
  leavesOut(): Promise<readonly VaultSlot[]>;
  /**
   * Changes the keys of the vault, after the user has typed the code in again. Opens a locked vault and can
   * be repeated as {@link NewRecoveryCode.confirm}.
   *
   * @returns The slots that could be read under the keys before: rotate these keys at their providers. Those
   * with `leftOut` did not open and are not in the vault any more.
   * @throws PzkError as {@link NewRecoveryCode.confirm}
   */
  confirm(typed: string, options?: ConfirmCodeOptions): Promise<readonly RotatedSlot[]>;
}

/**
 * Makes a change of the vault's keys that takes recipients out. Nothing is stored before its recovery code
 * was typed in again.
 *
 * @param remove - Recipient ids. One that is not listed any more when it comes to it is out already.
 */
export function createRemoval(context: VaultContext, remove: readonly string[]): VaultRemoval {
  return Object.freeze(createCode(context, remove));
}
