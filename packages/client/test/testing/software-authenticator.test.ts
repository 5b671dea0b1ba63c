import { equalBytes, sha256, utf8 } from '@pzk-auth/protocol';
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server';
import { describe, expect, it } from 'vitest';
import { createSoftwareAuthenticator } from '../../src/testing/index.js';
import { evaluatePrf } from '../../src/testing/software-prf.js';

const origin = 'https://app.example.com';
const rpId = 'app.example.com';
const challenge = sha256(utf8('challenge'));
const userId = sha256(utf8('user'));

function creation(extra: Partial<PublicKeyCredentialCreationOptions> = {}) {
  return {
    publicKey: {
      challenge,
      rp: { name: 'Example', id: rpId },
      user: { id: userId, name: 'ada', displayName: 'Ada' },
      pubKeyCredParams: [{ type: 'public-key' as const, alg: -7 }],
      authenticatorSelection: {
        residentKey: 'required' as const,
        userVerification: 'required' as const,
      },
      ...extra,
    },
  };
}

function request(extra: Partial<PublicKeyCredentialRequestOptions> = {}) {
  return { publicKey: { challenge, rpId, userVerification: 'required' as const, ...extra } };
}

const expectation = {
  expectedChallenge: Buffer.from(challenge).toString('base64url'),
  expectedOrigin: origin,
  expectedRPID: rpId,
};

async function register(authenticator = createSoftwareAuthenticator({ origin })) {
  const credential = await authenticator.create(creation());
  const { verified, registrationInfo } = await verifyRegistrationResponse({
    response: credential.toJSON() as never,
    ...expectation,
  });
  if (!verified) throw new Error('registration refused');
  return { authenticator, credential, registrationInfo };
}

