import type { DeviceRow, KeyRow, SigningKeyInfo } from '@pzk-auth/verifier';
import { formatTable, formatTime } from './format.js';

const optionalTime = (at: number | undefined) => (at === undefined ? null : formatTime(at));

/** Whether a key can be used. */
export function keyStatus(key: KeyRow, now = Date.now()): 'active' | 'expired' | 'revoked' {
  if (key.revokedAt !== undefined) return 'revoked';
  return key.expiresAt !== undefined && key.expiresAt <= now ? 'expired' : 'active';
}

/** A key for `--json`. The commitment stays where it is: whoever has it can try keys against it. */
export function keyToJson(key: KeyRow) {
  const { id, account, scopes, demands, label = null } = key;
  return {
    id,
    account,
    scopes,
    demands,
    label,
    status: keyStatus(key),
    createdAt: formatTime(key.createdAt),
    expiresAt: optionalTime(key.expiresAt),
    revokedAt: optionalTime(key.revokedAt),
  };
}

/** Keys as a table. */
export function keysToTable(keys: readonly KeyRow[]): string {
  return formatTable(
    ['ID', 'ACCOUNT', 'STATUS', 'SCOPES', 'DEMANDS', 'CREATED', 'EXPIRES', 'LABEL'],
    keys.map((key) => [
      ...[key.id, key.account, keyStatus(key), key.scopes.join(' '), key.demands],
      formatTime(key.createdAt),
      optionalTime(key.expiresAt) ?? 'never',
      key.label,
    ]),
  );
}

const deviceStatus = (device: DeviceRow) => (device.revokedAt === undefined ? 'active' : 'revoked');

/** A device for `--json`. */
export function deviceToJson(device: DeviceRow) {
  const { id, account, key, kind, backupEligible, backedUp, keyProtection } = device;
  return {
    id,
    account,
    key,
    kind,
    status: deviceStatus(device),
    keyProtection,
    backupEligible,
    backedUp,
    createdAt: formatTime(device.createdAt),
    revokedAt: optionalTime(device.revokedAt),
  };
}

/** Devices as a table. */
export function devicesToTable(devices: readonly DeviceRow[]): string {
  return formatTable(
    ['ID', 'ACCOUNT', 'STATUS', 'KIND', 'SYNCED', 'KEY KEPT BY', 'ENROLLED', 'ENROLLED WITH KEY'],
    devices.map((device) => [
      ...[device.id, device.account, deviceStatus(device), device.kind],
      device.kind === 'keypair' ? undefined : device.backupEligible ? 'possible' : 'no',
      ...[device.keyProtection, formatTime(device.createdAt), device.key],
    ]),
  );
}

/** A signing key for `--json`. */
export function signingKeyToJson(key: SigningKeyInfo) {
  const { kid, alg, status, origin } = key;
  const [createdAt, activeFrom] = [formatTime(key.createdAt), formatTime(key.activeFrom)];
  return { kid, alg, status, origin, createdAt, activeFrom };
}

/** Signing keys as a table. */
export function signingKeysToTable(keys: readonly SigningKeyInfo[]): string {
  return formatTable(
    ['KID', 'ALG', 'STATUS', 'ORIGIN', 'CREATED', 'SIGNS FROM'],
    keys.map(({ kid, alg, status, origin, createdAt, activeFrom }) => {
      return [kid, alg, status, origin, formatTime(createdAt), formatTime(activeFrom)];
    }),
  );
}
