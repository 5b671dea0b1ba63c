import { parseRecoveryCode, RECOVERY } from '@pzk-auth/protocol';
import { deriveRecoveryKeys } from '../../src/vault/recovery-recipient.js';
import { prepareRotation } from '../../src/vault/rotate-vault.js';
import { unlockVaultEntry } from '../../src/vault/unlock-vault-entry.js';
import type { UnlockedVault } from '../../src/vault/unlocked-vault.js';
import { issuer } from './craft-vault.js';
import type { FakePlatform } from './fake-platform.js';

/**
 * Changes the keys of a vault as another client would that leaves the recovery code in it: its pin goes
 * on covering the identity key before. The pin of the passkey that rotates is beyond this helper; that
 * device does not open the vault again.
 */
export async function rotateKeepingCode(platform: FakePlatform, code: string): Promise<void> {
  const vault = await unlockByCode(platform, code);
  const recipient = vault.manifest.recipients.find((one) => one.credential_id !== RECOVERY);
  if (recipient === undefined) throw new Error('no passkey');
  const { write } = await prepareRotation({ ...vault, recipient });
  platform.apply(write);
}

/** The vault with its secrets, by its recovery code. */
export async function unlockByCode(platform: FakePlatform, code: string): Promise<UnlockedVault> {
  const entry = platform.entryOf(RECOVERY);
  if (entry === undefined) throw new Error('no recovery code');
  const keys = await deriveRecoveryKeys(parseRecoveryCode(code), issuer);
  const { vault } = await unlockVaultEntry({
    issuer,
    entry,
    credentialId: RECOVERY,
    secretFor: async () => keys.secret,
  });
  return vault;
}