describe('software authenticator', () => {
  it('makes registrations and assertions that @simplewebauthn/server verifies', async () => {
    const { authenticator, registrationInfo } = await register();
    expect(registrationInfo.fmt).toBe('none');
    expect(registrationInfo.userVerified).toBe(true);
    expect(registrationInfo.credential.counter).toBe(1);
    const assertion = await authenticator.get(request());
    const result = await verifyAuthenticationResponse({
      response: assertion.toJSON() as never,
      credential: registrationInfo.credential,
      ...expectation,
    });
    expect(result.verified).toBe(true);
    expect(result.authenticationInfo.newCounter).toBe(2);
    const response = assertion.response as AuthenticatorAssertionResponse;
    expect(new Uint8Array(response.userHandle ?? new ArrayBuffer())).toEqual(userId);
  });

  it('reports backup flags and a zero counter where told', async () => {
    const { authenticator, registrationInfo } = await register(
      createSoftwareAuthenticator({ origin, backupEligible: true, counter: 'zero' }),
    );
    expect(registrationInfo.credentialDeviceType).toBe('multiDevice');
    expect(registrationInfo.credentialBackedUp).toBe(true);
    expect(registrationInfo.credential.counter).toBe(0);
    await authenticator.get(request());
  });

  it('gives the key that it announces', async () => {
    const { credential } = await register();
    const response = credential.response as AuthenticatorAttestationResponse;
    const spki = response.getPublicKey();
    if (spki === null) throw new Error('no key');
    const key = await crypto.subtle.importKey(
      'spki',
      spki,
      { name: 'ECDSA', namedCurve: 'P-256' },
      true,
      ['verify'],
    );
    const point = new Uint8Array(await crypto.subtle.exportKey('raw', key));
    const authData = Buffer.from(response.getAuthenticatorData());
    expect(authData.includes(Buffer.from(point.subarray(1, 33)))).toBe(true);
    expect(response.getPublicKeyAlgorithm()).toBe(-7);
  });

  it('answers as browsers do where a request cannot be met', async () => {
    const { authenticator, credential } = await register();
    const named = (name: string) => expect.objectContaining({ name });
    const known = { type: 'public-key' as const, id: credential.rawId };
    await expect(authenticator.create(creation({ excludeCredentials: [known] }))).rejects.toEqual(
      named('InvalidStateError'),
    );
    await expect(
      authenticator.create(creation({ pubKeyCredParams: [{ type: 'public-key', alg: -8 }] })),
    ).rejects.toEqual(named('NotSupportedError'));
    await expect(authenticator.get(request({ rpId: 'evil.example' }))).rejects.toEqual(
      named('SecurityError'),
    );
    await expect(
      authenticator.get(request({ allowCredentials: [{ type: 'public-key', id: challenge }] })),
    ).rejects.toEqual(named('NotAllowedError'));
    await expect(
      authenticator.get(
        request({
          extensions: { prf: { evalByCredential: { [credential.id]: { first: userId } } } },
        }),
      ),
    ).rejects.toEqual(named('NotSupportedError'));
    authenticator.configure({ userVerification: false });
    await expect(authenticator.get(request())).rejects.toEqual(named('NotAllowedError'));
  });

  it('ends at the abort of its signal, also while the user is asked', async () => {
    const { authenticator } = await register();
    authenticator.configure({ onUserPrompt: () => new Promise<void>(() => {}) });
    const controller = new AbortController();
    const pending = authenticator.get({ ...request(), signal: controller.signal });
    controller.abort();
    await expect(pending).rejects.toEqual(expect.objectContaining({ name: 'AbortError' }));
  });

  it('evaluates PRF alike at create and get, also by credential, and by second input', async () => {
    const authenticator = createSoftwareAuthenticator({ origin });
    const prf = { eval: { first: utf8('one'), second: utf8('two') } };
    const created = await authenticator.create(creation({ extensions: { prf } }));
    const atCreate = created.getClientExtensionResults().prf;
    expect(atCreate?.enabled).toBe(true);
    const got = await authenticator.get(
      request({
        allowCredentials: [{ type: 'public-key', id: created.rawId }],
        extensions: { prf: { evalByCredential: { [created.id]: { first: utf8('two') } } } },
      }),
    );
    const atGet = got.getClientExtensionResults().prf;
    expect(atGet).not.toHaveProperty('enabled');
    expect(atGet?.results).not.toHaveProperty('second');
    const bytes = (source: BufferSource | undefined) => new Uint8Array(source as ArrayBuffer);
    expect(bytes(atGet?.results?.first)).toEqual(bytes(atCreate?.results?.second));
    expect(equalBytes(bytes(atCreate?.results?.first), bytes(atCreate?.results?.second))).toBe(
      false,
    );
  });

  it.each([
    ['create-and-get', true, true, true],
    ['get', true, false, true],
    ['create-only', true, true, false],
    [false, false, false, false],
  ] as const)('PRF mode %s: enabled %s, create %s, get %s', async (prf, enabled, create, get) => {
    const authenticator = createSoftwareAuthenticator({ origin, prf });
    const extensions = { prf: { eval: { first: userId } } };
    const created = (
      await authenticator.create(creation({ extensions }))
    ).getClientExtensionResults();
    expect(created.prf?.enabled).toBe(enabled);
    expect(created.prf?.results !== undefined).toBe(create);
    const got = (await authenticator.get(request({ extensions }))).getClientExtensionResults();
    expect(got.prf?.results !== undefined).toBe(get);
  });

  it('maps PRF inputs to hmac-secret as the vectors of WebAuthn L3 do', async () => {
    // WebAuthn L3, test vectors of prf, CTAP2 hmac-secret: seed || 0x06 is the credential's secret.
    const seed = utf8('WebAuthn PRF test vectors');
    const secret = sha256(Uint8Array.of(...seed, 0x06));
    const evaluate = async (last: number) =>
      Buffer.from(await evaluatePrf(secret, Uint8Array.of(...seed, last))).toString('hex');
    expect(await evaluate(0x02)).toBe(
      '3c33e07d202c3b029cc21f1722767021bf27d595933b3d2b6a1b9d5dddc77fae',
    );
    expect(await evaluate(0x03)).toBe(
      'a62a8773b19cda90d7ed4ef72a80a804320dbd3997e2f663805ad1fd3293d50b',
    );
  });

  it('lies as told: client data, flags, counter, RP id hash, user handle, signature', async () => {
    const { authenticator } = await register();
    authenticator.configure({
      tamper: {
        origin: 'https://evil.example',
        type: 'webauthn.create',
        crossOrigin: true,
        flags: (flags) => flags & ~0x04,
        signCount: () => 77,
        rpIdHash: new Uint8Array(32),
        userHandle: null,
        signature: () => new Uint8Array(8),
      },
    });
    const assertion = await authenticator.get(request());
    const response = assertion.response as AuthenticatorAssertionResponse;
    const clientData = JSON.parse(Buffer.from(response.clientDataJSON).toString());
    expect(clientData).toMatchObject({
      origin: 'https://evil.example',
      type: 'webauthn.create',
      crossOrigin: true,
    });
    const data = new DataView(response.authenticatorData);
    expect(data.getUint8(32)).toBe(0x01);
    expect(data.getUint32(33)).toBe(77);
    expect(new Uint8Array(response.authenticatorData, 0, 32)).toEqual(new Uint8Array(32));
    expect(response.userHandle).toBeNull();
    expect(new Uint8Array(response.signature)).toEqual(new Uint8Array(8));
  });
});
