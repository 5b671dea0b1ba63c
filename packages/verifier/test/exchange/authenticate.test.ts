import { randomUUID } from 'node:crypto';
import { PzkError } from '@pzk-auth/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthenticateOptions, Stores } from '../../src/index.js';
import { scopeToIssuer } from '../../src/stores/scope-to-issuer.js';
import { ISSUER } from '../harness/issuer.js';
import { createSessionKey, type TestSessionKey } from '../harness/session-key.js';
import { type IssuerSigningKey, openSigningKey } from '../harness/signing-key.js';
import { createWatchedIssuer, type WatchedIssuer } from '../harness/watched-issuer.js';

// What stands between a protected call and its route, with tokens signed as the issuer signs them.

/** Stores that remember what was before this test, as Redis does. */
function lastingStores(stores: Stores): Stores {
  const { knownSince: _, ...revocations } = stores.revocations;
  return { ...stores, revocations };
}

const SECOND = `${ISSUER}/second`;
let issuer: WatchedIssuer;
let signing: IssuerSigningKey;
let key: TestSessionKey;
beforeAll(async () => {
  issuer = createWatchedIssuer({ audience: [ISSUER, SECOND], adapt: lastingStores });
  signing = await openSigningKey(issuer);
  key = await createSessionKey();
});
afterAll(() => issuer.verifier.close());

const seconds = () => Math.floor(issuer.now() / 1000);

function sign(claims: object = {}): string {
  const header = { typ: 'at+jwt', alg: 'ES256', kid: signing.kid };
  const sid = randomUUID();
  return signing.sign(header, {
    iss: ISSUER,
    aud: ISSUER,
    sub: 'account',
    client_id: 'key',
    device: 'device',
    scope: 'weather:read',
    jti: `${sid}.${randomUUID()}`,
    cnf: { jkt: key.jkt },
    iat: seconds(),
    exp: seconds() + 60,
    auth_time: seconds(),
    amr: ['user'],
    key_protection: 'passkey',
    ...claims,
  });
}

interface Call {
  readonly token?: string;
  readonly by?: TestSessionKey;
  /** What the proof names. */
  readonly htu?: string;
  /** What the request line says. */
  readonly url?: string;
  readonly authorization?: string | null;
  readonly dpop?: string;
  readonly demands?: AuthenticateOptions;
}

async function call(over: Call = {}) {
  const { token = sign(), by = key, htu = `${ISSUER}/weather`, url = '/weather' } = over;
  const { authorization = `DPoP ${token}`, demands } = over;
  const dpop =
    over.dpop ??
    (await by.dpop({ method: 'GET', url: htu, accessToken: token, now: issuer.now() }));
  const headers = new Headers({ dpop });
  if (authorization !== null) headers.set('authorization', authorization);
  return issuer.verifier.authenticate({ method: 'GET', url, headers }, demands);
}

const refuses = async (code: string, over: Call) =>
  expect(call(over), JSON.stringify(over)).rejects.toMatchObject({ code });
const accepts = async (over: Call) =>
  expect(await call(over)).toMatchObject({ account: 'account' });

describe('the header with the token', () => {
  it('[D20] honest: is read in any case, with spaces after the scheme', async () => {
    const token = sign();
    for (const scheme of ['DPoP ', 'dpop ', 'DPOP    ']) {
      await accepts({ token, authorization: scheme + token });
    }
  });

  it('[D20] refuses no token, another scheme, and anything beside the token', async () => {
    const token = sign();
    for (const authorization of [
      null,
      '',
      'DPoP',
      'DPoP ',
      token,
      `DPoP${token}`,
      `DPoP\t${token}`,
      `DPoP ${token} x`,
      `DPoP ${token},DPoP ${token}`,
      `DPoP ${token}, ${token}`,
      `DPoP ${token};`,
      `x DPoP ${token}`,
      `xDPoP ${token}`,
      `DPoP =${token}`,
      `Bearer ${token}`,
      `Basic ${token}`,
    ]) {
      await refuses('invalid_token', { token, authorization });
    }
  });
});

