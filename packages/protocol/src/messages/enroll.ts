import * as v from 'valibot';
import { vaultEntrySchema } from '../vault/vault-entry.js';
import { SEC1_POINT_BYTES } from '../vault/vault-seal.js';
import { assertionSchema, registrationSchema } from './webauthn-json.js';
import { base64urlBytes, circuitId, fieldElement, nonceText, proofText } from './wire-types.js';

const proved = {
  nonce: nonceText,
  circuit: circuitId,
  commitment: fieldElement,
  proof: proofText,
};

/** `POST {base}/enroll` with a passkey. */
export const passkeyEnrollmentSchema = v.strictObject({
  ...proved,
  registration: registrationSchema,
  /** The `user.id` that the client made: 32 random bytes. */
  user_id: base64urlBytes(32),
  /** The `get()` that followed `create()`, over the same challenge. */
  assertion: assertionSchema,
  /** HPKE public key of the vault's recipient on this device. */
  recipient_key: v.optional(base64urlBytes(SEC1_POINT_BYTES)),
  vault: v.optional(vaultEntrySchema),
});

/** `POST {base}/enroll` for a key that demands a key pair only: the DPoP key is the device. */
export const keypairEnrollmentSchema = v.strictObject(proved);

/** A body of `POST {base}/enroll`. */
export const enrollRequestSchema = v.union([passkeyEnrollmentSchema, keypairEnrollmentSchema]);

export type PasskeyEnrollment = v.InferOutput<typeof passkeyEnrollmentSchema>;
export type KeypairEnrollment = v.InferOutput<typeof keypairEnrollmentSchema>;
export type EnrollRequest = v.InferOutput<typeof enrollRequestSchema>;
