import {
  type Device,
  type DevicesResponse,
  deviceRevokeRequestSchema,
  emptyRequestSchema,
  limits,
  parseMessage,
  revokeChallenge,
} from '@pzk-auth/protocol';
import { verifyTouch } from '../exchange/device-assertion.js';
import type { Engine } from '../exchange/engine.js';
import { openNonceOf } from '../exchange/open-exchange.js';
import { spendTouch } from '../exchange/spend-touch.js';
import { assertNoPrfResults } from '../http/prf-results.js';
import { readJson } from '../http/read-body.js';
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

const REVOKE = '/devices/revoke';

/**
 * `POST {base}/devices/revoke`: ends a device of the account, also the one that asks. With a touch of the
 * device that asks, for this one device: a token alone ends none.
 */
export async function revokeOwnDevice(engine: Engine, request: Request): Promise<void> {
  const body = await readJson(request, limits.enrollBodyBytes);
  assertNoPrfResults((body as { credential?: unknown } | null)?.credential);
  const message = parseMessage(deviceRevokeRequestSchema, body);
  const { device, session } = await authenticateCaller(engine, request, REVOKE);
  await engine.limits.countExchange(session.key);
  const { nonce, credential } = message;
  const exchange = openNonceOf(engine, session, { purpose: 'revoke', nonce });
  const row = await engine.stores.devices.get(message.device);
  if (row?.account !== device.account) throw refusal('not_found', 'No such device of the account.');
  const { issuer } = engine.config;
  const challenge = revokeChallenge({ issuer, device: row.id, nonce });
  const asserted = await verifyTouch(engine, device, { credential, challenge, nonce });
  await spendTouch(engine, { session, exchange, asserted, endpoint: REVOKE });
  await revokeDevice(engine, row.id);
}
