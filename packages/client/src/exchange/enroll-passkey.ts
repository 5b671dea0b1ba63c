import {
  type Bytes,
  DEVICE_SECRET_GENERATION,
  encodeBase64url,
  enrollContext,
  FIRST_PRF_GENERATION,
  isPzkError,
  PzkError,
  type Registration,
  tokenResponseSchema,
  vaultEntryHash,
} from '@pzk-auth/protocol';
import { throwIfAborted } from '../abort.js';
import type { EnrollState } from '../session/states.js';
import type { DeviceSecretRecord } from '../storage/client-records.js';
import { createDeviceSecret } from '../storage/device-secret.js';
import type { SessionKey } from '../transport/session-key.js';
import { createVaultEntry } from '../vault/create-vault-entry.js';
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
import type { ExchangeContext, TokenGrant } from './exchange-context.js';
import { proveOwnership } from './prove-ownership.js';
import { requestChallenge } from './request-challenge.js';

/** What an enrolment takes. */
export interface EnrollPasskeyOptions {
  readonly apiKey: Bytes;
  readonly user: PasskeyUser;
  readonly key: SessionKey;
  readonly signal: AbortSignal;
  readonly onStep: (step: EnrollState) => void;
}

/** The secret that the vault will be sealed to. */
interface VaultSecret {
  readonly secret: CryptoKey;
  readonly confirmation?: CryptoKey;
  readonly generation: number;
  readonly deviceSecret?: DeviceSecretRecord;
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
async function obtainVaultSecret(
  { config }: ExchangeContext,
  request: PasskeyRequest,
  credentialId: string,
  created: PrfSecrets,
  confirmed: PrfSecrets,
): Promise<VaultSecret> {
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

/** A passkey that was made for an enrolment. */
interface NewPasskey {
  readonly credential: PublicKeyCredential;
  readonly registration: Registration;
  /** base64url. */
  readonly userId: string;
  readonly nonce: string;
  readonly request: PasskeyRequest;
}

/** Confirms a new passkey, seals the API key into a new vault, proves the key and makes the request. */
async function prepareEnrollment(
  context: ExchangeContext,
  { credential, registration, userId, nonce, request }: NewPasskey,
  { apiKey, key, signal, onStep }: EnrollPasskeyOptions,
) {
  const { config, records } = context;
  const { issuer, audience, scope } = config;
  const credentialId = registration.id;
  const created = await takePrfSecrets(credential);
  if (created.enabled === false && !config.allowWithoutPrf) throw missingPrf(created);
  const { attestationObject } = credential.response as AuthenticatorAttestationResponse;
  const coseKey = extractCoseKey(attestationObject);

  onStep({ status: 'confirming-passkey' });
  const generation = FIRST_PRF_GENERATION;
  const assertionCredential = await getPasskey({ ...request, credentialId, generation });
  const confirmed = await takePrfSecrets(assertionCredential);
  const assertion = serializeAssertion(assertionCredential);
  const vaultSecret = await obtainVaultSecret(context, request, credentialId, created, confirmed);

  onStep({ status: 'sealing' });
  const vault = await createVaultEntry({ issuer, credentialId, coseKey, apiKey, ...vaultSecret });
  if (vaultSecret.deviceSecret !== undefined) {
    // Before the server learns of the vault: without this record nobody could open it.
    await records.writeDeviceSecret(credentialId, vaultSecret.deviceSecret);
  }

  const contextOf = (commitment: string) =>
    enrollContext({
      issuer,
      audience,
      nonce,
      jkt: key.jkt,
      credentialId,
      scope,
      circuitId: config.circuit.id,
      commitment,
      coseKey,
      recipientKey: vault.recipientKey,
      vaultEntryHash: vaultEntryHash(vault.entry),
    });
  const proof = await proveOwnership(context, { apiKey, contextOf, signal, onStep });
  const body = {
    nonce,
    ...proof,
    registration,
    user_id: userId,
    assertion,
    recipient_key: encodeBase64url(vault.recipientKey),
    vault: vault.entry,
  };
  const device = { credentialId, generation: vaultSecret.generation, vault: vault.memory };
  return { body, device };
}

/**
 * Enrols this device: makes a passkey, confirms it, seals the API key into a new vault, proves the
 * key and registers all of it, bound together by the proof. A passkey that the server does not take
 * is signalled to the authenticator as unknown.
 */
export async function enrollPasskey(
  context: ExchangeContext,
  options: EnrollPasskeyOptions,
): Promise<TokenGrant> {
  const { config, transport, records } = context;
  const { key, signal, onStep, user } = options;
  const { issuer, rpId } = config;
  const authenticator = context.authenticator();

  onStep({ status: 'challenge' });
  const { nonce, webauthn } = await requestChallenge(context, 'enroll', key, signal);
  const request = { authenticator, issuer, rpId, challenge: webauthn, signal };

  onStep({ status: 'creating-passkey' });
  const userId = crypto.getRandomValues(new Uint8Array(32));
  const generation = FIRST_PRF_GENERATION;
  const credential = await createPasskey({ ...request, user, userId, generation });
  const credentialId = encodeBase64url(new Uint8Array(credential.rawId));
  let sent = false;
  try {
    throwIfAborted(signal);
    const registration = serializeRegistration(credential);
    const passkey = { credential, registration, userId: encodeBase64url(userId), nonce, request };
    const { body, device } = await prepareEnrollment(context, passkey, options);
    onStep({ status: 'exchanging' });
    sent = true;
    const token = await transport.post({ path: '/enroll', body, key, signal }, tokenResponseSchema);
    await records.writeDevice(device);
    return { token, key };
  } catch (cause) {
    // Else the user would be offered it at each sign-in.
    if (!sent || (isPzkError(cause) && DECIDED.has(cause.code))) {
      disownPasskey(authenticator, { rpId, credentialId });
    }
    throw cause;
  }
}
