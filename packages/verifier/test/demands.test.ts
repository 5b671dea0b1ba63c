import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthenticateOptions } from '../src/index.js';
import { createIssuer } from './harness/issuer.js';
import { call, createWireClient, type WireClient } from './harness/wire-client.js';

const issuer = createIssuer();
afterAll(() => issuer.verifier.close());

/** Demands as a program without types, or one with a typing error, would write them. */
const MISWRITTEN: readonly [unknown, RegExp][] = [
  [{ scopes: ['weather:read'] }, /unknown option scopes; did you mean scope\?/],
  [{ max_age: 60 }, /unknown option max_age; did you mean maxAge\?/],
  [{ roles: 'admin' }, /unknown option roles; there are scope, maxAge, audience, allowApiKey/],
  [{ [Symbol('scope')]: 'weather:read' }, /unknown option Symbol/],
  [{ scope: undefined }, /scope is undefined/],
  [{ maxAge: undefined }, /maxAge is undefined/],
  [{ audience: undefined }, /audience is undefined/],
  [{ scope: '' }, /scope names no token/],
  [{ scope: [] }, /scope names no token/],
  [{ scope: 5 }, /scope must be/],
  [{ scope: new Set(['weather:read']) }, /scope must be/],
  [{ scope: null }, /scope must be/],
  [{ scope: 'weather:raed' }, /weather:raed is not among/],
  [{ maxAge: '60' }, /maxAge is a whole number/],
  ['weather:read', /must be an object such as { scope: ... }/],
  [['weather:read'], /must be an object/],
  [[], /must be an object/],
  [new Map([['scope', 'weather:read']]), /must be an object/],
  [() => ({ scope: 'weather:read' }), /must be an object/],
  [null, /must be an object/],
];

describe('demands of a route', () => {
  let client: WireClient;
  let token: string;
  beforeAll(async () => {
    const { apiKey } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
    client = await createWireClient(issuer, { apiKey });
    token = (await client.enroll()).body.access_token;
  });

  it.each(MISWRITTEN)('[D26] refuses %o, at set-up and at a call', async (written, message) => {
    const demands = written as AuthenticateOptions;
    expect(() => issuer.verifier.assertDemands(demands)).toThrow(TypeError);
    expect(() => issuer.verifier.assertDemands(demands)).toThrow(message);
    const failure = await call(issuer, client, token, { demands }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TypeError);
    expect(String(failure)).toMatch(message);
    // The answer, if an application makes one of it, is that of a fault.
    const target = { method: 'GET', url: '/weather', headers: new Headers() };
    expect(issuer.verifier.problem(failure, target, demands).status).toBe(500);
  });

  it('[D26] refuses the same where the caller shows an API key', async () => {
    const headers = new Headers({ 'x-api-key': 'plain' });
    const demands = { scopes: ['weather:read'], allowApiKey: () => ({ user: 'ada', scopes: [] }) };
    const failure = issuer.verifier.authenticate(
      { method: 'GET', url: '/weather', headers },
      demands as unknown as AuthenticateOptions,
    );
    await expect(failure).rejects.toThrow(/did you mean scope/);
  });

  it('[D26] honest: demands that are met pass', async () => {
    const met: AuthenticateOptions[] = [
      {},
      { scope: 'weather:read' },
      { scope: ['weather:read'], maxAge: 600, audience: issuer.verifier.issuer },
    ];
    for (const demands of met) {
      expect(() => issuer.verifier.assertDemands(demands)).not.toThrow();
      await expect(call(issuer, client, token, { demands })).resolves.toBeDefined();
    }
    await expect(call(issuer, client, token)).resolves.toBeDefined();
  });
});
