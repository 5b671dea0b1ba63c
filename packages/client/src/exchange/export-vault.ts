import {
  decodeBase64url,
  equalBytes,
  PzkError,
  RECOVERY,
  sealedHash,
  VAULT_EXPORT_FORMAT,
  type VaultExport,
  vaultExportResponseSchema,
} from '@pzk-auth/protocol';
import { findReplacedSlots, slotsError } from '../vault/unlock-vault-entry.js';
import type { VaultContext } from './vault-context.js';

/**
 * Fetches the vault as a file that the recovery code opens offline, and checks that it is the one that
 * is open here.
 *
 * @throws PzkError `vault_locked`; `not_found` where the vault has no recovery code;
 * `vault_conflict` where it has changed since it was opened here
 */
export async function exportVault({ api, holder, exchange }: VaultContext): Promise<VaultExport> {
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
    return { format: VAULT_EXPORT_FORMAT, issuer, exported_at, entry, successions };
  });
}
