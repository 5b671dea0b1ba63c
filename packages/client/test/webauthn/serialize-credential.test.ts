import {
  assertionSchema,
  parseMessage,
  registrationSchema,
  sha256,
  utf8,
} from '@pzk-auth/protocol';
import { describe, expect, it } from 'vitest';
import { serializeAssertion, serializeRegistration } from '../../src/index.js';
import { createSoftwareAuthenticator } from '../../src/testing/index.js';

const challenge = sha256(utf8('challenge'));
const rpId = 'app.example.com';
const extensions = { prf: { eval: { first: challenge } }, credProps: true };

async function ceremonies() {
  const authenticator = createSoftwareAuthenticator({ origin: `https://${rpId}` });
  const created = await authenticator.create({
    publicKey: {
      challenge,
      rp: { id: rpId, name: rpId },
      user: { id: challenge, name: 'a', displayName: 'A' },
      pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
      authenticatorSelection: { residentKey: 'required' },
      extensions,
    },
  });
  const got = await authenticator.get({ publicKey: { challenge, rpId, extensions } });
  return { created, got };
}

describe('serializer of credentials', () => {
  it('[W8] honest: writes what the wire schemas take', async () => {
    const { created, got } = await ceremonies();
    const registration = serializeRegistration(created);
    expect(parseMessage(registrationSchema, registration)).toEqual(registration);
    expect(registration.clientExtensionResults).toEqual({
      prf: { enabled: true },
      credProps: { rk: true },
    });
    const assertion = serializeAssertion(got);
    expect(parseMessage(assertionSchema, assertion)).toEqual(assertion);
    expect(assertion.clientExtensionResults).toEqual({});
  });

  it('[W8] drops prf.results, which toJSON prints', async () => {
    const { created, got } = await ceremonies();
    expect(JSON.stringify(created.toJSON())).toContain('"results"');
    expect(JSON.stringify(got.toJSON())).toContain('"results"');
    expect(JSON.stringify(serializeRegistration(created))).not.toContain('results');
    expect(JSON.stringify(serializeAssertion(got))).not.toContain('results');
  });

  it('[W8] drops whatever else an extension or a browser adds', async () => {
    const { created, got } = await ceremonies();
    const noisy = (credential: PublicKeyCredential): PublicKeyCredential => ({
      ...credential,
      authenticatorAttachment: 'odd',
      getClientExtensionResults: () =>
        ({ largeBlob: { blob: challenge }, prf: { enabled: 'yes' } }) as never,
      response: Object.assign({}, credential.response, {
        getTransports: () => ['internal', 'B A D', ...Array(20).fill('usb')],
        userHandle: null,
        extra: 'x',
      }),
    });
    const registration = serializeRegistration(noisy(created));
    expect(registration).not.toHaveProperty('authenticatorAttachment');
    expect(registration.clientExtensionResults).toEqual({});
    expect(registration.response.transports?.length).toBe(8);
    expect(parseMessage(registrationSchema, registration)).toEqual(registration);
    const assertion = serializeAssertion(noisy(got));
    expect(assertion.response).not.toHaveProperty('userHandle');
    expect(parseMessage(assertionSchema, assertion)).toEqual(assertion);
  });
});
