import * as v from 'valibot';
import { successionsSchema } from '../vault/succession.js';
import { vaultEntrySchema } from '../vault/vault-entry.js';
import { etagText } from '../vault/vault-write.js';
import { revokedRecipients } from './vault-open.js';
import {
  amount,
  base64urlBytes,
  identifier,
  publicPoint,
  seconds,
  signature,
} from './wire-types.js';

/** Answer of `POST {base}/vault/status`. */
export const vaultStatusResponseSchema = v.object({
  vault_id: identifier,
  /** Entity tag of the stored vault, without quotes. */
  etag: etagText,
  revoked: revokedRecipients,
  /** While a reset waits: seconds since the epoch. */
  reset_at: v.optional(seconds),
  /** How many requests of agents wait. */
  requests: amount,
});

/** Answer of `POST {base}/vault`, of an enrolment by recovery code and of a release. */
export const vaultWriteResponseSchema = v.object({
  /** Entity tag of the vault as it is now stored, without quotes. */
  etag: etagText,
});

/** `POST {base}/vault/pin`: this device's statement on another identity key, after a succession. */
export const vaultPinRequestSchema = v.strictObject({
  identity_key: publicPoint,
  pin: base64urlBytes(32),
  /** By that identity key over `pinWriteMessage`. */
  signature,
});

/** Answer of `POST {base}/vault/export`. */
export const vaultExportResponseSchema = v.object({
  /** Of the recovery recipient. */
  vault: vaultEntrySchema,
  successions: successionsSchema,
});

export type VaultStatusResponse = v.InferOutput<typeof vaultStatusResponseSchema>;
export type VaultWriteResponse = v.InferOutput<typeof vaultWriteResponseSchema>;
export type VaultPinRequest = v.InferOutput<typeof vaultPinRequestSchema>;
export type VaultExportResponse = v.InferOutput<typeof vaultExportResponseSchema>;
