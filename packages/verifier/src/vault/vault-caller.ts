import { authenticateAt } from '../exchange/authenticate.js';
import type { Engine } from '../exchange/engine.js';
import { refusal } from '../refuse.js';
import type { PzkSession } from '../session.js';
import type { DeviceRow } from '../stores/durable-stores.js';
import type { VaultRecipientRow, VaultRow } from '../stores/vault-stores.js';

/** Whoever calls with a token of a session that a passkey began. */
export interface Caller {
  readonly session: PzkSession;
  /** Active. Its `account` is the account's id, also where subjects are pairwise. */
  readonly device: DeviceRow;
}

/** A caller whose device is a recipient of its account's vault. */
export interface VaultCaller extends Caller {
  readonly vault: VaultRow;
  readonly recipient: VaultRecipientRow;
}

/**
 * Authenticates a call to an endpoint like a protected call, and demands a passkey of the account.
 *
 * @throws PzkError as for protected calls; `insufficient_user_authentication` if no passkey began the
 * session
 */
export async function authenticateCaller(
  engine: Engine,
  request: Request,
  endpoint: string,
): Promise<Caller> {
  const url = () => engine.config.baseUrl + endpoint;
  const session = await authenticateAt(engine, url, request, {});
  if (session.device === '' || !session.amr.includes('user')) {
    throw refusal('insufficient_user_authentication', 'No passkey began the session.');
  }
  const device = await engine.stores.devices.get(session.device);
  // The copy of revocations is asked for each call; the durable row also knows what came before it.
  if (device === undefined || device.revokedAt !== undefined) {
    throw refusal('invalid_token', 'The device of the token is revoked.');
  }
  return { session, device };
}

/**
 * The same for a device of the vault.
 *
 * @throws PzkError `not_found` if the account has no vault, or the device is no recipient of it
 */
export async function authenticateVaultCaller(
  engine: Engine,
  request: Request,
  endpoint: string,
): Promise<VaultCaller> {
  const caller = await authenticateCaller(engine, request, endpoint);
  const vault = await engine.stores.vaults.get(caller.device.account);
  const recipient = vault?.recipients.find(({ device }) => device === caller.device.id);
  if (vault === undefined || recipient === undefined) {
    throw refusal('not_found', 'The device is no recipient of a vault.');
  }
  return { ...caller, vault, recipient };
}
