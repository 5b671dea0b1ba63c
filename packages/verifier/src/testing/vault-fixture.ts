import assert from 'node:assert/strict';
import type { DeviceRow, DurableStores } from '../stores/durable-stores.js';
import type { ReleaseRow, VaultRelease, VaultRow, VaultWrite } from '../stores/vault-stores.js';
import { randomId } from './conformance-case.js';
import { deviceRow, invitationRow, invitedDevice, releaseRow, vaultRow } from './sample-rows.js';

/** The stores that are written together. */
export type VaultStores = Pick<
  DurableStores,
  'devices' | 'vaults' | 'invitations' | 'pairings' | 'agents' | 'releases' | 'resets'
>;

/** Limits that no case meets by chance. */
export const NO_LIMITS = {
  waitingOfAgent: 1_000,
  waitingOfAccount: 1_000,
  hourlyOfAgent: 1_000,
  keptSince: 0,
};

/** An account with one device and its vault. */
export interface VaultOwner {
  readonly account: string;
  readonly device: DeviceRow;
  readonly vault: VaultRow;
}

/** Enrols a device with a vault for a new account. */
export async function enrolOwner(stores: VaultStores): Promise<VaultOwner> {
  const device = deviceRow();
  const { account } = device;
  const vault = vaultRow(account, device.id);
  assert.equal(await stores.devices.enroll({ device, vault, onlyFirst: true }), 'enrolled');
  return { account, device, vault };
}

/** A write that follows a vault, with other blobs throughout. */
export function writeAfter(
  vault: VaultRow,
  over: Partial<Omit<VaultWrite, 'next'>> & { readonly next?: Partial<VaultRow> } = {},
): VaultWrite {
  const { next, ...rest } = over;
  const other = vaultRow(vault.account, '', {
    vaultId: vault.vaultId,
    recipients: vault.recipients,
    recoveryKey: vault.recoveryKey,
    ...next,
  });
  return { expected: vault.etag, next: other, history: [], agents: [], ...rest };
}

/** Inserts an invitation of an account that a device has joined, and returns its id. */
export async function invite(
  { invitations }: VaultStores,
  account: string,
  device: DeviceRow,
): Promise<string> {
  const invitation = invitationRow({ account });
  assert.equal(await invitations.insert(invitation, 0), true);
  assert.equal(await invitations.join(invitation.id, invitedDevice(device), 0), true);
  return invitation.id;
}

/** Inserts a request of an account that waits. */
export async function ask(
  { releases }: VaultStores,
  account: string,
  over: Partial<ReleaseRow> = {},
): Promise<ReleaseRow> {
  const row = releaseRow({ account, ...over });
  assert.equal(await releases.insert(row, NO_LIMITS), 'added');
  return row;
}

/** The release of a request a second after it came. */
export function releaseOf({ id, at }: ReleaseRow): VaultRelease {
  return {
    request: id,
    at: at + 1_000,
    enc: randomId(),
    ct: randomId(),
    signature: randomId(),
    receipt: randomId(),
  };
}

/** Inserts a request and releases it, with the vault that its owner has then. */
export async function release(
  stores: VaultStores,
  { account }: VaultOwner,
  over: Partial<ReleaseRow> = {},
): Promise<{ readonly row: ReleaseRow; readonly released: VaultRelease }> {
  const row = await ask(stores, account, over);
  const released = releaseOf(row);
  const vault = await stores.vaults.get(account);
  assert.ok(vault);
  const write = writeAfter(vault, { release: released });
  assert.equal(await stores.vaults.write(write), 'written');
  return { row, released };
}

/**
 * Writes rows of odd ids and reads them back: each either as it was written or refused by an error, and
 * then not there.
 */
export async function assertKeptOrRefused<T>(
  ids: readonly string[],
  store: {
    readonly insert: (id: string) => Promise<unknown>;
    readonly get: (id: string) => Promise<T | undefined>;
    /** The id as the row has it besides. */
    readonly of: (row: T) => string;
  },
): Promise<void> {
  const kept: string[] = [];
  for (const id of ids) {
    const refused = await store.insert(id).then(
      (result) => {
        assert.ok(result === true || result === 'added');
        return false;
      },
      () => true,
    );
    if (!refused) kept.push(id);
    else assert.equal(await store.get(id).catch(() => undefined), undefined);
  }
  assert.ok(kept.length > ids.length / 2);
  for (const id of kept) {
    const row = await store.get(id);
    assert.ok(row);
    assert.equal(store.of(row), id);
  }
}
