import {
  type Assertion,
  type Bytes,
  DEVICE_SECRET_GENERATION,
  encodeBase64url,
  FIRST_PRF_GENERATION,
  isPzkError,
  PzkError,
  type Registration,
} from '@pzk-auth/protocol';
import { throwIfAborted } from '../abort.js';
import type { DeviceSecretRecord } from '../storage/client-records.js';
import { createDeviceSecret } from '../storage/device-secret.js';
import type { ConfirmedSecret } from '../vault/recipient-keys.js';
import { extractCoseKey } from '../webauthn/cose-key.js';
import {
  createPasskey,
  disownPasskey,
  getPasskey,
  type PasskeyRequest,
  type PasskeyUser,
} from '../webauthn/passkeys.js';
import { type PrfSecrets, takePrfSecrets } from '../webauthn/prf-secrets.js';
import { serializeAssertion, serializeRegistration } from '../webauthn/serialize-credential.js';
import type { ExchangeContext } from './exchange-context.js';

/** The secret that a vault will be sealed to. */
export interface PasskeySecret extends ConfirmedSecret {
  readonly generation: number;
  /** Where the secret rests in this browser's storage: to be written before the server hears of it. */
  readonly deviceSecret?: DeviceSecretRecord;
}

/** A passkey that was made, and used once. */
export interface NewPasskey extends PasskeySecret {
  /** base64url. */
  readonly credentialId: string;
  /** The exact slice of authData. */
  readonly coseKey: Bytes;
  readonly registration: Registration;
  /** base64url. */
  readonly userId: string;
  readonly assertion: Assertion;
}

/** What making a passkey takes. */
export interface NewPasskeyOptions {
  readonly user: PasskeyUser;
  /** What the passkey signs twice, computed here. */
  readonly challenge: Bytes;
  readonly signal: AbortSignal;
  readonly onStep?: (step: 'creating-passkey' | 'confirming-passkey') => void;
}

function missingPrf(created: PrfSecrets): PzkError {
  const announced = created.enabled === true || created.first !== undefined;
  const hint = 'Use a passkey of the system, of a recent password manager or a security key.';
  return announced
    ? new PzkError('prf_missing_at_get', 'The passkey announced PRF, but gave no output.', { hint })
    : new PzkError('prf_unsupported', 'The passkey does not support PRF.', { hint });
}

/**
 * Seals only to an output of `get()`, and only if a second derivation agrees: that of `create()`
 * where there was one, else of another `get()`. An authenticator that answers otherwise each time, or
 * at `create()` only, would lock the user out of the vault.
 */
async function obtainSecret(
  { config }: ExchangeContext,
  request: PasskeyRequest,
  credentialId: string,
  created: PrfSecrets,
  confirmed: PrfSecrets,
): Promise<PasskeySecret> {
  const generation = FIRST_PRF_GENERATION;
  if (confirmed.first !== undefined) {
    const confirmation =
      created.first ??
      (await takePrfSecrets(await getPasskey({ ...request, credentialId, generation }))).first;
    if (confirmation === undefined) throw missingPrf({ ...created, enabled: true });
    return { secret: confirmed.first, confirmation, generation };
  }
  if (!config.allowWithoutPrf) throw missingPrf(created);
  const { record, secret } = await createDeviceSecret(credentialId);
  return { secret, generation: DEVICE_SECRET_GENERATION, deviceSecret: record };
}

/**
 * Refusals after which the server cannot know the passkey. None of those belongs here that a request
 * gets which the network delivers a second time: the first one may have enrolled.
 */
const DECIDED: ReadonlySet<string> = new Set([
  'invalid_request',
  'body_too_large',
  'unsupported_media_type',
  'prf_results_sent',
  'unsupported_circuit',
  'invalid_grant',
  'enrollment_refused',
]);

/**
 * Makes a passkey, confirms it and hands it to an enrolment. A passkey that the server does not take is
 * signalled to the authenticator as unknown.
 *
 * @param enroll - Calls `sending` before it sends anything that names the passkey.
 */
export async function withNewPasskey<T>(
  context: ExchangeContext,
  { user, challenge, signal, onStep }: NewPasskeyOptions,
  enroll: (passkey: NewPasskey, sending: () => void) => Promise<T>,
): Promise<T> {
  const { issuer, rpId, allowWithoutPrf } = context.config;
  const authenticator = context.authenticator();
  const request = { authenticator, issuer, rpId, challenge, signal };
  const userId = crypto.getRandomValues(new Uint8Array(32));
  const generation = FIRST_PRF_GENERATION;

  onStep?.('creating-passkey');
  const credential = await createPasskey({ ...request, user, userId, generation });
  const credentialId = encodeBase64url(new Uint8Array(credential.rawId));
  let sent = false;
  try {
    throwIfAborted(signal);
    const registration = serializeRegistration(credential);
    const created = await takePrfSecrets(credential);
    if (created.enabled === false && !allowWithoutPrf) throw missingPrf(created);
    const { attestationObject } = credential.response as AuthenticatorAttestationResponse;
    const coseKey = extractCoseKey(attestationObject);

    onStep?.('confirming-passkey');
    const confirming = await getPasskey({ ...request, credentialId, generation });
    const confirmed = await takePrfSecrets(confirming);
    const passkey: NewPasskey = {
      credentialId,
      coseKey,
      registration,
      userId: encodeBase64url(userId),
      assertion: serializeAssertion(confirming),
      ...(await obtainSecret(context, request, credentialId, created, confirmed)),
    };
    return await enroll(passkey, () => {
      sent = true;
    });
  } catch (cause) {
    // Else the user would be offered it at each sign-in.
    if (!sent || (isPzkError(cause) && DECIDED.has(cause.code))) {
      disownPasskey(authenticator, { rpId, credentialId });
    }
    throw cause;
  }
}
