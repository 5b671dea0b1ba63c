import * as v from 'valibot';
import { limits } from '../limits.js';
import { vaultWriteSchema } from '../vault/vault-write.js';
import {
  agentRequestStatuses,
  agentRequestText,
  rejectionReason,
  sealedReleaseSchema,
} from './agent-requests.js';
import { assertionSchema } from './webauthn-json.js';
import {
  amount,
  base64urlBetween,
  boundedArray,
  identifier,
  nonceText,
  plainObject,
  seconds,
  serverId,
  signature,
} from './wire-types.js';

const receipt = base64urlBetween(1, limits.receiptBytes);

/** Answer of `POST {base}/vault/requests`: what waits, oldest first. */
export const waitingRequestsResponseSchema = v.object({
  requests: boundedArray(
    v.strictObject({
      request: agentRequestText,
      /** The agent's. */
      signature,
      at: seconds,
      expires_at: seconds,
    }),
    0,
    limits.waitingRequestsOfAccount,
  ),
});

/** `POST {base}/vault/requests/reject`. */
export const requestRejectRequestSchema = v.strictObject({
  /** Of the request. */
  id: identifier,
  reason: rejectionReason,
});

/** `POST {base}/vault/releases`: the approval of a request, and the write that notes its receipt. */
export const releaseRequestSchema = v.strictObject({
  /** Of the request. */
  id: identifier,
  /** Of purpose `release`. */
  nonce: nonceText,
  /** The assertion over `releaseChallenge`. */
  credential: assertionSchema,
  ...sealedReleaseSchema.entries,
  /** Bytes of the receipt. */
  receipt,
  /** Its manifest has the hash of the receipt as `receipts_head`. */
  write: vaultWriteSchema,
});

/**
 * Body of `/vault/releases/list` and `/vault/activity`. Times are whole seconds: for the next page ask
 * with one more than the last `at`, and drop what has come already.
 */
export const pageRequestSchema = v.pipe(
  plainObject,
  v.strictObject({
    /** Only what came before this time, seconds since the epoch. */
    before: v.optional(seconds),
  }),
);

/** Answer of `POST {base}/vault/releases/list`, newest first. */
export const releasesResponseSchema = v.object({
  releases: boundedArray(
    v.strictObject({
      request: agentRequestText,
      /** When it came. */
      at: seconds,
      status: v.picklist(agentRequestStatuses),
      /** As the broker reports. */
      uses: amount,
      last_used_at: v.optional(seconds),
      /** Absent where it waits or goes on. */
      ended_at: v.optional(seconds),
    }),
    0,
    limits.listPage,
  ),
});

/** `POST {base}/vault/releases/end`. */
export const releaseEndRequestSchema = v.strictObject({
  /** Of the request. */
  id: identifier,
});

/** `POST {base}/vault/receipts`. */
export const receiptsRequestSchema = v.pipe(
  plainObject,
  v.strictObject({
    /** Only receipts with a greater number. */
    after: v.optional(amount),
  }),
);

/** Its answer, in order. */
export const receiptsResponseSchema = v.object({
  receipts: boundedArray(
    v.strictObject({
      /** 1, 2, 3, ... within the account. */
      number: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
      receipt,
    }),
    0,
    limits.receiptPage,
  ),
});

/** Answer of `POST {base}/vault/activity`, newest first: what the audit log says of this account. */
export const activityResponseSchema = v.object({
  entries: boundedArray(
    v.strictObject({
      /** Of the entry. */
      id: serverId,
      at: seconds,
      /** Type of the event. */
      type: v.pipe(v.string(), v.regex(/^[a-z][a-z_]{0,63}$/)),
      device: v.optional(serverId),
      recipient: v.optional(serverId),
      agent: v.optional(serverId),
      slot: v.optional(serverId),
      /** Of the agent. */
      request: v.optional(serverId),
      key: v.optional(serverId),
    }),
    0,
    limits.listPage,
  ),
});

export type WaitingRequestsResponse = v.InferOutput<typeof waitingRequestsResponseSchema>;
export type RequestRejectRequest = v.InferOutput<typeof requestRejectRequestSchema>;
export type ReleaseRequest = v.InferOutput<typeof releaseRequestSchema>;
export type PageRequest = v.InferOutput<typeof pageRequestSchema>;
export type ReleasesResponse = v.InferOutput<typeof releasesResponseSchema>;
export type ReleaseEndRequest = v.InferOutput<typeof releaseEndRequestSchema>;
export type ReceiptsRequest = v.InferOutput<typeof receiptsRequestSchema>;
export type ReceiptsResponse = v.InferOutput<typeof receiptsResponseSchema>;
export type ActivityResponse = v.InferOutput<typeof activityResponseSchema>;
