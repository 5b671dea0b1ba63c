import * as v from 'valibot';
import { vaultEntrySchema } from '../vault/vault-entry.js';
import { assertionSchema } from './webauthn-json.js';
import { nonceText } from './wire-types.js';

/** `POST {base}/vault/open`: the assertion that will serve `/token` also reads the vault entry. */
export const vaultOpenRequestSchema = v.strictObject({
  nonce: nonceText,
  credential: assertionSchema,
});

/** Its answer. */
export const vaultOpenResponseSchema = v.object({
  vault: vaultEntrySchema,
});

export type VaultOpenRequest = v.InferOutput<typeof vaultOpenRequestSchema>;
export type VaultOpenResponse = v.InferOutput<typeof vaultOpenResponseSchema>;
