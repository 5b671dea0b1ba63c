import * as v from 'valibot';
import { limits } from '../limits.js';
import { successionsSchema } from '../vault/succession.js';
import { vaultEntrySchema } from '../vault/vault-entry.js';
import { assertionSchema } from './webauthn-json.js';
import {
  base64urlBytes,
  boundedArray,
  count,
  identifier,
  nonceText,
  publicPoint,
  seconds,
  signature,
} from './wire-types.js';

/** `POST {base}/vault/open`: the assertion that will serve `/token` also reads the vault entry. */
export const vaultOpenRequestSchema = v.strictObject({
  nonce: nonceText,
  credential: assertionSchema,
  /** Of the manifest that this device remembers. */
  counter: v.optional(count),
});

/** `POST {base}/vault/recover`: a recovery code reads the vault entry; no passkey, no session. */
export const vaultRecoverRequestSchema = v.strictObject({
  /** Of purpose `enroll`. */
  nonce: nonceText,
  /** Public key of the code's signing key. */
  recovery_key: publicPoint,
  /** By that key over `recoveryMessage`. */
  signature,
  /** Of the manifest that this device remembers, if it does. */
  counter: v.optional(count),
});

/** Recipient ids of the roster whose devices are revoked. */
export const revokedRecipients = boundedArray(identifier, 0, limits.vaultRecipients);

/** Answer of `/vault/open` and `/vault/recover`. */
export const vaultOpenResponseSchema = v.object({
  vault: vaultEntrySchema,
  /** Hashes that lead from the manifest with the `counter` of the request to this one. */
  ancestry: boundedArray(base64urlBytes(32), 0, limits.historyHashes),
  /** The newest changes of the identity key, oldest first. */
  successions: successionsSchema,
  /** Recipients to be taken out: their devices are revoked. */
  revoked: revokedRecipients,
  /** While a reset waits: from when on the vault can be replaced. Seconds since the epoch. */
  reset_at: v.optional(seconds),
});

export type VaultOpenRequest = v.InferOutput<typeof vaultOpenRequestSchema>;
export type VaultRecoverRequest = v.InferOutput<typeof vaultRecoverRequestSchema>;
export type VaultOpenResponse = v.InferOutput<typeof vaultOpenResponseSchema>;
