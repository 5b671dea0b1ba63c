import {
  type Assertion,
  type Bytes,
  encodeBase64url,
  type Registration,
  webauthnChallenge,
} from '@pzk-auth/protocol';
import { randomId } from '../random-id.js';
import { refusal } from '../refuse.js';
import type { DeviceRow } from '../stores/durable-stores.js';
import { verifyAssertion } from '../webauthn/assertion.js';
import { verifyRegistration } from '../webauthn/registration.js';
import type { Engine } from './engine.js';
import type { OpenExchange } from './open-exchange.js';

/** What a fresh passkey shows at its enrolment. */
export interface RegistrationMessage {
  readonly registration: Registration;
  readonly user_id: string;
  readonly assertion: Assertion;
}

/** A passkey that was just registered and has signed. Not yet checked: that it is new. */
export interface RegisteredPasskey {
  readonly coseKey: Bytes;
  /** A row with a fresh id; whose it becomes is not said yet. */
  readonly device: Omit<DeviceRow, 'account' | 'key' | 'keyProtection'>;
}

/**
 * Verifies a registration and the assertion that followed it, both over the challenge of an exchange.
 *
 * @throws PzkError `invalid_grant`
 */
export async function verifyRegisteredPasskey(
  engine: Engine,
  exchange: OpenExchange,
  message: RegistrationMessage,
): Promise<RegisteredPasskey> {
  const { config } = engine;
  const { origins, rpId } = config;
  const { jkt, nonce, claims } = exchange;
  const { audience, scope } = claims;
  const fields = { purpose: 'enroll', issuer: config.issuer, audience, nonce, jkt, scope } as const;
  const challenge = webauthnChallenge(fields);
  const allowSynced = config.allowSyncedPasskeys;
  const registered = await verifyRegistration(message.registration, {
    challenge,
    origins,
    rpId,
    allowSynced,
  });
  const { credentialId, coseKey, backupEligible } = registered;
  const credential = {
    credentialId,
    publicKey: encodeBase64url(coseKey),
    userHandle: message.user_id,
    backupEligible,
  };
  // Verified with the key just registered: whoever swapped that key cannot have signed this.
  const asserted = await verifyAssertion(message.assertion, {
    challenge,
    origins,
    rpId,
    credential,
    requireUserHandle: true,
  });
  // WebAuthn L3 section 6.1.1: two zeros are an authenticator without a counter.
  const counted = asserted.counter !== 0 || registered.counter !== 0;
  if (counted && asserted.counter <= registered.counter) {
    throw refusal('invalid_grant', 'The counter went back within the enrolment.');
  }
  return {
    coseKey,
    device: {
      id: randomId(),
      kind: 'passkey',
      ...credential,
      jkt: '',
      transports: message.registration.response.transports ?? [],
      backedUp: asserted.backedUp,
      counter: asserted.counter,
      counterNonce: nonce,
      createdAt: exchange.now,
    },
  };
}
