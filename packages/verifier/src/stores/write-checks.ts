import type { Enrollment } from './durable-stores.js';
import type { VaultWrite } from './vault-stores.js';

/** What every store of devices demands of its caller. @throws TypeError */
export function assertEnrollment({ device, vault, resets }: Enrollment): void {
  if (vault !== undefined && vault.account !== device.account) {
    throw new TypeError('A vault belongs to the account of the device that it comes with.');
  }
  if (vault?.recoveryKey !== undefined)
    throw new TypeError('A vault begins without a recovery code.');
  if (resets !== undefined && vault === undefined) {
    throw new TypeError('A reset brings another vault.');
  }
}

/** What every store of vaults demands of its caller. @throws TypeError */
export function assertVaultWrite({ next, agents, joins }: VaultWrite): void {
  const { account } = next;
  if (agents.some((agent) => agent.account !== account)) {
    throw new TypeError('An agent belongs to the account of its vault.');
  }
  if (joins !== undefined && joins.device.account !== account) {
    throw new TypeError('A device that joins belongs to the account of the vault.');
  }
}
