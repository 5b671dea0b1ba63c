import { type Assertion, decodeBase64url, encodeBase64url } from '@pzk-auth/protocol';
import { verifyAuthenticationResponse } from '@simplewebauthn/server';
import { refusal } from '../refuse.js';
import { assertSameOriginCeremony } from './client-data.js';

/** The parts of a stored device that an assertion is judged against. */
export interface AssertionCredential {
  /** base64url. */
  readonly credentialId: string;
  /** COSE key, base64url. */
  readonly publicKey: string;
  readonly userHandle: string;
  readonly backupEligible: boolean;
}

/** What an assertion has to match. */
export interface AssertionExpectation {
  readonly challenge: Uint8Array;
  readonly origins: ReadonlySet<string>;
  readonly rpId: string;
  readonly credential: AssertionCredential;
  /** At enrolment the `userHandle` must be there; later a known credential may omit it. */
  readonly requireUserHandle: boolean;
}

/** A verified assertion. Not yet checked: the counter against the one stored. */
export interface VerifiedAssertion {
  readonly counter: number;
  readonly backedUp: boolean;
}

/**
 * Verifies an assertion (WebAuthn L3 section 7.2): the library's checks with user verification
 * required, and those that it leaves to its caller: the answered id and the user handle belong to the
 * stored credential, no frame of another origin, backup eligibility as at registration. The counter is
 * judged by the store, atomically.
 *
 * @throws PzkError `invalid_grant`
 */
export async function verifyAssertion(
  assertion: Assertion,
  expected: AssertionExpectation,
): Promise<VerifiedAssertion> {
  const { credential } = expected;
  if (assertion.id !== credential.credentialId || assertion.rawId !== credential.credentialId) {
    throw refusal('invalid_grant', 'The assertion is of another credential.');
  }
  assertSameOriginCeremony(assertion.response.clientDataJSON);
  let result: Awaited<ReturnType<typeof verifyAuthenticationResponse>>;
  try {
    result = await verifyAuthenticationResponse({
      response: toLibraryForm(assertion),
      expectedChallenge: encodeBase64url(expected.challenge),
      expectedOrigin: [...expected.origins],
      expectedRPID: expected.rpId,
      requireUserVerification: true,
      credential: {
        id: credential.credentialId,
        publicKey: decodeBase64url(credential.publicKey),
        counter: 0,
      },
    });
  } catch (cause) {
    throw refusal('invalid_grant', 'The assertion does not verify.', cause);
  }
  if (result.verified !== true) throw refusal('invalid_grant', 'The signature is wrong.');
  // After the signature, so that a known credential id with a foreign handle takes as long as an unknown.
  const { userHandle } = assertion.response;
  if (
    userHandle === undefined ? expected.requireUserHandle : userHandle !== credential.userHandle
  ) {
    throw refusal('invalid_grant', 'The user handle is of another device.');
  }
  const info = result.authenticationInfo;
  // WebAuthn L3 section 6.1.3: backup eligibility is fixed when the credential is made.
  if ((info.credentialDeviceType === 'multiDevice') !== credential.backupEligible) {
    throw refusal('invalid_grant', 'Backup eligibility changed.');
  }
  return { counter: info.newCounter, backedUp: info.credentialBackedUp };
}

function toLibraryForm(assertion: Assertion) {
  const { clientDataJSON, authenticatorData, signature, userHandle } = assertion.response;
  return {
    id: assertion.id,
    rawId: assertion.rawId,
    type: assertion.type,
    clientExtensionResults: {},
    response: {
      clientDataJSON,
      authenticatorData,
      signature,
      ...(userHandle === undefined ? {} : { userHandle }),
    },
  };
}