describe('the target of the request', () => {
  it('[D15] honest: is the path as it was sent; scheme and host are those of the configuration', async () => {
    const targets: [string, string][] = [
      ['/weather', '/weather'],
      ['/weather?q=/../x#f', '/weather'],
      ['/', '/'],
      ['/a/b.c/...', '/a/b.c/...'],
      ['/a%2Fb', '/a%2Fb'],
      ['/.well-known/x', '/.well-known/x'],
      ['http://other.example:8080/weather', '/weather'],
      ['HTTPS://other.example/weather?q', '/weather'],
      ['http://[::1]:80/weather', '/weather'],
      ['https://other.example', '/'],
      ['https://other.example?q', '/'],
    ];
    for (const [url, path] of targets) {
      await accepts({ url, htu: ISSUER + path });
      await refuses('invalid_dpop_proof', { url, htu: `${ISSUER}/other` });
    }
  });

  it('[D15] refuses one with dot segments, backslashes, or none at all', async () => {
    for (const url of [
      '',
      '*',
      'weather',
      'other.example/weather',
      '.other.example/weather',
      ':8443/weather',
      '/a/../weather',
      '/./weather',
      '/weather/.',
      '/weather/..',
      '/%2e/weather',
      '/a/%2E%2e/weather',
      '/a/.%2e/weather',
      '\\weather',
      '/a\\..\\weather',
      'ftp://other.example/weather',
      'https:/weather',
      'https:weather',
      'https://user@other.example/weather',
      'https://other.example\\@x/weather',
      'https://other.example:x/weather',
      'xhttps://other.example/weather',
    ]) {
      // Also where the proof names what a lenient reader would make of it.
      for (const htu of [`${ISSUER}/weather`, `${ISSUER}/`, ISSUER + url]) {
        await refuses('invalid_dpop_proof', { url, htu });
      }
    }
  });
});

describe('a token beside its proof', () => {
  it('[D19] refuses a proof of another key, or of another token', async () => {
    const other = await createSessionKey('EdDSA');
    await refuses('invalid_dpop_proof', { by: other });
    const dpop = await key.dpop({
      method: 'GET',
      url: `${ISSUER}/weather`,
      accessToken: sign(),
      now: issuer.now(),
    });
    await refuses('invalid_dpop_proof', { dpop });
    await accepts({ by: other, token: sign({ cnf: { jkt: other.jkt } }) });
  });

  it('[D17] refuses a proof that was used before', async () => {
    const token = sign();
    const dpop = await key.dpop({
      method: 'GET',
      url: `${ISSUER}/weather`,
      accessToken: token,
      now: issuer.now(),
    });
    await accepts({ token, dpop });
    await refuses('invalid_dpop_proof', { token, dpop });
    await accepts({ token });
  });

  it('[D17] spends no proof where something else is refused', async () => {
    const token = sign();
    const dpop = await key.dpop({
      method: 'GET',
      url: `${ISSUER}/weather`,
      accessToken: token,
      now: issuer.now(),
    });
    await refuses('insufficient_scope', { token, dpop, demands: { scope: 'weather:write' } });
    await refuses('invalid_token', { token, dpop, demands: { audience: SECOND } });
    await accepts({ token, dpop });
  });

  it('[D27] refuses a token of which any id is revoked', async () => {
    const claims = { sub: 'a4', client_id: 'k4', device: 'd4', jti: 's4.t4' };
    const stores = scopeToIssuer(issuer.stores, ISSUER);
    for (const [id, other] of [
      ['jti:s4.t4', { jti: 's4.t5' }],
      ['sid:s4', { jti: 's6.t4' }],
      ['key:k4', { jti: 's6.t4', client_id: 'k6' }],
      ['sub:a4', { jti: 's6.t4', client_id: 'k6', sub: 'a6' }],
      ['device:d4', { jti: 's6.t4', client_id: 'k6', sub: 'a6', device: '' }],
    ] as const) {
      await stores.revocations.revoke([id], 60_000);
      await refuses('invalid_token', { token: sign(claims) });
      Object.assign(claims, other);
      expect((await call({ token: sign(claims) })).account, id).toBe(claims.sub);
    }
  });
});

