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
  ES256_COSE_KEY_BYTES,
  formatEs256CoseKey,
  parseEs256CoseKey,
} from './cose-key.js';
export { formatCrockford, parseCrockford } from './crockford.js';
export { isDisplayText } from './display-text.js';
export {
  type AgentErrorCode,
  agentErrorCodes,
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
export { isUndecided } from './is-undecided.js';
export { parseJson } from './json.js';
export { type KeyMaterial, packKey, parseApiKey } from './key-material.js';
export { type Label, labels } from './labels.js';
export { type LengthPrefixedPart, lp, splitLengthPrefixed } from './length-prefix.js';
export { limits } from './limits.js';
export {
  type AgentEvent,
  type AgentRequestIdRequest,
  type AgentRequestReadResponse,
  type AgentRequestRequest,
  type AgentRequestStatus,
  type AgentUsesRequest,
  type AgentUsesResponse,
  agentEventSchema,
  agentRequestIdRequestSchema,
  agentRequestReadResponseSchema,
  agentRequestRequestSchema,
  agentRequestStatuses,
  agentUsesRequestSchema,
  agentUsesResponseSchema,
  type SealedRelease,
  sealedReleaseSchema,
} from './messages/agent-requests.js';
export {
  type ChallengeRequest,
  type ChallengeResponse,
  challengeRequestSchema,
  challengeResponseSchema,
} from './messages/challenge.js';
export {
  type Device,
  type DeviceRevokeRequest,
  type DevicesResponse,
  deviceRevokeRequestSchema,
  deviceSchema,
  devicesResponseSchema,
} from './messages/devices.js';
export {
  type EnrollRequest,
  enrollRequestSchema,
  type InvitedEnrollment,
  invitedEnrollmentSchema,
  type KeypairEnrollment,
  keypairEnrollmentSchema,
  type PasskeyEnrollment,
  passkeyEnrollmentSchema,
  type RecoveryEnrollment,
  recoveryEnrollmentSchema,
} from './messages/enroll.js';
export {
  type ExpiryResponse,
  expiryResponseSchema,
  type InvitationIdRequest,
  type InvitationOpenResponse,
  type InvitationReadResponse,
  type InvitationRequest,
  type InvitationStatus,
  invitationIdRequestSchema,
  invitationOpenResponseSchema,
  invitationReadResponseSchema,
  invitationRequestSchema,
  invitationStatuses,
  type JoiningRecipient,
  joiningRecipientSchema,
} from './messages/invitation.js';
export {
  type AgentPairingResponse,
  agentPairingResponseSchema,
  type PairingAnswerRequest,
  type PairingCommitRequest,
  type PairingIdRequest,
  type PairingReadResponse,
  type PairingResponse,
  type PairingRevealRequest,
  type PairingStatus,
  pairingAnswerRequestSchema,
  pairingCommitRequestSchema,
  pairingIdRequestSchema,
  pairingReadResponseSchema,
  pairingResponseSchema,
  pairingRevealRequestSchema,
  pairingStatuses,
} from './messages/pairing.js';
export { parseMessage } from './messages/parse-message.js';
export {
  type Problem,
  type ProblemText,
  problemSchema,
  problemTexts,
  problemToError,
  problemType,
} from './messages/problem.js';
export {
  type ActivityResponse,
  activityResponseSchema,
  type PageRequest,
  pageRequestSchema,
  type ReceiptsRequest,
  type ReceiptsResponse,
  type ReleaseEndRequest,
  type ReleaseRequest,
  type ReleasesResponse,
  type RequestRejectRequest,
  receiptsRequestSchema,
  receiptsResponseSchema,
  releaseEndRequestSchema,
  releaseRequestSchema,
  releasesResponseSchema,
  requestRejectRequestSchema,
  type WaitingRequestsResponse,
  waitingRequestsResponseSchema,
} from './messages/releases.js';
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
  type VaultRecoverRequest,
  vaultOpenRequestSchema,
  vaultOpenResponseSchema,
  vaultRecoverRequestSchema,
} from './messages/vault-open.js';
export {
  type VaultExportResponse,
  type VaultPinRequest,
  type VaultStatusResponse,
  type VaultWriteResponse,
  vaultExportResponseSchema,
  vaultPinRequestSchema,
  vaultStatusResponseSchema,
  vaultWriteResponseSchema,
} from './messages/vault-status.js';
export {
  type Assertion,
  assertionSchema,
  type Registration,
  registrationSchema,
} from './messages/webauthn-json.js';
export { emptyRequestSchema, RECOVERY } from './messages/wire-types.js';
export {
  DEVICE_SECRET_GENERATION,
  FIRST_PRF_GENERATION,
  hpkeInfo,
  pinKeyInfo,
  prfInput,
  type RecipientDerivation,
} from './prf.js';
export { formatProof, isProofEncoding, PROOF_BYTES, parseProof } from './proof-encoding.js';
export {
  type AgentRequest,
  agentRequestHash,
  formatAgentRequest,
  isAgentRequestTimely,
  isCredentialHeader,
  isReleaseHeader,
  isReleaseHost,
  type ParsedAgentRequest,
  parseAgentRequest,
  type ReleaseMethod,
  releaseMethods,
} from './release/agent-request.js';
export {
  formatPairingId,
  PAIRING_ID_BYTES,
  PAIRING_NONCE_BYTES,
  type PairingCommitmentFields,
  type PairingFields,
  pairingCommitment,
  pairingWords,
  parsePairingId,
} from './release/pairing.js';
export { type ProviderHint, providerHints } from './release/provider-hints.js';
export {
  formatReceipt,
  type ParsedReceipt,
  parseReceipt,
  type Receipt,
  receiptHash,
} from './release/receipt.js';
export {
  isReleasableValue,
  type ReleaseChallengeFields,
  type ReleaseSignatureFields,
  releaseChallenge,
  releaseSealInfo,
  releaseSignatureMessage,
} from './release/release.js';
export { type RevokeChallengeFields, revokeChallenge } from './revoke-challenge.js';
export { canonicalizeScope, formatScope, isScopeToken, parseScope } from './scope.js';
export { type DeviceNames, formatDeviceNames, parseDeviceNames } from './vault/device-names.js';
export {
  ancestryPlaces,
  type EarlierManifest,
  type HistoryNode,
  historyAfter,
  isAncestor,
  nodesAfter,
} from './vault/history.js';
export {
  INVITATION_CODE_BYTES,
  type InvitationNewFields,
  type InvitationOldFields,
  invitationIdInfo,
  invitationNewKeyInfo,
  invitationNewMessage,
  invitationOldKeyInfo,
  invitationOldMessage,
} from './vault/invitation.js';
export {
  formatManifest,
  manifestSignatureMessage,
  parseManifest,
  type VaultAgent,
  type VaultManifest,
  type VaultRecipient,
} from './vault/manifest.js';
export {
  formatRecoveryCode,
  parseRecoveryCode,
  RECOVERY_CODE_BYTES,
  type RecoveryFields,
  recoveryKeyInfo,
  recoveryMessage,
  recoveryWriteHash,
} from './vault/recovery-code.js';
export { type SlotFields, type SlotKind, slotAad, slotKeyInfo, slotKinds } from './vault/slot.js';
export {
  type Succession,
  type SuccessionFields,
  successionMessage,
  successionSchema,
  successionsSchema,
} from './vault/succession.js';
export {
  blobHash,
  fitsVault,
  mayBeSealed,
  sealedBytes,
  sealedHash,
  type VaultEntry,
  vaultEntryHash,
  vaultEntrySchema,
} from './vault/vault-entry.js';
export {
  VAULT_EXPORT_FORMAT,
  type VaultExport,
  vaultExportSchema,
} from './vault/vault-export.js';
export {
  GCM_IV_BYTES,
  GCM_TAG_BYTES,
  type PinFields,
  type PinWriteFields,
  pinMessage,
  pinWriteMessage,
  SEC1_POINT_BYTES,
  VAULT_SECRET_BYTES,
  type VaultSealFields,
  vaultSealInfo,
} from './vault/vault-seal.js';
export {
  formatVaultSecret,
  type ParsedVaultSecret,
  parseVaultSecret,
  type VaultSecret,
} from './vault/vault-secret.js';
export { type VaultWordsFields, vaultWords } from './vault/vault-words.js';
export {
  formatIfMatch,
  parseIfMatch,
  type VaultWrite,
  vaultEtag,
  vaultWriteSchema,
} from './vault/vault-write.js';
export { type WebAuthnChallengeFields, webauthnChallenge } from './webauthn-challenge.js';
