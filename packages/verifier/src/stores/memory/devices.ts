import type { DeviceStore, DurableStores, Enrollment, EnrollResult } from '../durable-stores.js';
import type { VaultStore, VaultWrite, VaultWriteResult } from '../vault-stores.js';
import { assertEnrollment, assertVaultWrite } from '../write-checks.js';
import { agentTable } from './agents.js';
import { deviceTable } from './device-table.js';
import { invitationTable } from './invitations.js';
import { pairingTable } from './pairings.js';
import { releaseTable } from './releases.js';
import { resetTable } from './resets.js';
import { vaultTable } from './vault-table.js';

/** Devices, vaults and all that is written together with them. */
export type MemoryDevices = Pick<
  DurableStores,
  'devices' | 'vaults' | 'invitations' | 'pairings' | 'agents' | 'releases' | 'resets'
>;

/** Each method checks first and then writes, without giving way in between: all of it or nothing. */
export function memoryDevices(): MemoryDevices {
  const devices = deviceTable();
  const vaults = vaultTable();
  const invitations = invitationTable();
  const pairings = pairingTable();
  const agents = agentTable();
  const releases = releaseTable();
  const resets = resetTable();

  function enroll(enrollment: Enrollment): EnrollResult {
    assertEnrollment(enrollment);
    const { device, vault, onlyFirst, resets: reset } = enrollment;
    const { account } = device;
    if (devices.isKnown(device)) return 'known';
    const siblings = devices.listByAccount(account);
    if (onlyFirst && siblings.length > 0) return 'not_first';
    if (reset !== undefined && !resets.isDue(account, reset.at)) return 'no_reset';
    const brought = reset !== undefined || vaults.get(account) === undefined ? vault : undefined;
    const holder = brought && vaults.holderOf(brought.vaultId);
    if (holder !== undefined && holder !== account) return 'known';

    devices.insert(device);
    if (reset !== undefined) {
      resets.delete(account);
      releases.endByAccount(account, reset.at);
      invitations.deleteByAccount(account);
      pairings.deleteByAccount(account);
      agents.replace(account, []);
      vaults.dropHistory(account);
      for (const { id } of siblings) devices.revoke(id, reset.at);
    }
    if (brought !== undefined) vaults.put(brought);
    return 'enrolled';
  }

  function advanceCounter(id: string, counter: number, nonce: string): boolean {
    const row = devices.get(id);
    if (row === undefined || !Number.isSafeInteger(counter) || counter < 0) return false;
    if (counter === row.counter) return counter === 0 || row.counterNonce === nonce;
    if (counter < row.counter) return false;
    devices.replace({ ...row, counter, counterNonce: nonce });
    return true;
  }

  function write(change: VaultWrite): VaultWriteResult {
    assertVaultWrite(change);
    const { expected, next, joins, release } = change;
    const { account, recoveryKey } = next;
    if (vaults.get(account)?.etag !== expected) return 'conflict';
    if (release !== undefined && !releases.isWaiting(release.request, account, release.at)) {
      return 'conflict';
    }
    const { device, invitation } = joins ?? {};
    if (
      device !== undefined &&
      invitation !== undefined &&
      !invitations.isJoined(invitation, account, device.id)
    ) {
      return 'conflict';
    }
    const holder = recoveryKey === undefined ? undefined : vaults.findByRecoveryKey(recoveryKey);
    if (
      (device !== undefined && devices.isKnown(device)) ||
      (holder !== undefined && holder.account !== account) ||
      agents.isKnown(account, change.agents)
    ) {
      return 'known';
    }

    if (device !== undefined) devices.insert(device);
    if (invitation !== undefined) invitations.end(invitation);
    if (release !== undefined) releases.release(release);
    agents.replace(account, change.agents);
    vaults.put(next);
    vaults.addHistory(account, change.history);
    return 'written';
  }

  const setPin: VaultStore['setPin'] = async ({ account, etag, recipient, pin }) => {
    const vault = vaults.get(account);
    if (vault?.etag !== etag || !vault.recipients.some(({ id }) => id === recipient)) return false;
    const recipients = vault.recipients.map((row) =>
      row.id === recipient ? { ...row, pin } : row,
    );
    vaults.put({ ...vault, recipients });
    return true;
  };

  return {
    devices: Object.freeze<DeviceStore>({
      enroll: async (enrollment) => enroll(enrollment),
      get: async (id) => devices.get(id),
      findByCredentialId: async (credentialId) => devices.findByCredentialId(credentialId),
      findByJkt: async (account, jkt) => devices.findByJkt(account, jkt),
      listByAccount: async (account) => devices.listByAccount(account),
      advanceCounter: async (id, counter, nonce) => advanceCounter(id, counter, nonce),
      revoke: async (id, at) => devices.revoke(id, at),
    }),
    vaults: Object.freeze<VaultStore>({
      get: async (account) => vaults.get(account),
      findByRecoveryKey: async (recoveryKey) => vaults.findByRecoveryKey(recoveryKey),
      findHistory: async (account, places) => vaults.findHistory(account, places),
      write: async (change) => write(change),
      setPin,
    }),
    invitations: invitations.store,
    pairings: pairings.store,
    agents: agents.store,
    releases: releases.store,
    resets: resets.store,
  };
}
