'use client';

// What the hooks take and give, so that an application need not depend on the client as well.
export {
  type AcceptOptions,
  type ActiveSession,
  type AdmitOptions,
  type Approval,
  type ApproveReplacedSlots,
  type ApproveRollback,
  type ApproveSuccession,
  type CapabilityReport,
  type Client,
  type ClientOptions,
  type ConfirmCodeOptions,
  type DeviceInfo,
  type EnrollOptions,
  type EnrollState,
  findProviderHint,
  isPzkError,
  isUndecided,
  type JoiningDevice,
  type NewSecret,
  type OpenOptions,
  type ProviderHint,
  type PzkError,
  type PzkErrorCode,
  providerHints,
  type ReceiptsExport,
  type ReleaseInfo,
  type ReplacedSlot,
  type RollbackReview,
  type RosterChanges,
  type RosterComparison,
  type RosterMember,
  type RotatedSlot,
  type RotationStep,
  recognizeKey,
  rotationSteps,
  type SessionState,
  type SessionStep,
  type StartOptions,
  type SuccessionReview,
  type TouchOptions,
  type UseRecoveryOptions,
  type VaultAgentInfo,
  type VaultApprovals,
  type VaultExport,
  type VaultMember,
  type VaultSlot,
  type VaultState,
  type VerifiedReceipt,
} from '@pzk-auth/client';
export type { ActionFailure, ActionResult } from './action-result.js';
export { PzkProvider, type PzkProviderProps } from './pzk-provider.js';
export type { Removal } from './removal.js';
export { type AgentsActions, type PairingView, type UseAgents, useAgents } from './use-agents.js';
export {
  type ApprovalsActions,
  type ApprovalsState,
  type UseApprovals,
  type UseApprovalsOptions,
  useApprovals,
} from './use-approvals.js';
export {
  type DevicesActions,
  type DevicesState,
  type UseDevices,
  useDevices,
} from './use-devices.js';
export { type EnrollActions, type UseEnroll, useEnroll } from './use-enroll.js';
export type { InvitationView } from './use-invitation.js';
export {
  type LostVaultActions,
  type LostVaultState,
  type UseLostVault,
  type UseLostVaultOptions,
  useLostVault,
} from './use-lost-vault.js';
export { type UsePasskeySupport, usePasskeySupport } from './use-passkey-support.js';
export { usePzkFetch } from './use-pzk-fetch.js';
export { type RecoveryActions, type UseRecovery, useRecovery } from './use-recovery.js';
export {
  type ActivityEntry,
  type ReleasesActions,
  type ReleasesState,
  type UseReleases,
  type UseReleasesOptions,
  useReleases,
} from './use-releases.js';
export { type SessionActions, type UseSession, useSession } from './use-session.js';
export { type UseVault, useVault, type VaultActions } from './use-vault.js';
