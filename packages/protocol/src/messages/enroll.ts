import * as v from 'valibot';
import { recipientSchema } from '../vault/manifest.js';
import { vaultEntrySchema } from '../vault/vault-entry.js';
import { SEC1_POINT_BYTES } from '../vault/vault-seal.js';
import { etagText, vaultWriteSchema } from '../vault/vault-write.js';
import { assertionSchema, registrationSchema } from './webauthn-json.js';
import {
  base64urlBytes,
  circuitId,
  fieldElement,
  identifier,
  nonceText,
  proofText,
  publicPoint,
  signature,
} from './wire-types.js';

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

/** What a fresh passkey shows at its enrolment. */
const registered = {
  nonce: nonceText,
  registration: registrationSchema,
  /** The `user.id` that the client made: 32 random bytes. */
  user_id: base64urlBytes(32),
  /** The `get()` that followed `create()`, over the same challenge. */
  assertion: assertionSchema,
};

/**
 * `POST {base}/enroll` by an invitation: the passkey waits until the inviting device has taken it into
 * the vault. Answered by `expires_at`.
 */
export const invitedEnrollmentSchema = v.strictObject({
  ...registered,
  /** Id of the invitation. */
  invitation: identifier,
  recipient: v.pick(recipientSchema, ['id', 'hpke_key', 'salt', 'generation']),
  pin: base64urlBytes(32),
  /** HMAC over `invitationNewMessage`. */
  mac_new: base64urlBytes(32),
});

/** `POST {base}/enroll` by a recovery code, with the write that lists the passkey. Answered by `etag`. */
export const recoveryEnrollmentSchema = v.strictObject({
  ...registered,
  /** Public key of the code's signing key. */
  recovery_key: publicPoint,
  /** By that key over `recoveryMessage`. */
  signature,
  /** Entity tag of the vault that was read, without quotes. */
  if_match: etagText,
  write: vaultWriteSchema,
});

/** A body of `POST {base}/enroll` that brings a proof. */
export const enrollRequestSchema = v.union([passkeyEnrollmentSchema, keypairEnrollmentSchema]);

export type PasskeyEnrollment = v.InferOutput<typeof passkeyEnrollmentSchema>;
export type KeypairEnrollment = v.InferOutput<typeof keypairEnrollmentSchema>;
export type InvitedEnrollment = v.InferOutput<typeof invitedEnrollmentSchema>;
export type RecoveryEnrollment = v.InferOutput<typeof recoveryEnrollmentSchema>;
export type EnrollRequest = v.InferOutput<typeof enrollRequestSchema>;
