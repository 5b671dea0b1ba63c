import {
  DEVICE_SECRET_GENERATION,
  type ExpiryResponse,
  invitedEnrollmentSchema,
  parseMessage,
} from '@pzk-auth/protocol';
import type { Engine, RequestContext } from '../exchange/engine.js';
import { enrollmentRefusal } from '../exchange/enrollment-refusal.js';
import { consumeNonce, openExchange } from '../exchange/open-exchange.js';
import { assertAddressBudget } from '../exchange/proof-check.js';
import { verifyRegisteredPasskey } from '../exchange/registered-passkey.js';
import { assertNotRevoked, isActiveDevice } from '../exchange/standing.js';
import { refusal } from '../refuse.js';
import type { DeviceRow } from '../stores/durable-stores.js';
import type { InvitationRow } from '../stores/vault-stores.js';
import { invitationStatus } from './invitations.js';

const ENDPOINT = '/enroll';

/** An invitation that still stands, with the device that made it. */
async function findInvitation(
  engine: Engine,
  id: string,
  credentialId: string,
): Promise<{ readonly row: InvitationRow; readonly inviter: DeviceRow }> {
  const { invitations, devices, accounts } = engine.stores;
  const row = await invitations.get(id);
  const [inviter, account] = await Promise.all([
    devices.get(row?.device ?? ''),
    accounts.get(row?.account ?? ''),
  ]);
  const { joined } = row ?? {};
  // The network delivered the request twice: this very passkey waits already.
  if (joined?.device.credentialId === credentialId) {
    throw refusal('invalid_nonce', 'The passkey has joined the invitation already.');
  }
  if (
    row === undefined ||
    invitationStatus(row, engine.config.clock()) !== 'open' ||
    !isActiveDevice(inviter, row.account) ||
    account === undefined ||
    account.revokedAt !== undefined
  ) {
    const reason = 'No invitation that is open.';
    throw await enrollmentRefusal(engine, { credentialId, jkt: '' }, '', reason);
  }
  return { row, inviter };
}

/**
 * `POST {base}/enroll` by an invitation: keeps the passkey until the inviting device has taken it into
 * the vault. It is no device yet, and nobody gets a token.
 */
export async function joinByInvitation(
  engine: Engine,
  request: Request,
  context: RequestContext,
  body: unknown,
): Promise<ExpiryResponse> {
  const message = parseMessage(invitedEnrollmentSchema, body);
  await assertAddressBudget(engine, context);
  const { nonce, invitation: id, recipient } = message;
  const opened = { request, endpoint: ENDPOINT, purpose: 'enroll', nonce } as const;
  const exchange = await openExchange(engine, opened);
  const { device } = await verifyRegisteredPasskey(engine, exchange, message);
  const { credentialId } = device;
  const refuse = (reason: string) =>
    enrollmentRefusal(engine, { credentialId, jkt: '' }, '', reason);
  const hasNoPrf = recipient.generation === DEVICE_SECRET_GENERATION;
  if (hasNoPrf && !engine.config.allowWithoutPrf) {
    throw await refuse('Devices without PRF are not accepted here.');
  }
  const { row, inviter } = await findInvitation(engine, id, credentialId);
  if ((await engine.stores.devices.findByCredentialId(credentialId)) !== undefined) {
    throw await refuse('The credential is enrolled.');
  }
  const { account } = row;
  await engine.limits.countExchange(inviter.key);
  await consumeNonce(engine, exchange, ENDPOINT);
  await assertNotRevoked(engine, { account, key: undefined, device: inviter.id, sid: undefined });
  const joined = {
    device: {
      ...device,
      account,
      key: inviter.key,
      keyProtection: hasNoPrf ? 'device' : 'passkey',
    },
    recipient: recipient.id,
    hpkeKey: recipient.hpke_key,
    salt: recipient.salt,
    generation: recipient.generation,
    pin: message.pin,
    macNew: message.mac_new,
  } as const;
  if (!(await engine.stores.invitations.join(id, joined, engine.config.clock()))) {
    throw await refuse('Another browser has joined.');
  }
  await engine.emit({ type: 'invitation_joined', account, recipient: recipient.id });
  return { expires_at: Math.floor(row.expiresAt / 1000) };
}
