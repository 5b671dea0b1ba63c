import {
  DEVICE_SECRET_GENERATION,
  devicesResponseSchema,
  revokeChallenge,
} from '@pzk-auth/protocol';
import { getPasskey } from '../webauthn/passkeys.js';
import { serializeAssertion } from '../webauthn/serialize-credential.js';
import type { AccountApi } from './account-api.js';
import { requestNonce } from './request-challenge.js';
import type { VaultContext } from './vault-context.js';

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

/**
 * Ends the tokens of a device at once, with a touch. It stays in the vault's roster until it is taken out.
 */
export function revokeDevice(
  {
    exchange,
    api,
    guard,
    sessionKey,
  }: Pick<VaultContext, 'exchange' | 'api' | 'guard' | 'sessionKey'>,
  device: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  return guard.run(signal, async (combined) => {
    // Before the touch, which would be in vain.
    api.assertSignedIn();
    const { config, records } = exchange;
    const own = await records.readLastDevice();
    const nonce = await requestNonce(exchange, 'revoke', await sessionKey(), combined);
    const { issuer, rpId } = config;
    const credential = await getPasskey({
      authenticator: exchange.authenticator(),
      issuer,
      rpId,
      challenge: revokeChallenge({ issuer, device, nonce }),
      signal: combined,
      credentialId: own?.credentialId,
      // No vault is opened: no PRF output is asked for.
      generation: DEVICE_SECRET_GENERATION,
    });
    const body = { device, nonce, credential: serializeAssertion(credential) };
    await api.postVoid('/devices/revoke', body, { signal: combined });
  });
}
