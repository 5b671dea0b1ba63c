export {
  isPzkError,
  isUndecided,
  type ProviderHint,
  PzkError,
  type PzkErrorCode,
  providerHints,
  type VaultExport,
} from '@pzk-auth/protocol';
export type { CircuitPins, ClientConfig, ClientOptions } from './client-options.js';
export {
  type Client,
  createClient,
  type EnrollOptions,
  type HeadlessStartOptions,
  type StartOptions,
} from './create-client.js';
export type {
  AcceptOptions,
  UseRecoveryOptions,
  VaultClient,
  VaultStatus,
} from './create-vault-client.js';
export type {
  ConfirmCodeOptions,
  NewRecoveryCode,
  VaultRemoval,
} from './exchange/create-recovery-code.js';
export type { DeviceInfo } from './exchange/devices.js';
export type {
  AdmitOptions,
  Invitation,
  InvitationState,
  JoiningDevice,
} from './exchange/invitations.js';
export type { LostVault } from './exchange/lost-vault.js';
export type { NewSecret, OpenVault, SecretValue } from './exchange/open-vault-handle.js';
export type { OpenOptions, TouchOptions } from './exchange/vault-context.js';
export type {
  VaultContents,
  VaultMember,
  VaultState,
} from './exchange/vault-state.js';
export {
  type ArtifactIdentity,
  type ArtifactLoaderOptions,
  createArtifactLoader,
  createMainThreadProver,
  createWorkerProver,
  type MainThreadProverOptions,
  type ProofInput,
  type ProveOptions,
  type Prover,
  type ProverSource,
  type WebWorkerLike,
  type WorkerProverOptions,
} from './prover/index.js';
export type { Approval, Approvals, WaitingApprovals } from './release/approvals.js';
export type { AgentPairing, ConfirmPairingOptions, PairingState } from './release/pair-agent.js';
export type { ReceiptsExport, ReleaseInfo, Releases } from './release/releases.js';
export {
  type NumberedReceipt,
  type ReceiptFlaw,
  type ReceiptsVerdict,
  type ReceiptVerdict,
  type VerifiedReceipt,
  type VerifyReceiptsOptions,
  verifyReceipt,
  verifyReceipts,
} from './release/verify-receipt.js';
export type { PageSessionState } from './session/page-session.js';
export type { Observable } from './session/snapshot-store.js';
export type { ActiveSession, EnrollState, SessionState, SessionStep } from './session/states.js';
export type { ClientStorage } from './storage/client-storage.js';
export { createIndexedDbStorage } from './storage/indexeddb-storage.js';
export { createMemoryStorage } from './storage/memory-storage.js';
export {
  type Capability,
  type CapabilityReport,
  type CapabilityState,
  probeSupport,
  type SupportReport,
} from './support/probe-support.js';
export {
  type OpenedVaultExport,
  type OpenVaultExportOptions,
  openVaultExport,
} from './vault/open-vault-export.js';
export {
  findProviderHint,
  looksLikeKeyOf,
  recognizeKey,
} from './vault/provider-hints.js';
export type {
  RosterChanges,
  RosterComparison,
  RosterMember,
  VaultAgentInfo,
} from './vault/roster.js';
export {
  type RotationStep,
  type RotationStepsOptions,
  rotationSteps,
} from './vault/rotation-steps.js';
export type { RotatedSlot, VaultSlot } from './vault/slot-changes.js';
export type {
  ApproveReplacedSlots,
  ApproveRollback,
  ApproveSuccession,
  ReplacedSlot,
  RollbackReview,
  SuccessionReview,
  VaultApprovals,
} from './vault/unlock-vault-entry.js';
export type { PasskeyAuthenticator, PasskeyUser } from './webauthn/passkeys.js';
export { serializeAssertion, serializeRegistration } from './webauthn/serialize-credential.js';