describe('the answer to a refusal', () => {
  const metadataOf = (url: string, demands?: AuthenticateOptions) => {
    const error = new PzkError('invalid_token', 'x');
    const answer = issuer.verifier.problem(
      error,
      { method: 'GET', url, headers: new Headers() },
      demands,
    );
    return /resource_metadata="([^"]*)"/.exec(answer.headers['www-authenticate'] ?? '')?.[1];
  };

  it('points to the metadata of the resource that the address is in, else of the first', () => {
    const first = metadataOf('/weather');
    const second = metadataOf('/weather', { audience: SECOND });
    expect(first).toMatch(/^https:/);
    expect(second).not.toBe(first);
    for (const url of ['/second', '/second/weather', '/second?q', 'http://other.example/second/']) {
      expect(metadataOf(url), url).toBe(second);
    }
    for (const url of ['/', '/seconds', '/secon', '/x/second', '/second/../x', '*']) {
      expect(metadataOf(url), url).toBe(first);
    }
  });
});

describe('demands', () => {
  it('[D26] refuses those that nobody could meet or read, when a route is set up', () => {
    const check = (demands: unknown) =>
      issuer.verifier.assertDemands(demands as AuthenticateOptions);
    for (const demands of [
      { scopes: 'weather:read' },
      { scope: undefined },
      { maxAge: undefined },
      { audience: undefined },
      { scope: '' },
      { scope: ' ' },
      { scope: [] },
      { scope: 5 },
      { scope: { every: () => true } },
      { scope: ['weather:read', 5] },
      { scope: 'weather:raed' },
      { scope: ['weather:read', 'weather:raed'] },
      { maxAge: 9 },
      { maxAge: 10.5 },
      { maxAge: '60' },
      { maxAge: Number.NaN },
      { audience: `${ISSUER}/third` },
    ]) {
      expect(() => check(demands), JSON.stringify(demands)).toThrow(TypeError);
    }
  });

  it('[D26] honest: takes those that can be met', () => {
    for (const demands of [
      {},
      { scope: 'weather:read' },
      { scope: ['weather:read', 'weather:write'] },
      { maxAge: 10 },
      { audience: SECOND, scope: 'weather:write', maxAge: 3600 },
      { allowApiKey: undefined },
    ]) {
      expect(() => issuer.verifier.assertDemands(demands as AuthenticateOptions)).not.toThrow();
    }
  });

  it('[D26] demands each scope, in both spellings', async () => {
    const scope = 'weather:read weather:write';
    for (const demanded of [
      scope,
      ['weather:read', 'weather:write'],
      ' weather:write  weather:read ',
    ]) {
      await refuses('insufficient_scope', { demands: { scope: demanded } });
      await accepts({ token: sign({ scope }), demands: { scope: demanded } });
    }
    await accepts({ demands: { scope: 'weather:read' } });
    await accepts({ token: sign({ scope: '' }) });
  });

  it('[D25] demands an audience where told, else takes each of its own', async () => {
    await accepts({ token: sign({ aud: SECOND }) });
    await accepts({ token: sign({ aud: SECOND }), demands: { audience: SECOND } });
    await refuses('invalid_token', { demands: { audience: SECOND } });
  });

  it('demands that a person was asked, and lately', async () => {
    const demands = { maxAge: 10 };
    await accepts({ token: sign({ auth_time: seconds() - 8 }), demands });
    for (const claims of [{ auth_time: seconds() - 12 }, { amr: ['pop'] }, { amr: [] }]) {
      await refuses('insufficient_user_authentication', { token: sign(claims), demands });
    }
    await accepts({ token: sign({ amr: [], auth_time: seconds() - 1000 }) });
  });
});
