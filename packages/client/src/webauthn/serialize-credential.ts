import { type Assertion, encodeBase64url, type Registration } from '@pzk-auth/protocol';

const TRANSPORT = /^[a-z-]{1,32}$/;
const MAXIMUM_TRANSPORTS = 8;

const encode = (buffer: ArrayBuffer) => encodeBase64url(new Uint8Array(buffer));

/**
 * The extension outputs that may travel, each named here. `prf.results` is the secret itself:
 * `toJSON()` of a credential prints it, hence it is never used.
 */
function serializeExtensions(
  credential: PublicKeyCredential,
): Registration['clientExtensionResults'] {
  const { prf, credProps } = credential.getClientExtensionResults();
  const enabled = prf?.enabled;
  const rk = credProps?.rk;
  return {
    ...(typeof enabled === 'boolean' ? { prf: { enabled } } : {}),
    ...(typeof rk === 'boolean' ? { credProps: { rk } } : {}),
  };
}

function serializeCommon(credential: PublicKeyCredential): Omit<Registration, 'response'> {
  const attachment = credential.authenticatorAttachment;
  const id = encode(credential.rawId);
  return {
    id,
    rawId: id,
    type: 'public-key' as const,
    ...(attachment === 'platform' || attachment === 'cross-platform'
      ? { authenticatorAttachment: attachment }
      : {}),
    clientExtensionResults: serializeExtensions(credential),
  };
}

/** Writes a new credential for the wire (WebAuthn L3 section 5.5), by allow-list. */
export function serializeRegistration(credential: PublicKeyCredential): Registration {
  const response = credential.response as AuthenticatorAttestationResponse;
  const transports = response.getTransports?.().filter((one) => TRANSPORT.test(one)) ?? [];
  return {
    ...serializeCommon(credential),
    response: {
      clientDataJSON: encode(response.clientDataJSON),
      attestationObject: encode(response.attestationObject),
      ...(transports.length > 0 ? { transports: transports.slice(0, MAXIMUM_TRANSPORTS) } : {}),
    },
  };
}

/** Writes an assertion for the wire (WebAuthn L3 section 5.5), by allow-list. */
export function serializeAssertion(credential: PublicKeyCredential): Assertion {
  const response = credential.response as AuthenticatorAssertionResponse;
  const { userHandle } = response;
  return {
    ...serializeCommon(credential),
    response: {
      clientDataJSON: encode(response.clientDataJSON),
      authenticatorData: encode(response.authenticatorData),
      signature: encode(response.signature),
      ...(userHandle && userHandle.byteLength > 0 ? { userHandle: encode(userHandle) } : {}),
    },
  };
}
