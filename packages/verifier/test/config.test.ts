import { afterEach, describe, expect, it, vi } from 'vitest';
import { createVerifier, memoryStores, type VerifierOptions } from '../src/index.js';

const options: VerifierOptions = {
  issuer: 'https://api.example.com',
  audience: 'https://api.example.com',
  rpId: 'app.example.com',
  origins: ['https://app.example.com'],
  scopes: ['weather:read'],
  stores: memoryStores(),
};

afterEach(() => vi.unstubAllEnvs());

describe('options', () => {
  it('takes what is right', () => {
    createVerifier(options);
    const local = 'http://weather.localhost:3000';
    createVerifier({
      ...options,
      issuer: local,
      audience: [local, `${local}/v1`],
      rpId: 'weather.localhost',
      origins: [local],
      stores: memoryStores(),
    });
  });

  it.each<[Partial<VerifierOptions>, RegExp]>([
    [{ issuer: 'api.example.com' }, /issuer must be an absolute URL/],
    [{ issuer: 'http://api.example.com' }, /issuer must use https/],
    [{ issuer: 'http://localhost.example.com' }, /issuer must use https/],
    [{ issuer: 'https://api.example.com/' }, /written as https:\/\/api\.example\.com\.$/],
    [{ issuer: 'https://API.example.com' }, /written as/],
    [{ issuer: 'https://api.example.com?x=1' }, /no credentials, query or fragment/],
    [{ issuer: `https://api.example.com/${'x'.repeat(600)}` }, /issuer is too long: 512/],
    [{ audience: [] }, /audience is required/],
    [{ vaultReset: { after: -1 } }, /vaultReset.after must be a whole number/],
    [{ vaultReset: { after: 31 * 86_400 } }, /vaultReset.after must be a whole number/],
    [{ vaultReset: { delay: 1 } as object }, /vaultReset: unknown option delay/],
    [{ audience: `https://api.example.com/${'x'.repeat(600)}` }, /audience is too long/],
    [{ rpId: 'https://app.example.com' }, /rpId must be a domain name/],
    [{ rpId: 'other.example.com' }, /fits neither/],
    [{ origins: [] }, /origins must name/],
    [{ origins: ['https://app.example.com/'] }, /origin must be written as/],
    [{ origins: ['http://127.0.0.1:3000'] }, /localhost/],
    [{ scopes: [] }, /scopes must name/],
    [{ scopes: ['a b'] }, /scopes must name/],
    [{ scopes: ['a'.repeat(513)] }, /scope is too long/],
    [{ stores: memoryStores as never }, /stores is required: memoryStores\(\)/],
    [{ stores: { ...memoryStores(), devices: undefined } as never }, /stores lacks devices/],
    [{ basePath: '/pzk/' }, /basePath/],
    [{ secret: 'short' }, /secret must hold/],
    [{ secret: 'a'.repeat(64) }, /secret must hold/],
    [{ tokenLifetime: 901 }, /tokenLifetime/],
    [{ tokenLifetime: 59 }, /tokenLifetime/],
    [{ sessionLifetime: 3601 }, /sessionLifetime/],
    [{ keyPrefix: 'Pzk' }, /keyPrefix/],
    [{ circuits: [] }, /circuits holds ownership\/v1 once/],
    [{ allowSyncedPasskeys: 'false' as never }, /allowSyncedPasskeys is true or false/],
    [{ allowWithoutPrf: 'false' as never }, /allowWithoutPrf is true or false/],
    [{ pageSessions: 0 as never }, /pageSessions is true or false/],
    [{ audit: 'off' as never }, /audit is true or false/],
    [{ authorize: true as never }, /authorize is a function/],
    [{ clock: 5 as never }, /clock is a function/],
    [{ signing: { key: [] } as never }, /signing: unknown option key; did you mean keys/],
    [{ rateLimits: { adress: false } as never }, /rateLimits: unknown option adress/],
    [{ rateLimits: { key: { limit: 5 } } as never }, /rateLimits.key: unknown option limit/],
  ])('refuses %j', (change, message) => {
    expect(() => createVerifier({ ...options, ...change })).toThrow(TypeError);
    expect(() => createVerifier({ ...options, ...change })).toThrow(message);
  });

  it.each<[unknown, RegExp]>([
    [undefined, /createVerifier: the options must be an object/],
    [{ ...options, tokenTtl: 60 }, /unknown option tokenTtl; did you mean tokenLifetime\?/],
    [{ ...options, issuer: undefined }, /issuer is required/],
    [{ ...options, audience: undefined }, /audience is required/],
    [{ ...options, rpId: undefined }, /rpId is required/],
    [{ ...options, rpId: '127.0.0.1' }, /write localhost/],
    [{ ...options, origins: undefined }, /origins must be a list/],
    [{ ...options, origins: 'https://app.example.com' }, /origins must be a list/],
    [{ ...options, scopes: 'weather:read' }, /scopes must be a list/],
    [{ ...options, secret: 'short' }, /UTF-8/],
  ])('says what to write instead of %o', (written, message) => {
    const create = () => createVerifier(written as VerifierOptions);
    expect(create).toThrow(TypeError);
    expect(create).toThrow(message);
  });

  it('demands the secret in production', () => {
    vi.stubEnv('NODE_ENV', 'production');
    expect(() => createVerifier(options)).toThrow(/secret is required in production/);
  });
});

