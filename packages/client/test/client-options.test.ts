import { ownershipV1 } from '@pzk-auth/circuits';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type ClientOptions, createClient } from '../src/index.js';

const { prover, verificationKey } = ownershipV1.artifacts;
const pins = { id: ownershipV1.id, prover: prover ?? { sha256: '', bytes: 0 }, verificationKey };
const options: ClientOptions = { issuer: 'https://api.example.com', scope: ['b', 'a', 'b'] };

afterEach(() => {
  vi.unstubAllGlobals();
});

function stubPage(hostname: string) {
  vi.stubGlobal('document', {});
  vi.stubGlobal('location', { hostname, href: `https://${hostname}/` });
}

describe('options', () => {
  it('resolves the defaults into a frozen configuration, and leaves its input alone', () => {
    const input = Object.freeze({ ...options, scope: Object.freeze(['b', 'a', 'b']) });
    const { config } = createClient(input);
    expect(Object.isFrozen(config)).toBe(true);
    expect(config).toMatchObject({
      issuer: 'https://api.example.com',
      audience: 'https://api.example.com',
      baseUrl: 'https://api.example.com/pzk',
      rpId: 'api.example.com',
      scope: 'a b',
      allowWithoutPrf: false,
      renewBefore: 60,
    });
  });

  it('takes a resource as audience, and http on localhost', () => {
    const resource = 'https://data.example.com/v1';
    expect(createClient({ ...options, resource }).config.audience).toBe(resource);
    createClient({ ...options, issuer: 'http://localhost:3000' });
  });

  it.each<[Partial<ClientOptions>, RegExp]>([
    [{ baseURL: 'https://api.example.com/pzk' } as Partial<ClientOptions>, /write baseUrl/],
    [{ tokenTtl: 60 } as Partial<ClientOptions>, /no option tokenTtl/],
    [{ issuer: 'http://127.0.0.1:3000' }, /localhost/],
    [{ issuer: 'http://[::1]:3000' }, /localhost/],
    [{ issuer: 'http://api.example.com' }, /https/],
    [{ issuer: 'api.example.com' }, /absolute/],
    [{ issuer: 'https://api.example.com/' }, /written as https:\/\/api\.example\.com\.$/],
    [{ issuer: 'https://API.example.com' }, /written as/],
    [{ issuer: 'https://api.example.com:443' }, /written as/],
    [{ audience: 'https://api.example.com/v1/' }, /written as https:\/\/api\.example\.com\/v1\./],
    [{ issuer: 'https://api.example.com?x=1' }, /query/],
    [{ audience: 'x' }, /audience/],
    [{ baseUrl: 'http://api.example.com/pzk' }, /baseUrl/],
    [{ scope: [] }, /scope/],
    [{ scope: ['a b'] }, /scope/],
    [{ rpId: 'https://app.example.com' }, /rpId/],
    [{ circuit: { id: 'x', prover: pins.prover, verificationKey: { sha256: 'x' } } }, /circuit/],
    [{ circuit: { ...pins, prover: { sha256: 'x', bytes: 1 } } }, /artifact\.sha256/],
    [{ renewBefore: Number.NaN }, /renewBefore/],
    [{ allowedOrigins: ['*'] }, /allowedOrigins/],
  ])('refuses %j with a useful word', (change, words) => {
    const create = () => createClient({ ...options, ...change });
    expect(create).toThrow(TypeError);
    expect(create).toThrow(words);
  });

  it('takes the RP id from the page, and refuses one that does not fit it', () => {
    stubPage('app.example.com');
    expect(createClient(options).config.rpId).toBe('app.example.com');
    expect(createClient({ ...options, rpId: 'example.com' }).config.rpId).toBe('example.com');
    for (const rpId of ['other.example.com', 'ample.com', 'login.app.example.com']) {
      expect(() => createClient({ ...options, rpId })).toThrow(/rpId/);
    }
    stubPage('127.0.0.1');
    expect(() => createClient(options)).toThrow(/localhost/);
  });

  it('says what is missing where there is no WebAuthn', async () => {
    const client = createClient({ ...options, rpId: 'app.example.com' });
    await expect(client.start()).rejects.toMatchObject({ code: 'unsupported_environment' });
  });
});
