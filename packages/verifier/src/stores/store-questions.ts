import { randomBytes } from 'node:crypto';
import type { Stores } from './stores.js';

/**
 * One cheap question to each store, by name, for checks of health: whether it answers is what matters.
 * The one to the replay store leaves a record of a second; the others only read. Not bounded in time.
 */
export function storeQuestions(
  stores: Stores,
): Readonly<Record<keyof Stores, () => Promise<unknown>>> {
  const probe = `probe ${randomBytes(16).toString('base64url')}`;
  return {
    nonces: () => stores.nonces.epoch(),
    replays: () => stores.replays.record(probe, 1000),
    revocations: () => stores.revocations.isRevoked([probe]),
    sessions: () => stores.sessions.get(probe),
    budgets: () => stores.budgets.read(probe),
    accounts: () => stores.accounts.get(probe),
    keys: () => stores.keys.get(probe),
    devices: () => stores.devices.get(probe),
    vaults: () => stores.vaults.get(probe),
    invitations: () => stores.invitations.get(probe),
    pairings: () => stores.pairings.get(probe),
    agents: () => stores.agents.findByJkt(probe),
    releases: () => stores.releases.get(probe),
    resets: () => stores.resets.get(probe),
    signingKeys: () => stores.signingKeys.list(),
    audit: () => stores.audit.last(),
  };
}