describe('forms', () => {
  it.each(['grant_type=a&grant_type=a', 'grant_type=&grant_type=a', 'grant_type=a&grant_type='])(
    'a parameter that occurs twice is refused (RFC 6749 section 3.2): %s',
    async (body) => {
      const verifier = createVerifier({ ...options, stores: memoryStores() });
      const response = await verifier.handle(
        new Request('https://api.example.com/pzk/token', {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body,
        }),
      );
      expect(await response.json()).toMatchObject({ code: 'invalid_request' });
      await verifier.close();
    },
  );
});

it('a key is issued for scopes that are known, in a list', async () => {
  const { keys } = createVerifier({ ...options, stores: memoryStores() });
  for (const odd of [undefined, {}, { scope: 'weather:read' }, { scopes: 'weather:read' }]) {
    await expect(keys.issue(odd as never)).rejects.toThrow(/scopes must be a list/);
  }
  // An option that nobody reads would make a key that never ends, or leave the old one good for a day.
  const expires = { scopes: ['weather:read'], expires: Date.now() + 1000 };
  await expect(keys.issue(expires as never)).rejects.toThrow(/did you mean expiresAt/);
  await expect(keys.rotate('id', { graceSeconds: 0 } as never)).rejects.toThrow(
    /unknown option graceSeconds/,
  );
  await expect(keys.issue({ scopes: ['weather:raed'] })).rejects.toThrow(/weather:raed is not/);
  await expect(keys.issue({ scopes: ['weather:read'] })).resolves.toBeDefined();
});

it('a start that fails is a 503 at endpoints and on protected routes alike', async () => {
  const stores = memoryStores();
  const secrets = [
    'a secret of one: 0123456789 abcdef XYZ',
    'another secret: 0123456789 abcdef XYZ',
  ];
  const [first, second] = secrets.map((secret) => createVerifier({ ...options, secret, stores }));
  await first?.ready();
  // Its secret does not open the signing keys.
  await expect(second?.ready()).rejects.toMatchObject({ code: 'not_ready' });
  const jwks = await second?.handle(new Request('https://api.example.com/pzk/jwks.json'));
  expect(jwks?.status).toBe(503);
  const request = { method: 'GET', url: '/', headers: new Headers({ authorization: 'DPoP x' }) };
  const error = await second?.authenticate(request).catch((cause: unknown) => cause);
  const { status, body } = second?.problem(error, request) ?? {};
  expect(status).toBe(503);
  expect(JSON.parse(body ?? '')).toMatchObject({ code: 'store_unavailable' });
  expect(body).not.toContain('secret');
  await Promise.all([first?.close(), second?.close()]);
});
