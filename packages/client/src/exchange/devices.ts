import { devicesResponseSchema } from '@pzk-auth/protocol';
import type { AccountApi } from './account-api.js';

/** A device of the account, as the server has it. */
export interface DeviceInfo {
  /** The server's id. */
  readonly id: string;
  /** base64url; absent where the device is no passkey. */
  readonly credentialId?: string;
  /** Seconds since the epoch. */
  readonly createdAt: number;
  /** Absent while it is active. */
  readonly revokedAt?: number;
  /** Where its secret rests; `none`: it is in no vault. */
  readonly keyProtection: 'passkey' | 'device' | 'none';
  /** Whether the passkey is synced. */
  readonly backedUp: boolean;
}

/** Devices of the account: active ones first. */
export async function listDevices(api: AccountApi): Promise<readonly DeviceInfo[]> {
  const { devices } = await api.post('/devices', {}, devicesResponseSchema);
  return devices.map((one) =>
    Object.freeze({
      id: one.id,
      ...(one.credential_id === undefined ? {} : { credentialId: one.credential_id }),
      createdAt: one.created_at,
      ...(one.revoked_at === undefined ? {} : { revokedAt: one.revoked_at }),
      keyProtection: one.key_protection,
      backedUp: one.backed_up,
    }),
  );
}

/** Ends the tokens of a device at once. It stays in the vault's roster until it is taken out. */
export function revokeDevice(api: AccountApi, device: string): Promise<void> {
  return api.postVoid('/devices/revoke', { device });
}
