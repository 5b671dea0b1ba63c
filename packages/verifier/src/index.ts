export { isPzkError, PzkError, type PzkErrorCode } from '@pzk-auth/protocol';
export {
  type AuditVerdict,
  type VerifyAuditChainOptions,
  verifyAuditChain,
} from './audit/verify-audit-chain.js';
export { type Circuit, type OwnershipCircuitOptions, ownershipCircuit } from './circuit.js';
export { createVerifier, type Verifier } from './create-verifier.js';
export type { VerifierEvent } from './events.js';
export type { AuthenticateOptions, AuthenticateRequest } from './exchange/authenticate.js';

export type { ProblemParts } from './http/problem-response.js';
export type { HandleContext } from './http/route.js';
export type { AccountManager } from './keys/account-manager.js';
export type { DeviceManager } from './keys/device-manager.js';
export type {
  IssuedKey,
  KeyManager,
  KeyOptions,
  RotatedKey,
  RotateKeyOptions,
} from './keys/key-manager.js';
export { createResourceServerSecret } from './keys/resource-server-secret.js';
export type { RotateOptions, SigningKeyManager } from './keys/signing-key-manager.js';
export type {
  ApiKeyPolicy,
  ProtectOptions,
  RegisterCommitments,
  VerifiedApiKey,
  VerifyApiKey,
} from './legacy/api-key-policy.js';
export type { RateLimit, RateLimits } from './limits/limits.js';
export type { Health, HealthCheck } from './operation/health.js';
export { assertOptionNames } from './option-names.js';
export type {
  Authorization,
  AuthorizeContext,
  AuthorizeHook,
  ResourceServer,
  SigningOptions,
  VaultResetOptions,
  VerifierOptions,
} from './options.js';
export type { OwnSetup } from './own-setup.js';
export type { PageSession } from './page-session/page-session.js';
export {
  createGroth16ProofSystem,
  type Groth16ProofSystemOptions,
  hashVerificationKey,
  type ProofLane,
  type ProofStatement,
  type ProofSystem,
  VerificationKeyError,
  type VerificationKeyFlaw,
} from './proof/index.js';
export type { ApiKeyCaller, KeyProtection, PzkCaller, PzkSession } from './session.js';
export type { AuditRow, AuditStore } from './stores/audit-store.js';
export type {
  AccountRow,
  AccountStore,
  DeviceRow,
  DeviceStore,
  DurableStores,
  Enrollment,
  EnrollResult,
  KeyDemand,
  KeyRow,
  KeyStore,
  SigningKeyRow,
  SigningKeyStore,
} from './stores/durable-stores.js';
export { type MemoryStoresOptions, memoryStores } from './stores/memory/memory-stores.js';
export { isMemoryStore } from './stores/memory/registry.js';
export type {
  BudgetStore,
  ConsumeResult,
  NonceStore,
  ReplayStore,
  RevocationStore,
  SessionRow,
  SessionStore,
  ShortLivedStores,
} from './stores/short-lived-stores.js';
export { storeQuestions } from './stores/store-questions.js';
export type { Stores } from './stores/stores.js';
export type {
  AgentRow,
  AgentStore,
  InvitationRow,
  InvitationStore,
  InvitedDevice,
  PairingRow,
  PairingStatus,
  PairingStep,
  PairingStore,
  ReceiptRow,
  ReleaseRow,
  ReleaseStatus,
  ReleaseStore,
  VaultRecipientRow,
  VaultRelease,
  VaultResetRow,
  VaultResetStore,
  VaultRow,
  VaultStore,
  VaultSuccessionRow,
  VaultWrite,
  VaultWriteResult,
} from './stores/vault-stores.js';
export type { SigningKeyInfo, SigningKeyStatus } from './token/key-ring.js';
export type {
  ExternalSigner,
  PrivateSigningJwk,
  PublicSigningJwk,
  SigningAlgorithm,
  SigningKeyInput,
} from './token/signing-key.js';
