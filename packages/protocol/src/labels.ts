/**
 * Every domain-separation label of the protocol. No two uses of one function (hash, HKDF, HMAC, signature,
 * HPKE) share one, so that a value made for one of them means nothing in another; four derive a key and also
 * begin the message that this key authenticates (docs/protocol.md section 4).
 */
export const labels = {
  issuer: 'pzk-auth/v1/issuer',
  commitment: 'pzk-auth/v1/commitment',
  longKey: 'pzk-auth/v1/long-key',
  context: 'pzk-auth/v1/context',
  webauthn: 'pzk-auth/v1/webauthn',
  prf: 'pzk-auth/v1/prf',
  hpke: 'pzk-auth/v1/hpke',
  pin: 'pzk-auth/v1/pin',
  pinWrite: 'pzk-auth/v1/pin-write',
  slotKey: 'pzk-auth/v1/slot-key',
  slotAad: 'pzk-auth/v1/slot-aad',
  vaultSeal: 'pzk-auth/v1/vault-seal',
  manifest: 'pzk-auth/v1/manifest',
  vaultWords: 'pzk-auth/v1/vault-words',
  history: 'pzk-auth/v1/history',
  revokeChallenge: 'pzk-auth/v1/revoke-challenge',
  succession: 'pzk-auth/v1/succession',
  recovery: 'pzk-auth/v1/recovery',
  inviteId: 'pzk-auth/v1/invite-id',
  inviteMacNew: 'pzk-auth/v1/invite-mac-new',
  inviteMacOld: 'pzk-auth/v1/invite-mac-old',
  pair: 'pzk-auth/v1/pair',
  pairWords: 'pzk-auth/v1/pair-words',
  agentRequest: 'pzk-auth/v1/agent-request',
  releaseChallenge: 'pzk-auth/v1/release-challenge',
  releaseSeal: 'pzk-auth/v1/release-seal',
  releaseSignature: 'pzk-auth/v1/release-signature',
  receipt: 'pzk-auth/v1/receipt',
  /** Server side only: derives the HMAC key of nonces from the deployment's secret. */
  nonceKey: 'pzk-auth/v1/nonce-key',
  /** Server side only: the HMAC over a nonce. */
  nonce: 'pzk-auth/v1/nonce',
  /** Server side only: the HMAC of a nonce for DPoP proofs. */
  dpopNonce: 'pzk-auth/v1/dpop-nonce',
  /** Server side only: what a signing key signs when it is checked at start. */
  signingCheck: 'pzk-auth/v1/signing-check',
  /** Server side only: derives the key that wraps signing keys at rest. */
  keyWrap: 'pzk-auth/v1/key-wrap',
  /** Server side only: derives subjects that differ by audience. */
  pairwise: 'pzk-auth/v1/pairwise',
  /** Server side only: the hash of an entry of the audit log. */
  audit: 'pzk-auth/v1/audit',
  /** Server side only: the hash under which a page session is stored. */
  pageSession: 'pzk-auth/v1/page-session',
} as const;

/** One of the protocol's labels. */
export type Label = (typeof labels)[keyof typeof labels];
