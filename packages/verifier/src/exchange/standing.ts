import { refusal } from '../refuse.js';
import type { AccountRow, DeviceRow, KeyRow } from '../stores/durable-stores.js';
import type { Engine } from './engine.js';
import { revocationId, revocationIdsOfAccount } from './revocation-ids.js';

/** Whether a key may be used: neither revoked nor expired. */
function isActiveKey(key: KeyRow, now: number): boolean {
  return key.revokedAt === undefined && (key.expiresAt === undefined || now < key.expiresAt);
}

/** A key with the account that owns it, both active. */
export interface ActiveKey {
  readonly key: KeyRow;
  readonly account: AccountRow;
}

/** Finds the key of a commitment with its account; undefined unless both are active. */
export async function findActiveKey(
  engine: Engine,
  commitment: string,
  now: number,
): Promise<ActiveKey | undefined> {
  return activeKey(engine, await engine.stores.keys.findByCommitment(commitment), now);
}

/** The same for a key id. */
export async function getActiveKey(
  engine: Engine,
  id: string,
  now: number,
): Promise<ActiveKey | undefined> {
  return activeKey(engine, await engine.stores.keys.get(id), now);
}

async function activeKey(engine: Engine, key: KeyRow | undefined, now: number) {
  if (key === undefined || !isActiveKey(key, now)) return undefined;
  const account = await engine.stores.accounts.get(key.account);
  return account === undefined || account.revokedAt !== undefined ? undefined : { key, account };
}

/** Whether a device may act for an account. */
export function isActiveDevice(
  device: DeviceRow | undefined,
  account: string,
): device is DeviceRow {
  return device !== undefined && device.account === account && device.revokedAt === undefined;
}

/**
 * Reads the revocations of key, device and account from the short-lived store. Called after the nonce
 * was consumed: a revocation that was acknowledged before the consume is seen here.
 *
 * @throws PzkError `invalid_grant`
 */
export async function assertNotRevoked(
  engine: Engine,
  owner: { readonly key: KeyRow; readonly device: string },
): Promise<void> {
  const { key, device } = owner;
  const ids = [revocationId.key(key.id), ...revocationIdsOfAccount(engine.config, key.account)];
  if (device !== '') ids.push(revocationId.device(device));
  if (await engine.stores.revocations.isRevoked(ids)) {
    throw refusal('invalid_grant', 'Key, device or account was revoked.');
  }
}
