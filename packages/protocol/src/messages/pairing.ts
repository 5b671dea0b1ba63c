import * as v from 'valibot';
import { limits } from '../limits.js';
import { PAIRING_ID_BYTES, PAIRING_NONCE_BYTES } from '../release/pairing.js';
import {
  base64urlBytes,
  displayText,
  identifier,
  issuerUrl,
  publicPoint,
  seconds,
} from './wire-types.js';

const pairingId = base64urlBytes(PAIRING_ID_BYTES);
const pairingNonce = base64urlBytes(PAIRING_NONCE_BYTES);
const name = displayText(1, limits.nameCharacters);
const commitment = base64urlBytes(32);

/** Answer of `POST {base}/vault/pairings`. */
export const pairingResponseSchema = v.object({ id: pairingId, expires_at: seconds });

/** Body of `/vault/pairings/read`, `/vault/pairings/end` and `/agent/pairings/open`. */
export const pairingIdRequestSchema = v.strictObject({ id: pairingId });

/** Where a pairing stands, in this order; one that has expired is `ended`. */
export const pairingStatuses = ['open', 'committed', 'answered', 'revealed', 'ended'] as const;

/** One of {@link pairingStatuses}. */
export type PairingStatus = (typeof pairingStatuses)[number];

/** Answer of `POST {base}/vault/pairings/read`, to the browser. */
export const pairingReadResponseSchema = v.variant('status', [
  v.object({ status: v.literal('open') }),
  v.object({ status: v.literal('committed'), name, commitment }),
  v.object({ status: v.literal('answered'), name, commitment }),
  v.object({
    status: v.literal('revealed'),
    name,
    commitment,
    agent_key: publicPoint,
    nonce_a: pairingNonce,
  }),
  v.object({ status: v.literal('ended') }),
]);

/** `POST {base}/vault/pairings/answer`. */
export const pairingAnswerRequestSchema = v.strictObject({
  id: pairingId,
  identity_key: publicPoint,
  nonce_b: pairingNonce,
});

const opened = { issuer: issuerUrl, vault_id: identifier };
const answered = { ...opened, identity_key: publicPoint, nonce_b: pairingNonce };

/** Answer of `POST {base}/agent/pairings/open`, to the broker. */
export const agentPairingResponseSchema = v.variant('status', [
  v.object({ status: v.literal('open'), ...opened }),
  v.object({ status: v.literal('committed'), ...opened }),
  v.object({ status: v.literal('answered'), ...answered }),
  v.object({ status: v.literal('revealed'), ...answered }),
  v.object({ status: v.literal('ended'), ...opened }),
]);

/** `POST {base}/agent/pairings/commit`: once. */
export const pairingCommitRequestSchema = v.strictObject({ id: pairingId, commitment, name });

/** `POST {base}/agent/pairings/reveal`: once, after the answer. */
export const pairingRevealRequestSchema = v.strictObject({
  id: pairingId,
  agent_key: publicPoint,
  nonce_a: pairingNonce,
});

export type PairingResponse = v.InferOutput<typeof pairingResponseSchema>;
export type PairingIdRequest = v.InferOutput<typeof pairingIdRequestSchema>;
export type PairingReadResponse = v.InferOutput<typeof pairingReadResponseSchema>;
export type PairingAnswerRequest = v.InferOutput<typeof pairingAnswerRequestSchema>;
export type AgentPairingResponse = v.InferOutput<typeof agentPairingResponseSchema>;
export type PairingCommitRequest = v.InferOutput<typeof pairingCommitRequestSchema>;
export type PairingRevealRequest = v.InferOutput<typeof pairingRevealRequestSchema>;
