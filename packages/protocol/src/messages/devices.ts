import * as v from 'valibot';
import { limits } from '../limits.js';
import { assertionSchema } from './webauthn-json.js';
import { boundedArray, credentialId, nonceText, seconds, serverId } from './wire-types.js';

/** A device as its owner sees it. */
export const deviceSchema = v.strictObject({
  /** The server's id, as `device` in tokens. */
  id: serverId,
  /** Absent where the device is no passkey. */
  credential_id: v.optional(credentialId),
  created_at: seconds,
  /** Absent while it is active. */
  revoked_at: v.optional(seconds),
  key_protection: v.picklist(['passkey', 'device', 'none']),
  /** Whether the passkey is synced. */
  backed_up: v.boolean(),
});

/** Answer of `POST {base}/devices`: active ones first, then the newest revoked ones. */
export const devicesResponseSchema = v.object({
  devices: boundedArray(deviceSchema, 0, limits.listPage),
});

/** `POST {base}/devices/revoke`: with a touch of the device that asks. */
export const deviceRevokeRequestSchema = v.strictObject({
  device: serverId,
  /** Of purpose `revoke`. */
  nonce: nonceText,
  /** The assertion over `revokeChallenge`. */
  credential: assertionSchema,
});

export type Device = v.InferOutput<typeof deviceSchema>;
export type DevicesResponse = v.InferOutput<typeof devicesResponseSchema>;
export type DeviceRevokeRequest = v.InferOutput<typeof deviceRevokeRequestSchema>;
