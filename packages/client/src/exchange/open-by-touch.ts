import { signPin } from '../vault/sign-pin.js';
import { wipeVault } from '../vault/unlocked-vault.js';
import { unlockVault } from './open-vault.js';
import { requestChallenge } from './request-challenge.js';
import { touchPasskey } from './touch-passkey.js';
import type { OpenedByTouch, OpenOptions, VaultContext } from './vault-context.js';

/** Seconds. */
const KEEP_FOR = 300;
/** setTimeout takes 31 bits of milliseconds; a longer delay would fire at once. */
const MAXIMUM_KEEP_FOR = 24 * 60 * 60;

/** Opens the vault of this device with one touch and hands it to the holder. */
export async function openByTouch(
  { exchange, api, holder, guard, sessionKey }: Omit<VaultContext, 'open'>,
  {
    approveSuccession,
    approveReplacedSlots,
    anyPasskey = false,
    keepFor = KEEP_FOR,
    signal,
  }: OpenOptions,
): Promise<OpenedByTouch> {
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
      const { vault, newPin, answer } = await unlockVault(exchange, {
        nonce,
        touch,
        key,
        approveSuccession,
        approveReplacedSlots,
        signal: combined,
      });
      try {
        if (newPin !== undefined) {
          const body = await signPin(vault, newPin);
          await api.postVoid('/vault/pin', body, { signal: combined });
        }
      } catch (cause) {
        wipeVault(vault);
        throw cause;
      }
      const { revoked, reset_at: resetAt } = answer;
      await holder.adopt(vault, { revoked, resetAt }, keepFor);
      const { secrets, askGeneration } = touch;
      return {
        async secretOf(generation) {
          return secrets.get(generation) ?? (await askGeneration(generation));
        },
      };
    } finally {
      restore();
    }
  });
}
