import { type Assertion, webauthnChallenge } from '@pzk-auth/protocol';
import { refusal } from '../refuse.js';
import type { DeviceRow } from '../stores/durable-stores.js';
import { type VerifiedAssertion, verifyAssertion } from '../webauthn/assertion.js';
import type { Engine } from './engine.js';
import type { OpenExchange } from './open-exchange.js';
import { isActiveDevice } from './standing.js';

/** A device that has shown itself by an assertion over this exchange. */
export interface AssertedDevice {
  readonly device: DeviceRow;
  readonly assertion: VerifiedAssertion;
}

/**
 * Refuses a counter that would not be accepted; the store decides again, atomically, when it is set.
 *
 * @throws PzkError `invalid_grant`
 */
export function assertPlausibleCounter(device: DeviceRow, counter: number, nonce: string): void {
  if (counter === 0 && device.counter === 0) return;
  if (counter > device.counter) return;
  if (counter === device.counter && device.counterNonce === nonce) return;
  throw refusal('invalid_grant', 'The counter went back: the authenticator may be a copy.');
}

function whyUnknown(found: DeviceRow | undefined): string {
  if (found === undefined) return 'Unknown credential.';
  return found.revokedAt === undefined ? 'Credential of another account.' : 'Revoked device.';
}

/**
 * Verifies the assertion of an exchange against the device that its credential id names. Where there
 * is no such device, a decoy is judged, so that unknown and wrong cost the same.
 *
 * @param account - The account that the device must belong to; any if absent (`/vault/open`).
 * @throws PzkError `invalid_grant`
 */
export async function verifyDeviceAssertion(
  engine: Engine,
  exchange: OpenExchange,
  credential: Assertion,
  account?: string,
): Promise<AssertedDevice> {
  const { config, stores, decoy } = engine;
  const found = await stores.devices.findByCredentialId(credential.id);
  const known = isActiveDevice(found, account ?? found?.account ?? '');
  const { jkt, nonce, claims } = exchange;
  const { audience, scope } = claims;
  // The decoy answers to the id and handle that were sent, so that its signature is reached.
  const { userHandle = decoy.userHandle } = credential.response;
  const judged = verifyAssertion(credential, {
    challenge: webauthnChallenge({
      purpose: 'session',
      issuer: config.issuer,
      audience,
      nonce,
      jkt,
      scope,
    }),
    origins: config.origins,
    rpId: config.rpId,
    credential: known ? found : { ...decoy, credentialId: credential.id, userHandle },
    requireUserHandle: false,
  });
  const assertion = await judged.catch((cause: unknown) => {
    throw known ? cause : refusal('invalid_grant', whyUnknown(found), cause);
  });
  if (!known) throw refusal('invalid_grant', whyUnknown(found));
  assertPlausibleCounter(found, assertion.counter, nonce);
  return { device: found, assertion };
}

/**
 * Verifies the assertion of a device that is known by its token, over a challenge of its own.
 *
 * @throws PzkError `invalid_grant`
 */
export async function verifyTouch(
  engine: Engine,
  device: DeviceRow,
  touch: {
    readonly credential: Assertion;
    readonly challenge: Uint8Array<ArrayBuffer>;
    readonly nonce: string;
  },
): Promise<AssertedDevice> {
  const assertion = await verifyAssertion(touch.credential, {
    challenge: touch.challenge,
    origins: engine.config.origins,
    rpId: engine.config.rpId,
    credential: device,
    requireUserHandle: false,
  });
  assertPlausibleCounter(device, assertion.counter, touch.nonce);
  return { device, assertion };
}

/**
 * Sets the counter of a device, after the nonce was consumed.
 *
 * @throws PzkError `invalid_grant` if another exchange set a higher one meanwhile.
 */
export async function advanceCounter(
  engine: Engine,
  asserted: AssertedDevice,
  nonce: string,
): Promise<void> {
  const { device, assertion } = asserted;
  const { devices } = engine.stores;
  if (!(await devices.advanceCounter(device.id, assertion.counter, nonce))) {
    throw refusal('invalid_grant', 'The counter went back: the authenticator may be a copy.');
  }
}
