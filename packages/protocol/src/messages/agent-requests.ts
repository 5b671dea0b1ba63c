import * as v from 'valibot';
import { limits } from '../limits.js';
import { GCM_TAG_BYTES } from '../vault/vault-seal.js';
import {
  amount,
  base64urlBetween,
  displayText,
  identifier,
  publicPoint,
  seconds,
  signature,
} from './wire-types.js';

/** Bytes of a request, opaque on the way. */
export const agentRequestText = base64urlBetween(1, limits.agentRequestBytes);

/** Why the user said no, in the user's words; may be empty. */
export const rejectionReason = displayText(0, limits.purposeCharacters);

/** A secret sealed to the key of a request, and the identity key's signature over it. */
export const sealedReleaseSchema = v.strictObject({
  /** HPKE encapsulated key. */
  enc: publicPoint,
  ct: base64urlBetween(1 + GCM_TAG_BYTES, limits.secretValueBytes + GCM_TAG_BYTES),
  /** Over `releaseSignatureMessage`. */
  signature,
});

/** `POST {base}/agent/requests`. Answered by `expires_at`. */
export const agentRequestRequestSchema = v.strictObject({
  request: agentRequestText,
  /** By the agent's key over the bytes of the request. */
  signature,
});

/** Body of `/agent/requests/read` and `/agent/requests/cancel`. */
export const agentRequestIdRequestSchema = v.strictObject({ id: identifier });

/** Where a request stands. `ended`: released, and over since. */
export const agentRequestStatuses = [
  'waiting',
  'released',
  'rejected',
  'cancelled',
  'expired',
  'ended',
] as const;

/** One of {@link agentRequestStatuses}. */
export type AgentRequestStatus = (typeof agentRequestStatuses)[number];

/** Answer of `POST {base}/agent/requests/read`. */
export const agentRequestReadResponseSchema = v.variant('status', [
  v.object({ status: v.literal('waiting') }),
  // Handed over once: all three, or none.
  v.pipe(
    v.object({
      status: v.literal('released'),
      ...v.partial(sealedReleaseSchema).entries,
      /** The vault's identity key by now: tells a key that has changed from a planted release. */
      identity_key: v.optional(publicPoint),
    }),
    v.check(({ enc, ct, signature: signed }) => new Set([!enc, !ct, !signed]).size === 1),
  ),
  v.object({ status: v.literal('rejected'), reason: rejectionReason }),
  v.object({ status: v.literal('cancelled') }),
  v.object({ status: v.literal('expired') }),
  v.object({ status: v.literal('ended') }),
]);

/** `POST {base}/agent/uses`: what the broker did with a secret. */
export const agentUsesRequestSchema = v.strictObject({
  id: identifier,
  /** In all. */
  uses: amount,
  /** Absent before the first use. */
  last_used_at: v.optional(seconds),
  /** Whether the broker has wiped the secret. */
  ended: v.boolean(),
});

/** Its answer. */
export const agentUsesResponseSchema = v.object({
  /** Whether the user ended the release: the secret has to be wiped. */
  ended: v.boolean(),
  /** The vault's identity key by now: a broker stops where it has pinned another. */
  identity_key: publicPoint,
});

/** `data` of an event `request` of `POST {base}/agent/events`. */
export const agentEventSchema = v.object({
  id: identifier,
  status: v.picklist(agentRequestStatuses),
});

export type SealedRelease = v.InferOutput<typeof sealedReleaseSchema>;
export type AgentRequestRequest = v.InferOutput<typeof agentRequestRequestSchema>;
export type AgentRequestIdRequest = v.InferOutput<typeof agentRequestIdRequestSchema>;
export type AgentRequestReadResponse = v.InferOutput<typeof agentRequestReadResponseSchema>;
export type AgentUsesRequest = v.InferOutput<typeof agentUsesRequestSchema>;
export type AgentUsesResponse = v.InferOutput<typeof agentUsesResponseSchema>;
export type AgentEvent = v.InferOutput<typeof agentEventSchema>;
