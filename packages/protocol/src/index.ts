export { formatApiKey, isApiKeyPrefix, isIssuedApiKey } from './api-key.js';
export { decodeBase64url, encodeBase64url, isBase64url } from './base64url.js';
export {
  type Bytes,
  bytesToInteger,
  concatBytes,
  equalBytes,
  integerToBytes,
  utf8,
} from './bytes.js';
export {
  type CommitmentOpening,
  commitmentOf,
  commitmentTag,
  computeCommitment,
  issuerSalt,
  openCommitment,
} from './commitment.js';
export {
  type ContextFields,
  type EnrollContextFields,
  enrollContext,
  OWNERSHIP_CIRCUIT,
  type Purpose,
  publicSignals,
  type SessionContextFields,
  sessionContext,
} from './context.js';
export {
  type ClientErrorCode,
  clientErrorCodes,
  ERROR_DOCS_URL,
  isPzkError,
  type OperatorErrorCode,
  operatorErrorCodes,
  PzkError,
  type PzkErrorCode,
  type PzkErrorOptions,
  type WireErrorCode,
  wireErrorCodes,
} from './errors.js';
export {
  BASE_FIELD_MODULUS,
  type FieldElement,
  formatFieldElement,
  isFieldElement,
  parseFieldElement,
  SCALAR_FIELD_MODULUS,
} from './field.js';
export { sha256, truncateToField } from './hash.js';
export { parseJson } from './json.js';
export { type KeyMaterial, packKey, parseApiKey } from './key-material.js';
export { type Label, labels } from './labels.js';
export { type LengthPrefixedPart, lp } from './length-prefix.js';
export { limits } from './limits.js';
export {
  type ChallengeRequest,
  type ChallengeResponse,
  challengeRequestSchema,
  challengeResponseSchema,
} from './messages/challenge.js';
export {
  type EnrollRequest,
  enrollRequestSchema,
  type KeypairEnrollment,
  keypairEnrollmentSchema,
  type PasskeyEnrollment,
  passkeyEnrollmentSchema,
} from './messages/enroll.js';
export { parseMessage } from './messages/parse-message.js';
export { type Problem, problemSchema, problemType } from './messages/problem.js';
export {
  type IntrospectionRequest,
  introspectionRequestSchema,
  PROOF_GRANT,
  type ProofGrant,
  proofGrantSchema,
  RENEW_GRANT,
  type RenewGrant,
  type RevokeRequest,
  renewGrantSchema,
  revokeRequestSchema,
  type TokenResponse,
  tokenResponseSchema,
} from './messages/token.js';
export {
  type VaultOpenRequest,
  type VaultOpenResponse,
  vaultOpenRequestSchema,
  vaultOpenResponseSchema,
} from './messages/vault-open.js';
export {
  type Assertion,
  assertionSchema,
  type Registration,
  registrationSchema,
} from './messages/webauthn-json.js';
export {
  DEVICE_SECRET_GENERATION,
  FIRST_PRF_GENERATION,
  hpkeInfo,
  pinKeyInfo,
  prfInput,
  type RecipientDerivation,
} from './prf.js';
export { formatProof, isProofEncoding, PROOF_BYTES, parseProof } from './proof-encoding.js';
export { canonicalizeScope, formatScope, isScopeToken, parseScope } from './scope.js';
export {
  formatManifest,
  manifestSignatureMessage,
  parseManifest,
  type VaultManifest,
  type VaultRecipient,
} from './vault/manifest.js';
export { type SlotFields, type SlotKind, slotAad, slotKeyInfo, slotKinds } from './vault/slot.js';
export {
  blobHash,
  sealedBytes,
  sealedHash,
  type VaultEntry,
  vaultEntryHash,
  vaultEntrySchema,
} from './vault/vault-entry.js';
export {
  GCM_IV_BYTES,
  GCM_TAG_BYTES,
  type PinFields,
  pinMessage,
  SEC1_POINT_BYTES,
  VAULT_SECRET_BYTES,
  type VaultSealFields,
  vaultSealInfo,
} from './vault/vault-seal.js';
export { type WebAuthnChallengeFields, webauthnChallenge } from './webauthn-challenge.js';
