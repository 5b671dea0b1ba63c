import { DEVICE_SECRET_GENERATION, PzkError, type VaultRecipient } from '@pzk-auth/protocol';
import { throwIfAborted } from '../abort.js';
import { signPin } from '../vault/sign-pin.js';
import { type UnlockedVault, wipeVault } from '../vault/unlocked-vault.js';
import type { AccountApi } from './account-api.js';
import { unlockVault } from './open-vault.js';
import { requestChallenge } from './request-challenge.js';
import { type PasskeyTouch, touchPasskey } from './touch-passkey.js';
import type { NextSecret, OpenOptions, VaultContext } from './vault-context.js';

/** Seconds. */
const KEEP_FOR = 300;
/** setTimeout takes 31 bits of milliseconds; a longer delay would fire at once. */
const MAXIMUM_KEEP_FOR = 24 * 60 * 60;

/**
 * Derives the secret of the next generation twice, with another touch: what an authenticator gives once
 * and never again would lock the device out.
 */
export async function confirmNextSecret(
  { secrets, askGeneration }: PasskeyTouch,
  { generation }: VaultRecipient,
): Promise<NextSecret> {
  if (generation === DEVICE_SECRET_GENERATION) {
    throw new PzkError('invalid_request', 'This device has no PRF to rotate.');
  }
  const next = generation + 1;
  const secret = secrets.get(next) ?? (await askGeneration(next));
  const confirmation = secret && (await askGeneration(next));
  if (secret === undefined || confirmation === undefined) {
    throw new PzkError('prf_missing_at_get', 'The passkey gave no second PRF output.');
  }
  return { generation: next, secret, confirmation };
}

/**
 * Best effort: a server that did not hear it, or without a session does not take it, has the user asked
 * once more.
 */
async function sendPin(
  api: AccountApi,
  vault: UnlockedVault,
  pin: string,
  signal: AbortSignal,
): Promise<void> {
  const body = await signPin(vault, pin);
  await api.postVoid('/vault/pin', body, { signal }).catch(() => throwIfAborted(signal));
}

/**
 * Opens the vault of this device with one touch and hands it to the holder.
 *
 * @param then - What follows in the same ceremony.
 */
export async function openByTouch<T>(
  {
    exchange,
    api,
    holder,
    guard,
    sessionKey,
  }: Pick<VaultContext, 'exchange' | 'api' | 'holder' | 'guard' | 'sessionKey'>,
  {
    approveSuccession,
    approveReplacedSlots,
    approveRollback,
    anyPasskey = false,
    keepFor = KEEP_FOR,
    signal,
  }: OpenOptions,
  then: (touch: PasskeyTouch, recipient: VaultRecipient) => Promise<T>,
): Promise<T> {
  if (!(keepFor > 0 && keepFor <= MAXIMUM_KEEP_FOR)) {
    throw new TypeError('vault.open: keepFor must be a number of seconds, at most a day.');
  }
  return guard.run(signal, async (combined) => {
    const restore = holder.showOpening();
    try {
      const key = await sessionKey();
      const device = anyPasskey ? undefined : await exchange.records.readLastDevice();
      const { nonce, webauthn } = await requestChallenge(exchange, 'session', key, combined);
      const touch = await touchPasskey(exchange, { challenge: webauthn, device, signal: combined });
      const { vault, newPin, roster, answer } = await unlockVault(exchange, {
        nonce,
        touch,
        key,
        approveSuccession,
        approveReplacedSlots,
        approveRollback,
        signal: combined,
      });
      try {
        if (newPin !== undefined) await sendPin(api, vault, newPin, combined);
      } catch (cause) {
        wipeVault(vault);
        throw cause;
      }
      const { revoked, reset_at: resetAt } = answer;
      await holder.adopt(vault, { revoked, resetAt, roster }, keepFor);
      return await then(touch, vault.recipient);
    } finally {
      restore();
    }
  });
}
