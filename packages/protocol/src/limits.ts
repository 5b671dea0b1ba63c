/** Sizes and times that both sides agree on. Sizes are in bytes of the wire form. */
export const limits = {
  /** Body of `/token`, `/challenge`, `/revoke`. */
  tokenBodyBytes: 16 * 1024,
  /** Body of `/enroll` and of everything about vaults. */
  enrollBodyBytes: 64 * 1024,
  /** An access token. */
  accessTokenBytes: 4 * 1024,
  /** A DPoP proof. */
  dpopProofBytes: 2 * 1024,
  /** Nesting of any JSON document. */
  jsonDepth: 8,
  /** The URL of an issuer, audience or resource. */
  identifierCharacters: 512,
  /** A scope string. */
  scopeBytes: 512,
  /** A nonce as text; it carries audience and scope, at most 1679 characters with both at their limit. */
  nonceBytes: 1792,
  /** Slots of one vault entry at enrolment. */
  vaultSlots: 16,
} as const;
