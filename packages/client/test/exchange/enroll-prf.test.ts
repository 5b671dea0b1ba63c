import type { PzkErrorCode } from '@pzk-auth/protocol';
import { describe, expect, it } from 'vitest';
import { createMemoryStorage } from '../../src/index.js';
import { createSoftwareAuthenticator, type SoftwarePrf } from '../../src/testing/index.js';
import { apiKey, createClientOf, createFakeIssuer, origin, problem, user } from '../fake-issuer.js';

async function enrollWith(prf: SoftwarePrf, allowWithoutPrf = false) {
  const fake = createFakeIssuer();
  const prompts: string[] = [];
  const authenticator = createSoftwareAuthenticator({
    origin,
    prf,
    onUserPrompt: (ceremony) => void prompts.push(ceremony),
  });
  const client = createClientOf(fake, { authenticator, allowWithoutPrf });
  return { fake, prompts, client, enrolled: client.enroll({ apiKey, user }) };
}

function generationSent(body: string): number {
  const { manifest } = JSON.parse(body).vault;
  return JSON.parse(Buffer.from(manifest, 'base64url').toString()).recipients[0].generation;
}

describe('enrolment and PRF', () => {
  it.each([
    ['create-and-get', ['create', 'get']],
    ['get', ['create', 'get', 'get']],
  ] as const)('[W11] honest: PRF mode %s enrols, asking for %j', async (prf, expected) => {
    const { enrolled, prompts, client, fake } = await enrollWith(prf);
    await enrolled;
    expect(prompts).toEqual(expected);
    expect(client.getSnapshot().status).toBe('active');
    expect(client.enrollment.getSnapshot().status).toBe('enrolled');
    expect(generationSent(fake.sent.at(-1)?.body ?? '')).toBe(1);
  });

  it.each<[SoftwarePrf, PzkErrorCode]>([
    [false, 'prf_unsupported'],
    ['create-only', 'prf_missing_at_get'],
    ['disagreeing', 'prf_mismatch'],
  ])('[W11] PRF %s is refused as %s before anything is stored', async (prf, code) => {
    const { enrolled, client, fake } = await enrollWith(prf);
    await expect(enrolled).rejects.toMatchObject({ name: 'PzkError', code });
    await expect(enrolled).rejects.toHaveProperty('hint', expect.any(String));
    expect(client.enrollment.getSnapshot()).toMatchObject({ status: 'failed', error: { code } });
    expect(client.getSnapshot().status).toBe('signed-out');
    expect(fake.paths()).toEqual(['/pzk/challenge']);
  });

  it.each<[SoftwarePrf]>([[false], ['create-only']])(
    '[W11] honest: PRF %s goes on with a device secret where the application allows it',
    async (prf) => {
      const { enrolled, fake, client } = await enrollWith(prf, true);
      await enrolled;
      expect(generationSent(fake.sent.at(-1)?.body ?? '')).toBe(0);
      await client.signOut();
      await client.start();
      expect(client.getSnapshot().status).toBe('active');
    },
  );

  it('[W11] disagreeing outputs stay refused, whatever the application allows', async () => {
    const { enrolled } = await enrollWith('disagreeing', true);
    await expect(enrolled).rejects.toMatchObject({ code: 'prf_mismatch' });
  });

  it('[W11] a fresh browser cannot open what rests on device storage, unless given the key', async () => {
    const fake = createFakeIssuer();
    const authenticator = createSoftwareAuthenticator({ origin, prf: false });
    const options = { authenticator, allowWithoutPrf: true };
    await createClientOf(fake, options).enroll({ apiKey, user });
    const fresh = createClientOf(fake, { ...options, storage: createMemoryStorage() });
    await expect(fresh.start()).rejects.toMatchObject({ code: 'vault_missing' });
    await fresh.start({ apiKey });
    expect(fresh.getSnapshot().status).toBe('active');
  });

  it('[W11] PRF missing at a later touch has its own reason', async () => {
    const fake = createFakeIssuer();
    const client = createClientOf(fake);
    await client.enroll({ apiKey, user });
    client.authenticator.configure({ prf: 'create-only' });
    await expect(client.start()).rejects.toMatchObject({ code: 'prf_missing_at_get' });
    client.authenticator.configure({ prf: 'create-and-get' });
    await client.start();
  });

  it('[W8] sends neither PRF results nor the key, in any spelling', async () => {
    const fake = createFakeIssuer();
    const seen: Uint8Array[] = [];
    const authenticator = createSoftwareAuthenticator({ origin });
    // Copies every output on its way out of the authenticator.
    const spy = {
      ...authenticator,
      async create(options: CredentialCreationOptions) {
        return keep(await authenticator.create(options));
      },
      async get(options: CredentialRequestOptions) {
        return keep(await authenticator.get(options));
      },
    };
    function keep(credential: PublicKeyCredential) {
      const results = credential.getClientExtensionResults().prf?.results;
      for (const output of [results?.first, results?.second]) {
        if (output !== undefined) seen.push(new Uint8Array(output as ArrayBuffer).slice());
      }
      return {
        ...credential,
        toJSON: () => {
          throw new Error('toJSON prints PRF outputs');
        },
      };
    }
    const client = createClientOf(fake, { authenticator: spy });
    await client.enroll({ apiKey, user });
    await client.start();
    expect(seen.length).toBe(6);
    const secrets = [...seen.map((one) => Buffer.from(one)), Buffer.from(apiKey)];
    const wire = fake.sent
      .map(({ body, headers }) => body + JSON.stringify([...headers]))
      .join('\n');
    for (const secret of secrets) {
      const spellings = [
        secret.toString('latin1'),
        secret.toString('hex'),
        secret.toString('base64'),
        secret.toString('base64url'),
        [...secret].join(','),
      ];
      for (const spelling of spellings) expect(wire.includes(spelling)).toBe(false);
    }
    expect(wire).not.toContain('"results"');
    // The hunt finds what is there.
    expect(wire).toContain('"prf":{"enabled":true}');
  });

  it('overwrites the outputs in the buffers of the browser', async () => {
    const outputs: ArrayBuffer[] = [];
    const authenticator = createSoftwareAuthenticator({ origin });
    const spy = {
      ...authenticator,
      async get(options: CredentialRequestOptions) {
        const credential = await authenticator.get(options);
        outputs.push(credential.getClientExtensionResults().prf?.results?.first as ArrayBuffer);
        return credential;
      },
    };
    await createClientOf(createFakeIssuer(), { authenticator: spy }).enroll({ apiKey, user });
    expect(outputs.map((one) => new Uint8Array(one))).toEqual([new Uint8Array(32)]);
  });
});

