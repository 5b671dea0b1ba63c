/** Sizes and times that both sides agree on. Sizes are in bytes of the wire form. */
export const limits = {
  /** Body of `/token`, `/challenge`, `/revoke`. */
  tokenBodyBytes: 16 * 1024,
  /** Body of `/enroll` and of what is said about vaults and agents. */
  enrollBodyBytes: 64 * 1024,
  /** Body of what carries a write of a vault: `/vault`, `/vault/releases`, `/enroll` with a recovery code. */
  vaultBodyBytes: 256 * 1024,
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
  /** Recipients of one vault. */
  vaultRecipients: 16,
  /** Slots of one vault. */
  vaultSlots: 128,
  /** Agents of one vault. */
  vaultAgents: 16,
  /** Bytes of a manifest. */
  manifestBytes: 48 * 1024,
  /** Hashes of a history, and of an ancestry: one for each bit of a counter. */
  historyHashes: 53,
  /** One sealed slot. */
  slotBlobBytes: 16 * 1024,
  /** All sealed slots of a vault together, so that a write that seals them all anew fits its body. */
  vaultBlobBytes: 96 * 1024,
  /** The value of a secret of another service. */
  secretValueBytes: 8 * 1024,
  /** Name of a secret, a provider or an agent. */
  nameCharacters: 64,
  /** Why an agent asks, and why the user rejects it. */
  purposeCharacters: 200,
  /** Successions that a server keeps of one vault: the newest. */
  vaultSuccessions: 64,
  /** Life of an invitation. */
  invitationSeconds: 600,
  /** Life of a pairing. */
  pairingSeconds: 600,
  /** How long a request of an agent waits for an answer. */
  agentRequestSeconds: 600,
  /** A request of an agent, as bytes. */
  agentRequestBytes: 2 * 1024,
  /** Requests of one agent that wait. */
  waitingRequestsOfAgent: 5,
  /** Requests of all agents of an account that wait. */
  waitingRequestsOfAccount: 20,
  /** New requests of one agent in an hour. */
  hourlyRequestsOfAgent: 60,
  /** Uses that one release can grant. */
  releaseUses: 1_000_000,
  /** From a release to its end, where it is no standing approval. */
  releaseSeconds: 24 * 60 * 60,
  /** Uses in 24 hours that a standing approval can grant. */
  standingUsesPerDay: 100_000,
  /** How far ahead a standing approval can end. */
  standingSeconds: 90 * 24 * 60 * 60,
  /** A receipt, as bytes. */
  receiptBytes: 64 * 1024,
  /** Receipts in one answer. */
  receiptPage: 20,
  /** Releases, entries of the audit trail or devices in one answer. */
  listPage: 100,
} as const;
