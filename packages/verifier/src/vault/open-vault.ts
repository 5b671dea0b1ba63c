import {
  limits,
  parseMessage,
  type VaultOpenResponse,
  vaultOpenRequestSchema,
} from '@pzk-auth/protocol';
import { advanceCounter, verifyDeviceAssertion } from '../exchange/device-assertion.js';
import type { Engine, RequestContext } from '../exchange/engine.js';
import { consumeNonce, openExchange } from '../exchange/open-exchange.js';
import { assertAddressBudget } from '../exchange/proof-check.js';
import { assertNotRevoked } from '../exchange/standing.js';
import { assertNoPrfResults } from '../http/prf-results.js';
import { readJson } from '../http/read-body.js';
import { refusal } from '../refuse.js';
import { vaultOpening } from './vault-view.js';

const ENDPOINT = '/vault/open';

/**
 * `POST {base}/vault/open`: gives a device its vault entry for the assertion that will serve `/token`,
 * so that a fresh browser needs one touch. Consumes the nonce for this endpoint alone.
 */
export async function openVault(
  engine: Engine,
  request: Request,
  context: RequestContext,
): Promise<VaultOpenResponse> {
  const body = await readJson(request, limits.enrollBodyBytes);
  assertNoPrfResults((body as { credential?: unknown } | null)?.credential);
  const message = parseMessage(vaultOpenRequestSchema, body);
  await assertAddressBudget(engine, context);
  const { nonce } = message;
  const exchange = await openExchange(engine, {
    request,
    endpoint: ENDPOINT,
    purpose: 'session',
    nonce,
  });
  const asserted = await verifyDeviceAssertion(engine, exchange, message.credential);
  const { device } = asserted;
  const account = await engine.stores.accounts.get(device.account);
  if (account === undefined || account.revokedAt !== undefined) {
    throw refusal('invalid_grant', 'Unknown or revoked account.');
  }
  await consumeNonce(engine, exchange, ENDPOINT);
  await assertNotRevoked(engine, {
    account: device.account,
    key: undefined,
    device: device.id,
    sid: undefined,
  });
  await advanceCounter(engine, asserted, nonce);
  const vault = await engine.stores.vaults.get(device.account);
  const recipient = vault?.recipients.find((candidate) => candidate.device === device.id);
  if (vault === undefined || recipient === undefined) {
    throw refusal('not_found', 'The device is no recipient of a vault.');
  }
  await engine.emit({ type: 'vault_opened', account: device.account, device: device.id });
  return vaultOpening(engine, vault, recipient, message.counter);
}
