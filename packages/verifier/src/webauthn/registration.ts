import {
  type Bytes,
  decodeBase64url,
  encodeBase64url,
  equalBytes,
  type Registration,
} from '@pzk-auth/protocol';
import { verifyRegistrationResponse } from '@simplewebauthn/server';
import {
  decodeAttestationObject,
  decodeCredentialPublicKey,
  parseAuthenticatorData,
} from '@simplewebauthn/server/helpers';
import { refusal } from '../refuse.js';
import { assertSameOriginCeremony } from './client-data.js';

/** What a registration has to match. */
export interface RegistrationExpectation {
  readonly challenge: Uint8Array;
  readonly origins: ReadonlySet<string>;
  readonly rpId: string;
  readonly allowSynced: boolean;
}

/** A verified registration. Not yet checked: that the credential is new. */
export interface VerifiedRegistration {
  /** base64url. */
  readonly credentialId: string;
  /** The exact slice of authData. */
  readonly coseKey: Bytes;
  readonly counter: number;
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
}

/** Offset of the credential id in authData (WebAuthn L3 section 6.5.2): 32 + 1 + 4 + 16 + 2. */
const CREDENTIAL_ID_OFFSET = 55;

/** COSE algorithms: ES256, EdDSA, RS256. */
const ALGORITHMS = [-7, -8, -257];

/**
 * Only `none` and self attestation: the client asks for no attestation, and checking a certificate
 * chain would mean outbound connections at an attacker's word.
 */
function assertNoCertificates(format: string, statement: { get(key: 'x5c'): unknown }): void {
  if (format === 'none' || (format === 'packed' && statement.get('x5c') === undefined)) return;
  throw refusal('invalid_grant', 'The registration carries an attestation nobody asked for.');
}

/** COSE labels of RFC 8230 section 4: an RSA key's modulus and exponent. */
const RSA = { kty: 3, modulus: -1, exponent: -2 } as const;

/** Refuses RSA keys made to be slow: a large exponent costs as much as a private operation. */
function assertCheapKey(coseKey: Uint8Array | undefined): void {
  if (coseKey === undefined) return;
  const members = decodeCredentialPublicKey(new Uint8Array(coseKey)) as unknown as Map<
    number,
    unknown
  >;
  if (members.get(1) !== RSA.kty) return;
  const [modulus, exponent] = [members.get(RSA.modulus), members.get(RSA.exponent)];
  const cheap =
    modulus instanceof Uint8Array &&
    modulus.length <= 512 &&
    exponent instanceof Uint8Array &&
    exponent.length <= 4;
  if (!cheap) throw refusal('invalid_grant', 'The RSA key is of an odd size.');
}

function sliceCoseKey(authData: Uint8Array, encoded: Uint8Array): Bytes {
  const idLength = new DataView(authData.buffer, authData.byteOffset).getUint16(53, false);
  const start = CREDENTIAL_ID_OFFSET + idLength;
  const slice = authData.slice(start, start + encoded.length);
  // The library encodes the key anew; only a canonical key comes back as the bytes that were signed.
  if (!equalBytes(slice, encoded)) throw refusal('invalid_grant', 'The COSE key is not canonical.');
  return new Uint8Array(slice);
}

/**
 * Verifies a registration (WebAuthn L3 section 7.1) with user verification required.
 *
 * @throws PzkError `invalid_grant`
 */
export async function verifyRegistration(
  registration: Registration,
  expected: RegistrationExpectation,
): Promise<VerifiedRegistration> {
  const { clientDataJSON, attestationObject } = registration.response;
  assertSameOriginCeremony(clientDataJSON);
  let result: Awaited<ReturnType<typeof verifyRegistrationResponse>>;
  let authData: Uint8Array;
  try {
    const decoded = decodeAttestationObject(decodeBase64url(attestationObject));
    assertNoCertificates(decoded.get('fmt'), decoded.get('attStmt'));
    authData = decoded.get('authData');
    // Before the library verifies anything with this key.
    assertCheapKey(parseAuthenticatorData(new Uint8Array(authData)).credentialPublicKey);
    result = await verifyRegistrationResponse({
      response: {
        id: registration.id,
        rawId: registration.rawId,
        type: registration.type,
        clientExtensionResults: {},
        response: { clientDataJSON, attestationObject },
      },
      expectedChallenge: encodeBase64url(expected.challenge),
      expectedOrigin: [...expected.origins],
      expectedRPID: expected.rpId,
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    });
  } catch (cause) {
    throw refusal('invalid_grant', 'The registration does not verify.', cause);
  }
  if (!result.verified) throw refusal('invalid_grant', 'The attestation is wrong.');
  const { credential, credentialDeviceType, credentialBackedUp } = result.registrationInfo;
  if (credential.id !== registration.id) {
    throw refusal('invalid_grant', 'The registration is of another credential.');
  }
  const backupEligible = credentialDeviceType === 'multiDevice';
  if (backupEligible && !expected.allowSynced) {
    throw refusal('invalid_grant', 'Passkeys that can be synchronised are not accepted here.');
  }
  return {
    credentialId: credential.id,
    coseKey: sliceCoseKey(authData, credential.publicKey),
    counter: credential.counter,
    backupEligible,
    backedUp: credentialBackedUp,
  };
}
