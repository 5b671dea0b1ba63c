import {
  decodeBase64url,
  equalBytes,
  PzkError,
  parseRecoveryCode,
  RECOVERY,
  sealedHash,
  VAULT_EXPORT_FORMAT,
  type VaultExport,
  vaultExportResponseSchema,
} from '@pzk-auth/protocol';
import { openVaultExport } from '../vault/open-vault-export.js';
import { findReplacedSlots, slotsError } from '../vault/unlock-vault-entry.js';
import type { VaultContext } from './vault-context.js';

/** Options of an export. */
export interface ExportOptions {
  /** The recovery code as the user types it in: the file is opened with it before it is handed out. */
  readonly code: string;
}

/**
 * Opens an export as its reader will. What only the code can tell shows here: that it is the code of this
 * vault, and that the pin which the server keeps for it is the code's. The keys and slots are those of the
 * vault that is open, so nobody is asked about them again.
 */
async function assertOpens(document: VaultExport, recoveryCode: string): Promise<void> {
  const opened = await openVaultExport({
    document,
    recoveryCode,
    approveSuccession: () => true,
    approveReplacedSlots: () => true,
  });
  opened.close();
}

/**
 * Fetches the vault as a file that the recovery code opens offline, and checks that it is the one that
 * is open here and that the code opens it.
 *
 * @throws PzkError `vault_locked`; `recovery_code_malformed`; `not_found` where the vault has no recovery
 * code; `vault_conflict` where it has changed since it was opened here; what the code does not open is
 * refused with the codes of `openVaultExport`
 */
export async function exportVault(
  { api, holder, exchange }: VaultContext,
  { code }: ExportOptions,
): Promise<VaultExport> {
  // Before anything else, so that a typing error shows at once.
  parseRecoveryCode(code).fill(0);
  return holder.read(async ({ manifest, bytes, signature, blobs }) => {
    const answer = await api.post('/vault/export', {}, vaultExportResponseSchema);
    const { vault: entry, successions } = answer;
    const listed = manifest.recipients.find(({ credential_id }) => credential_id === RECOVERY);
    if (listed === undefined) {
      throw new PzkError('not_found', 'The vault has no recovery code.', {
        hint: 'Make one first: an export opens with it.',
      });
    }
    if (
      entry.vault_id !== manifest.vault_id ||
      !equalBytes(decodeBase64url(entry.manifest), bytes) ||
      !equalBytes(decodeBase64url(entry.manifest_signature), signature)
    ) {
      throw new PzkError('vault_conflict', 'The vault is another than the one that is open.', {
        hint: 'Open it again, then export it.',
      });
    }
    if (!equalBytes(sealedHash(entry.sealed), decodeBase64url(listed.sealed_hash))) {
      throw new PzkError('vault_sealed_invalid', 'The sealed key of the vault is refused.');
    }
    // Where the vault was opened without a slot, with the user's yes, the file has none either.
    if (findReplacedSlots(entry, manifest).some(({ id }) => blobs.has(id))) throw slotsError();
    const { issuer, clock } = exchange.config;
    const exported_at = Math.floor(clock() / 1000);
    const document: VaultExport = {
      format: VAULT_EXPORT_FORMAT,
      issuer,
      exported_at,
      entry,
      successions,
    };
    await assertOpens(document, code);
    return document;
  });
}
