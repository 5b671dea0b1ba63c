import * as v from 'valibot';
import { issuerUrl, seconds } from '../messages/wire-types.js';
import { successionsSchema } from './succession.js';
import { vaultEntrySchema } from './vault-entry.js';

/** The `format` of an export. */
export const VAULT_EXPORT_FORMAT = 'pzk-auth/v1/vault-export';

/**
 * A vault as a file that a recovery code opens offline. It holds nothing that the server does not
 * store. Signatures, pin and hashes in it are not verified by the schema.
 */
export const vaultExportSchema = v.strictObject({
  format: v.literal(VAULT_EXPORT_FORMAT),
  issuer: issuerUrl,
  exported_at: seconds,
  /** Of the recovery recipient. */
  entry: vaultEntrySchema,
  successions: successionsSchema,
});

/** An export. */
export type VaultExport = v.InferOutput<typeof vaultExportSchema>;
