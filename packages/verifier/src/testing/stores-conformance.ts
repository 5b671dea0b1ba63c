import type { DurableStores } from '../stores/durable-stores.js';
import type { ShortLivedStores } from '../stores/short-lived-stores.js';
import { accountStoreConformance } from './account-store-conformance.js';
import { agentStoreConformance } from './agent-store-conformance.js';
import { auditStoreConformance } from './audit-store-conformance.js';
import { budgetStoreConformance } from './budget-store-conformance.js';
import type { ConformanceCase, ConformanceOptions, CreateStore } from './conformance-case.js';
import { deviceStoreConformance } from './device-store-conformance.js';
import { invitationStoreConformance } from './invitation-store-conformance.js';
import { keyStoreConformance } from './key-store-conformance.js';
import { nonceStoreConformance } from './nonce-store-conformance.js';
import { pairingStoreConformance } from './pairing-store-conformance.js';
import { releaseStoreConformance } from './release-store-conformance.js';
import { replayStoreConformance } from './replay-store-conformance.js';
import { revocationStoreConformance } from './revocation-store-conformance.js';
import { sessionStoreConformance } from './session-store-conformance.js';
import { signingKeyStoreConformance } from './signing-key-store-conformance.js';
import { vaultResetStoreConformance } from './vault-reset-store-conformance.js';
import { vaultStoreConformance } from './vault-store-conformance.js';

/** All suites of the short-lived stores. */
export function shortLivedStoresConformance(
  create: CreateStore<ShortLivedStores>,
  options: ConformanceOptions = {},
): readonly ConformanceCase[] {
  return [
    ...nonceStoreConformance(async () => (await create()).nonces, options),
    ...replayStoreConformance(async () => (await create()).replays, options),
    ...revocationStoreConformance(async () => (await create()).revocations, options),
    ...sessionStoreConformance(async () => (await create()).sessions, options),
    ...budgetStoreConformance(async () => (await create()).budgets, options),
  ];
}

/** All suites of the durable stores. `create` gives empty stores each time. */
export function durableStoresConformance(
  create: CreateStore<DurableStores>,
): readonly ConformanceCase[] {
  return [
    ...accountStoreConformance(async () => (await create()).accounts),
    ...keyStoreConformance(async () => (await create()).keys),
    ...deviceStoreConformance(async () => (await create()).devices),
    ...vaultStoreConformance(create),
    ...invitationStoreConformance(async () => (await create()).invitations),
    ...pairingStoreConformance(async () => (await create()).pairings),
    ...agentStoreConformance(create),
    ...releaseStoreConformance(create),
    ...vaultResetStoreConformance(create),
    ...signingKeyStoreConformance(async () => (await create()).signingKeys),
    ...auditStoreConformance(async () => (await create()).audit),
  ];
}