describe('a passkey of an enrolment that fails', () => {
  const failing = async (respond: (fake: ReturnType<typeof createFakeIssuer>) => void) => {
    const fake = createFakeIssuer();
    respond(fake);
    const authenticator = createSoftwareAuthenticator({ origin });
    const client = createClientOf(fake, { authenticator });
    await expect(client.enroll({ apiKey, user })).rejects.toThrow();
    return authenticator.credentials().length;
  };

  it.each(['enrollment_refused', 'invalid_grant', 'invalid_request'])(
    'is forgotten by the authenticator after %s',
    async (code) => {
      expect(await failing((fake) => fake.respond('/pzk/enroll', () => problem(code, 400)))).toBe(
        0,
      );
    },
  );

  // What a request gets, too, that the network delivered a second time.
  it.each([
    'invalid_nonce',
    'invalid_dpop_proof',
    'too_many_requests',
    'busy',
    'store_unavailable',
    'server_error',
  ])('stays after %s: the server may know it', async (code) => {
    expect(await failing((fake) => fake.respond('/pzk/enroll', () => problem(code, 503)))).toBe(1);
  });

  it('stays where no answer came', async () => {
    const lost = () => Promise.reject(new TypeError('fetch failed'));
    expect(await failing((fake) => fake.respond('/pzk/enroll', lost))).toBe(1);
  });

  it('is forgotten where the user stops before anything is sent', async () => {
    const authenticator = createSoftwareAuthenticator({
      origin,
      onUserPrompt: (ceremony) => {
        if (ceremony === 'get') throw new DOMException('', 'NotAllowedError');
      },
    });
    const client = createClientOf(createFakeIssuer(), { authenticator });
    const enrolling = client.enroll({ apiKey, user });
    await expect(enrolling).rejects.toMatchObject({ code: 'passkey_cancelled' });
    expect(authenticator.credentials()).toEqual([]);
  });

  it('is forgotten where the user stops while it is made', async () => {
    const controller = new AbortController();
    const authenticator = createSoftwareAuthenticator({ origin });
    const late = {
      ...authenticator,
      create: async (options: CredentialCreationOptions) => {
        const credential = await authenticator.create({ publicKey: options.publicKey as never });
        controller.abort();
        return credential;
      },
    };
    const client = createClientOf(createFakeIssuer(), { authenticator: late });
    const enrolling = client.enroll({ apiKey, user, signal: controller.signal });
    await expect(enrolling).rejects.toMatchObject({ code: 'aborted' });
    expect(authenticator.credentials()).toEqual([]);
  });

  it('changes no error where the authenticator cannot be told', async () => {
    const fake = createFakeIssuer();
    fake.respond('/pzk/enroll', () => problem('enrollment_refused', 403));
    for (const signalUnknownCredential of [
      () => {
        throw new TypeError('odd');
      },
      () => undefined as never,
      undefined,
    ]) {
      const authenticator = {
        ...createSoftwareAuthenticator({ origin }),
        signalUnknownCredential: signalUnknownCredential as never,
      };
      const enrolling = createClientOf(fake, { authenticator }).enroll({ apiKey, user });
      await expect(enrolling).rejects.toMatchObject({ code: 'enrollment_refused' });
    }
  });
});
