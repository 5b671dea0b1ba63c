import { refusal } from '../refuse.js';
import type { AccountRow, DeviceRow, KeyRow } from '../stores/durable-stores.js';
import type { Engine } from './engine.js';
import { revocationId, revocationIdsOfAccount } from './revocation-ids.js';

/** A key with the account that owns it, both active. */
export interface ActiveKey {
  readonly key: KeyRow;
  readonly account: AccountRow;
}

/** A key that must not be used, with the reason for the events. */
export interface InactiveKey {
  readonly key: undefined;
  readonly account: undefined;
  readonly reason: string;
}

/** Finds the key of a commitment with its account. */
export async function findKey(
  engine: Engine,
  commitment: string,
  now: number,
): Promise<ActiveKey | InactiveKey> {
  return judgeKey(engine, await engine.stores.keys.findByCommitment(commitment), now);
}

/** The same for a key id. */
export async function getKey(
  engine: Engine,
  id: string,
  now: number,
): Promise<ActiveKey | InactiveKey> {
  return judgeKey(engine, await engine.stores.keys.get(id), now);
}

const seconds = (milliseconds: number) => Math.floor(milliseconds / 1000);

async function judgeKey(
  engine: Engine,
  key: KeyRow | undefined,
  now: number,
): Promise<ActiveKey | InactiveKey> {
  // Asked for an unknown key, too, so that both take the same two look-ups.
  const account = await engine.stores.accounts.get(key?.account ?? '');
  const inactive = (reason: string) => ({ key: undefined, account: undefined, reason });
  if (key === undefined || account === undefined) return inactive('Unknown key.');
  if (key.revokedAt !== undefined) return inactive('Revoked key.');
  // In whole seconds, as `exp` of its tokens: a key that passed here in its last second would get none.
  if (key.expiresAt !== undefined && seconds(now) >= seconds(key.expiresAt)) {
    return inactive('Expired key.');
  }
  if (account.revokedAt !== undefined) return inactive('Key of a revoked account.');
  return { key, account };
}

/** Whether a device may act for an account. */
export function isActiveDevice(
  device: DeviceRow | undefined,
  account: string,
): device is DeviceRow {
  return device !== undefined && device.account === account && device.revokedAt === undefined;
}

/**
 * Who acts, by id. Every member has to be said: what plays no part is `undefined`, so that nobody passes
 * because a caller forgot one.
 */
export interface Standing {
  readonly account: string;
  readonly key: string | undefined;
  readonly device: string | undefined;
  readonly sid: string | undefined;
}

/**
 * Reads the revocations of account, key, device and session from the short-lived store. Called after
 * the nonce was consumed: a revocation that was acknowledged before the consume is seen here.
 *
 * @throws PzkError `invalid_grant`
 */
export async function assertNotRevoked(engine: Engine, standing: Standing): Promise<void> {
  const { account, key, device, sid } = standing;
  const ids = [...revocationIdsOfAccount(engine.config, account)];
  if (key !== undefined) ids.push(revocationId.key(key));
  if (device !== undefined) ids.push(revocationId.device(device));
  if (sid !== undefined) ids.push(revocationId.session(sid));
  if ((await engine.stores.revocations.isRevoked(ids)) !== false) {
    throw refusal('invalid_grant', 'Account, key, device or session was revoked.');
  }
}
