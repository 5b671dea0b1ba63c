import {
  type Device,
  type DevicesResponse,
  deviceRevokeRequestSchema,
  emptyRequestSchema,
  limits,
} from '@pzk-auth/protocol';
import type { Engine } from '../exchange/engine.js';
import { readMessage } from '../http/read-message.js';
import { refusal } from '../refuse.js';
import type { DeviceRow } from '../stores/durable-stores.js';
import { authenticateCaller } from '../vault/vault-caller.js';
import { revokeDevice } from './revoke-device.js';

const seconds = (milliseconds: number) => Math.floor(milliseconds / 1000);

function describeDevice(row: DeviceRow): Device {
  return {
    id: row.id,
    ...(row.credentialId === '' ? {} : { credential_id: row.credentialId }),
    created_at: seconds(row.createdAt),
    ...(row.revokedAt === undefined ? {} : { revoked_at: seconds(row.revokedAt) }),
    key_protection: row.keyProtection,
    backed_up: row.backedUp,
  };
}

/** `POST {base}/devices`: those of the account, active ones first, then the newest revoked ones. */
export async function listOwnDevices(engine: Engine, request: Request): Promise<DevicesResponse> {
  await readMessage(request, emptyRequestSchema);
  const { device } = await authenticateCaller(engine, request, '/devices');
  const rows = await engine.stores.devices.listByAccount(device.account);
  const active = rows.filter(({ revokedAt }) => revokedAt === undefined);
  const revoked = rows
    .filter(({ revokedAt }) => revokedAt !== undefined)
    .sort((a, b) => (b.revokedAt ?? 0) - (a.revokedAt ?? 0));
  return { devices: [...active, ...revoked].slice(0, limits.listPage).map(describeDevice) };
}

/** `POST {base}/devices/revoke`: ends a device of the account, also the one that asks. */
export async function revokeOwnDevice(engine: Engine, request: Request): Promise<void> {
  const message = await readMessage(request, deviceRevokeRequestSchema);
  const { device } = await authenticateCaller(engine, request, '/devices/revoke');
  const row = await engine.stores.devices.get(message.device);
  if (row?.account !== device.account) throw refusal('not_found', 'No such device of the account.');
  await revokeDevice(engine, row.id);
}
