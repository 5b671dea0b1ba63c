import * as v from 'valibot';
import {
  base64urlBytes,
  circuitId,
  issuerUrl,
  nonceText,
  scopeText,
  thumbprint,
} from './wire-types.js';

/** `POST {base}/challenge`. */
export const challengeRequestSchema = v.strictObject({
  purpose: v.picklist(['enroll', 'session', 'release', 'revoke']),
  jkt: thumbprint,
  scope: scopeText,
  /** RFC 8707; the issuer's default audience if absent. */
  resource: v.optional(issuerUrl),
});

/** Its answer. The client compares all but nonce and times with its own configuration. */
export const challengeResponseSchema = v.object({
  nonce: nonceText,
  /** Seconds since the epoch. */
  expires_at: v.pipe(v.number(), v.safeInteger()),
  /** The server's clock, seconds since the epoch: the client sets its DPoP `iat` by it. */
  now: v.pipe(v.number(), v.safeInteger()),
  issuer: issuerUrl,
  audience: issuerUrl,
  rp_id: v.pipe(v.string(), v.maxLength(253)),
  /** Canonical. */
  scope: scopeText,
  circuit: v.strictObject({
    id: circuitId,
    /** SHA-256 of what the prover loads. */
    prover: base64urlBytes(32),
    /** SHA-256 of the verification key. */
    verification_key: base64urlBytes(32),
  }),
});

export type ChallengeRequest = v.InferOutput<typeof challengeRequestSchema>;
export type ChallengeResponse = v.InferOutput<typeof challengeResponseSchema>;
