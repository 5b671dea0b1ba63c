import { throwIfAborted } from '../abort.js';
import { nextDerivation, noteGeneration } from '../vault/seen-generation.js';
import { signPin } from '../vault/sign-pin.js';
import { type UnlockedVault, wipeVault } from '../vault/unlocked-vault.js';
import type { AccountApi } from './account-api.js';
import { unlockVault } from './open-vault.js';
import { requestChallenge } from './request-challenge.js';
import { type PasskeyTouch, touchPasskey } from './touch-passkey.js';
import type { OpenOptions, VaultContext } from './vault-context.js';

/** Seconds. */
const KEEP_FOR = 300;
/** setTimeout takes 31 bits of milliseconds; a longer delay would fire at once. */
const MAXIMUM_KEEP_FOR = 24 * 60 * 60;

/**
 * The vault with what the touch has told of the recipient's next generation: the other of two outputs that
 * have to agree comes with `rotateGeneration`.
 */
async function withNext(vault: UnlockedVault, { secrets }: PasskeyTouch): Promise<UnlockedVault> {
  const fields = nextDerivation(vault);
  const secret = secrets.get(fields.generation);
  return secret === undefined
    ? vault
    : { ...vault, seenNext: await noteGeneration(fields, secret) };
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

/** Opens the vault of this device with one touch and hands it to the holder. */
export async function openByTouch(
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
): Promise<void> {
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
      let opened: UnlockedVault;
      try {
        opened = await withNext(vault, touch);
        if (newPin !== undefined) await sendPin(api, vault, newPin, combined);
      } catch (cause) {
        wipeVault(vault);
        throw cause;
      }
      const { revoked, reset_at: resetAt } = answer;
      await holder.adopt(opened, { revoked, resetAt, roster }, keepFor);
    } finally {
      restore();
    }
  });
}
