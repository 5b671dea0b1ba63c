import * as v from 'valibot';
import {
  circuitId,
  fieldElement,
  issuerUrl,
  nonceText,
  proofText,
  scopeText,
} from './wire-types.js';

/** Extension grant (RFC 6749 section 4.5) of a zero-knowledge proof. */
export const PROOF_GRANT = 'urn:pzk-auth:grant-type:proof';

/** Extension grant of a renewal with the session key alone. */
export const RENEW_GRANT = 'urn:pzk-auth:grant-type:renew';

const clientId = v.pipe(v.string(), v.minLength(1), v.maxLength(128));

/** `POST {base}/token` with a proof, after form decoding. */
export const proofGrantSchema = v.strictObject({
  grant_type: v.literal(PROOF_GRANT),
  nonce: nonceText,
  circuit: circuitId,
  commitment: fieldElement,
  proof: proofText,
  /** `AuthenticationResponseJSON` as JSON text; absent where the key demands no passkey. */
  credential: v.optional(v.pipe(v.string(), v.maxLength(12 * 1024))),
  scope: v.optional(scopeText),
  resource: v.optional(issuerUrl),
  client_id: v.optional(clientId),
});

/** `POST {base}/token` for renewal, after form decoding. */
export const renewGrantSchema = v.strictObject({
  grant_type: v.literal(RENEW_GRANT),
  client_id: clientId,
  scope: v.optional(scopeText),
  resource: v.optional(issuerUrl),
});

/** Answer of `/token` and `/enroll` (RFC 6749 section 5.1, RFC 9449 section 5). */
export const tokenResponseSchema = v.object({
  access_token: v.pipe(v.string(), v.minLength(1), v.maxLength(4096)),
  token_type: v.literal('DPoP'),
  /** Seconds. */
  expires_in: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  scope: scopeText,
  /** The id of the API key, which renewal names. */
  client_id: clientId,
});

/** `POST {base}/revoke` (RFC 7009), after form decoding. */
export const revokeRequestSchema = v.strictObject({
  /** Of any length: one that is too long is no token of ours, and so is revoked already. */
  token: v.pipe(v.string(), v.minLength(1)),
  token_type_hint: v.optional(v.pipe(v.string(), v.maxLength(64))),
  client_id: v.optional(clientId),
});

/** `POST {base}/introspect` (RFC 7662), after form decoding. The client stands in the header. */
export const introspectionRequestSchema = v.strictObject({
  token: v.pipe(v.string(), v.minLength(1)),
  token_type_hint: v.optional(v.pipe(v.string(), v.maxLength(64))),
  client_id: v.optional(clientId),
});

export type IntrospectionRequest = v.InferOutput<typeof introspectionRequestSchema>;
export type ProofGrant = v.InferOutput<typeof proofGrantSchema>;
export type RenewGrant = v.InferOutput<typeof renewGrantSchema>;
export type TokenResponse = v.InferOutput<typeof tokenResponseSchema>;
export type RevokeRequest = v.InferOutput<typeof revokeRequestSchema>;
