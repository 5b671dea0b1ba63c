import {
  type Bytes,
  isPzkError,
  PzkError,
  parseMessage,
  parseRecoveryCode,
  RECOVERY,
  vaultExportSchema,
} from '@pzk-auth/protocol';
import { importRecipientSecret } from './recipient-secret.js';
import { describeSlots, readSlotValue, type VaultSlot } from './slot-changes.js';
import { unlockVaultEntry, type VaultApprovals } from './unlock-vault-entry.js';
import { wipeVault } from './unlocked-vault.js';

/** What {@link openVaultExport} takes. */
export interface OpenVaultExportOptions
  extends Pick<VaultApprovals, 'approveSuccession' | 'approveReplacedSlots'> {
  /** The parsed JSON of an export, docs/protocol.md section 12.17. */
  readonly document: unknown;
  /** The recovery code as a person types it. */
  readonly recoveryCode: string;
}

/** A vault that was opened from its export, offline. */
export interface OpenedVaultExport {
  readonly issuer: string;
  readonly vaultId: string;
  /** When the export was made, seconds since the epoch, as the file says: nothing vouches for it. */
  readonly exportedAt: number;
  /** Of the manifest: whether the export is the newest cannot be seen. */
  readonly counter: number;
  /** Hash of the last receipt; empty before the first. */
  readonly receiptsHead: string;
  readonly slots: readonly VaultSlot[];
  /**
   * The value of a slot, in bytes of its own: overwrite them after use.
   *
   * @throws PzkError `not_found`; `vault_slot_damaged` or `vault_slot_invalid` for a slot with `damaged`
   */
  readSlot(id: string): Promise<Bytes>;
  /** Overwrites the secrets; nothing can be read any more. */
  close(): void;
}

/** The same refusal as of a passkey, in the words that fit a code. */
function explain(cause: unknown): unknown {
  if (!isPzkError(cause) || cause.code !== 'vault_pin_mismatch') return cause;
  return new PzkError(cause.code, 'This recovery code never approved the signer of the vault.', {
    cause,
    hint: 'It is the code of another vault or an older one, or the vault in the file was replaced.',
  });
}

/**
 * Opens an export with the recovery code, by the checks of section 12.8. Needs no server.
 *
 * @throws PzkError `invalid_request` (this is no export), `recovery_code_malformed`, `vault_pin_mismatch`
 * (among others where the code belongs to another vault), `vault_repin_required`,
 * `vault_manifest_invalid`, `vault_sealed_invalid`, `vault_slot_invalid`
 */
export async function openVaultExport(options: OpenVaultExportOptions): Promise<OpenedVaultExport> {
  const { approveSuccession, approveReplacedSlots } = options;
  const document = parseMessage(vaultExportSchema, options.document);
  const { issuer, entry, successions } = document;
  const secret = await importRecipientSecret(parseRecoveryCode(options.recoveryCode));
  const { vault } = await unlockVaultEntry({
    issuer,
    entry,
    successions,
    credentialId: RECOVERY,
    secretFor: async () => secret,
    approveSuccession,
    approveReplacedSlots,
  }).catch((cause: unknown) => {
    throw explain(cause);
  });
  let closed = false;
  try {
    return Object.freeze({
      issuer,
      vaultId: vault.manifest.vault_id,
      exportedAt: document.exported_at,
      counter: vault.manifest.counter,
      receiptsHead: vault.manifest.receipts_head,
      slots: await describeSlots(vault),
      async readSlot(id: string) {
        // Under overwritten secrets no slot opens, and that would look like damage.
        if (closed) throw new TypeError('The export was closed.');
        return readSlotValue(vault, id);
      },
      close() {
        closed = true;
        wipeVault(vault);
      },
    });
  } catch (cause) {
    wipeVault(vault);
    throw cause;
  }
}
