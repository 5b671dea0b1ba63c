import * as v from 'valibot';
import { recipientSchema } from '../vault/manifest.js';
import { base64urlBytes, count, identifier, publicPoint, seconds } from './wire-types.js';

/** What an inviting device says about its vault, for the joining browser. */
const invitedTo = {
  identity_key: publicPoint,
  /** Of the manifest that the inviting device has opened. */
  counter: count,
  /** SHA-256 of that manifest's bytes. */
  manifest_hash: base64urlBytes(32),
  /** HMAC over `invitationOldMessage`. */
  mac_old: base64urlBytes(32),
};

/** `POST {base}/vault/invitations`. */
export const invitationRequestSchema = v.strictObject({ id: identifier, ...invitedTo });

/** Body of `/vault/invitations/read`, `/cancel` and `/open`. */
export const invitationIdRequestSchema = v.strictObject({ id: identifier });

/** Answer of what makes something that waits: an invitation, a joining device, a request. */
export const expiryResponseSchema = v.object({ expires_at: seconds });

/** Where an invitation stands; one that has expired is `ended`. */
export const invitationStatuses = ['open', 'joined', 'ended'] as const;

/** One of {@link invitationStatuses}. */
export type InvitationStatus = (typeof invitationStatuses)[number];

/** What joins by an invitation, as the roster would list it. */
export const joiningRecipientSchema = v.omit(recipientSchema, ['counter', 'sealed_hash']);

/** Answer of `POST {base}/vault/invitations/read`, to the inviting account. */
export const invitationReadResponseSchema = v.variant('status', [
  v.object({ status: v.literal('open') }),
  v.object({
    status: v.literal('joined'),
    recipient: joiningRecipientSchema,
    /** HMAC over `invitationNewMessage`. */
    mac_new: base64urlBytes(32),
  }),
  v.object({ status: v.literal('ended') }),
]);

/** Answer of `POST {base}/vault/invitations/open`, to the joining browser. */
export const invitationOpenResponseSchema = v.object({
  vault_id: identifier,
  ...invitedTo,
  status: v.picklist(invitationStatuses),
  expires_at: seconds,
});

export type InvitationRequest = v.InferOutput<typeof invitationRequestSchema>;
export type InvitationIdRequest = v.InferOutput<typeof invitationIdRequestSchema>;
export type ExpiryResponse = v.InferOutput<typeof expiryResponseSchema>;
export type JoiningRecipient = v.InferOutput<typeof joiningRecipientSchema>;
export type InvitationReadResponse = v.InferOutput<typeof invitationReadResponseSchema>;
export type InvitationOpenResponse = v.InferOutput<typeof invitationOpenResponseSchema>;
