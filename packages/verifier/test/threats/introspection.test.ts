import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createResourceServerSecret } from '../../src/index.js';
import { compactJws } from '../harness/compact-jws.js';
import { createIssuer, ISSUER } from '../harness/issuer.js';
import { openSigningKey } from '../harness/signing-key.js';
import { createWatchedIssuer } from '../harness/watched-issuer.js';
import {
  createWireClient,
  send,
  type WireAnswer,
  type WireClient,
} from '../harness/wire-client.js';

const SECOND = `${ISSUER}/second`;
const weather = createResourceServerSecret();
const second = createResourceServerSecret();
const issuer = createWatchedIssuer({
  audience: [ISSUER, SECOND],
  pairwiseSubjects: true,
  resourceServers: [
    { id: 'weather', secretHash: weather.secretHash, audience: ISSUER },
    { id: 'second', secretHash: second.secretHash, audience: [SECOND] },
  ],
});
afterAll(() => issuer.verifier.close());

const basic = (id: string, secret: string) =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

async function introspect(
  token: string,
  authorization: string | null = basic('weather', weather.secret),
  over: { form?: Record<string, string>; address?: string } = {},
): Promise<WireAnswer> {
  const request = new Request(`${ISSUER}/pzk/introspect`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(authorization === null ? {} : { authorization }),
    },
    body: new URLSearchParams({ token, ...over.form }),
  });
  return send(issuer, request, over.address);
}

const visible = ({ status, headers, text }: WireAnswer) =>
  JSON.stringify([status, [...headers], text]);

let client: WireClient;
let keyId: string;
let token: string;
beforeAll(async () => {
  const { apiKey, row } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
  keyId = row.id;
  client = await createWireClient(issuer, { apiKey });
  token = (await client.enroll()).body.access_token;
  for (const text of [apiKey, token, weather.secret]) issuer.secrets.add(text);
});

const payloadOf = (text: string) =>
  JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString());

async function fresh(over: Record<string, unknown> = {}) {
  const challenge = await client.challenge('session', over);
  const { body } = await client.post('/token', await client.tokenForm(challenge));
  return body.access_token as string;
}

describe('introspection', () => {
  it('[H5] honest: tells a server about a token for it, as the token says', async () => {
    const answer = await introspect(token);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { proof: _, ...claims } = payloadOf(token);
    expect(answer.body).toEqual({ active: true, token_type: 'DPoP', ...claims });
    expect(answer.body.cnf).toEqual({ jkt: client.sessionKey.jkt });
    // Pairwise: another audience sees another subject.
    const other = await fresh({ resource: SECOND });
    const there = await introspect(other, basic('second', second.secret));
    expect(there.body).toMatchObject({ active: true, aud: SECOND });
    expect(there.body.sub).not.toBe(answer.body.sub);
  });

  it('[H5] whatever is wrong with a token, the answer is the same', async () => {
    const signing = await openSigningKey(issuer);
    const [header, payload, signature] = token.split('.') as [string, string, string];
    const claims = payloadOf(token);
    const now = Math.floor(issuer.now() / 1000);
    const head = { typ: 'at+jwt', alg: 'ES256', kid: signing.kid };
    const revoked = await fresh();
    expect((await client.post('/revoke', { token: revoked })).status).toBe(200);
    const byAdministration = await fresh();
    await issuer.verifier.tokens.revoke(payloadOf(byAdministration).jti);
    const bad: Record<string, string> = {
      garbage: 'x',
      long: 'x'.repeat(5000),
      'wrong signature': `${header}.${payload}.${'A'.repeat(86)}`,
      'cut signature': `${header}.${payload}.${signature.slice(0, 80)}`,
      'of another audience': await fresh({ resource: SECOND }),
      expired: signing.sign(head, { ...claims, iat: now - 600, exp: now - 300 }),
      'to come': signing.sign(head, { ...claims, iat: now + 60, exp: now + 300 }),
      'of another issuer': signing.sign(head, { ...claims, iss: 'https://other.example.com' }),
      'without cnf': signing.sign(head, { ...claims, cnf: undefined }),
      'unknown key': signing.sign({ ...head, kid: 'unknown' }, claims),
      unsigned: compactJws({ ...head, alg: 'none' }, claims, () => new Uint8Array()),
      signedOut: revoked,
      revoked: byAdministration,
    };
    const answers = new Map<string, string>();
    for (const [name, text] of Object.entries(bad)) {
      answers.set(name, visible(await introspect(text)));
    }
    expect(new Set(answers.values()).size, JSON.stringify([...answers], null, 1)).toBe(1);
    expect([...answers.values()][0]).toContain('{\\"active\\":false}');
    expect((await introspect(token)).body.active).toBe(true);
  });

  it('[D28] a token whose key, device, account or signing key was revoked is inactive at once', async () => {
    const { verifier } = issuer;
    const revoke = {
      key: ({ key }: { key: string }) => verifier.keys.revoke(key),
      device: async ({ account }: { account: string }) => {
        const [device] = await verifier.devices.list(account);
        await verifier.devices.revoke(device?.id ?? '');
      },
      account: ({ account }: { account: string }) => verifier.accounts.revoke(account),
      'signing key': async ({ kid }: { kid: string }) =>
        void (await verifier.signingKeys.remove(kid)),
    };
    for (const [name, end] of Object.entries(revoke)) {
      const { apiKey, row } = await verifier.keys.issue({ scopes: ['weather:read'] });
      const { body } = await (await createWireClient(issuer, { apiKey })).enroll();
      const text = body.access_token as string;
      expect((await introspect(text)).body.active, name).toBe(true);
      const kid = JSON.parse(Buffer.from(text.split('.')[0] ?? '', 'base64url').toString()).kid;
      await end({ key: row.id, account: row.account, kid });
      expect((await introspect(text)).body, name).toEqual({ active: false });
    }
    token = await fresh();
  });

  it('[H5] whoever is not a server gets one answer, whatever was wrong', async () => {
    const { secret } = weather;
    const attempts: (string | null)[] = [
      null,
      '',
      'Basic',
      'Basic !',
      `Bearer ${secret}`,
      `DPoP ${token}`,
      basic('weather', ''),
      basic('weather', `${secret}x`),
      basic('weather', secret.slice(1)),
      basic('weather', second.secret),
      basic('weather', weather.secretHash),
      basic('', secret),
      basic('unknown', secret),
      basic('__proto__', secret),
      basic('weather', '%'),
      `Basic ${Buffer.from('weather').toString('base64')}`,
      `${basic('weather', secret)}, ${basic('weather', secret)}`,
    ];
    const answers = new Set<string>();
    for (const authorization of attempts) {
      answers.add(visible(await introspect(token, authorization)));
    }
    expect(answers.size).toBe(1);
    const answer = await introspect(token, null);
    expect(answer).toMatchObject({ status: 401, body: { code: 'invalid_client' } });
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const seen = JSON.stringify(issuer.events.slice(-attempts.length));
    for (const text of issuer.secrets) expect(seen).not.toContain(text);
  });

  it('[H5] honest: takes credentials that are form-encoded, as RFC 6749 has them', async () => {
    const encode = (text: string) =>
      text.replace(/[^A-Za-z0-9]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
    const encoded = basic(encode('weather'), encode(weather.secret));
    expect((await introspect(token, encoded)).body.active).toBe(true);
    expect((await introspect(token, encoded.replace('Basic', 'basic'))).body.active).toBe(true);
    const hinted = await introspect(token, encoded, { form: { token_type_hint: 'access_token' } });
    expect(hinted.body.active).toBe(true);
  });

  it('[O1] an address that fails too often is held off, and cuts off no server that stands there', async () => {
    const address = '203.0.113.7';
    for (let index = 0; index < 60; index++) await introspect(token, null, { address });
    const held = await introspect(token, null, { address });
    expect(held).toMatchObject({ status: 429, body: { code: 'too_many_requests' } });
    const wrong = await introspect(token, basic('weather', second.secret), { address });
    expect(wrong.body.code).toBe('too_many_requests');
    expect((await introspect(token, undefined, { address })).body.active).toBe(true);
  });

  it('[O1] honest: a server may ask for each of many calls, many at once; who is none may not', async () => {
    const limited = createIssuer({
      rateLimits: { address: { requests: 5, seconds: 3600 } },
      addressFailureLimit: 1000,
      resourceServers: [{ id: 'weather', secretHash: weather.secretHash, audience: ISSUER }],
    });
    const ask = (authorization: string) => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded', authorization };
      const init = { method: 'POST', headers, body: 'token=x' };
      return send(limited, new Request(`${ISSUER}/pzk/introspect`, init), '203.0.113.9');
    };
    const good = Array.from({ length: 200 }, () => ask(basic('weather', weather.secret)));
    expect(new Set((await Promise.all(good)).map(({ status }) => status))).toEqual(new Set([200]));
    const bad = await Promise.all(Array.from({ length: 20 }, () => ask(basic('weather', 'x'))));
    expect(bad.filter(({ status }) => status === 401)).toHaveLength(5);
    expect(bad.filter(({ status }) => status === 429)).toHaveLength(15);
    await limited.verifier.close();
  });

  it('writes nothing but the count of failures, and takes no DPoP proof', async () => {
    const writes = issuer.writes.length;
    await introspect(token);
    await introspect('x');
    expect(issuer.writes.slice(writes)).toEqual([]);
    expect(keyId).not.toBe('');
  });
});

describe('configuration', () => {
  it('without servers there is no endpoint, and the metadata names none', async () => {
    const plain = createIssuer();
    const url = `${ISSUER}/pzk/introspect`;
    expect((await send(plain, new Request(url, { method: 'POST' }))).status).toBe(404);
    const document = plain.verifier.handleWellKnown(
      new Request(`${ISSUER}/.well-known/oauth-authorization-server`),
    );
    expect(await document?.text()).not.toContain('introspection');
    await plain.verifier.close();
  });

  it('refuses servers that are odd', () => {
    const { secretHash } = weather;
    const good = { id: 'a', secretHash, audience: ISSUER };
    const bad = [
      [{ ...good, id: '' }],
      [{ ...good, id: 'a:b' }],
      [{ ...good, id: 'x'.repeat(129) }],
      [good, good],
      [{ ...good, secretHash: '' }],
      [{ ...good, secretHash: weather.secret.slice(1) }],
      [{ ...good, secretHash: `${secretHash}=` }],
      [{ ...good, audience: [] }],
      [{ ...good, audience: 'https://other.example.com' }],
    ];
    for (const resourceServers of bad) {
      expect(() => createIssuer({ resourceServers })).toThrow(/^resourceServers/);
    }
  });
});

describe('metadata', () => {
  const read = async (verifier: ReturnType<typeof createIssuer>['verifier'], path: string) =>
    (await verifier.handleWellKnown(new Request(`https://x.example${path}`))?.json()) as
      | Record<string, unknown>
      | undefined;

  it('stands at the origin’s root, also for issuers and audiences with a path', async () => {
    const tenant = 'https://api.example.com/tenants/a';
    const { verifier } = createIssuer({
      issuer: tenant,
      audience: [`${tenant}/api`, 'https://data.example.com'],
      publicUrl: 'https://data.example.com',
      resourceServers: [{ ...weather, id: 'weather', audience: `${tenant}/api` }],
    });
    const server = await read(verifier, '/.well-known/oauth-authorization-server/tenants/a');
    expect(server).toMatchObject({
      issuer: tenant,
      token_endpoint: `${tenant}/pzk/token`,
      jwks_uri: `${tenant}/pzk/jwks.json`,
      introspection_endpoint: `${tenant}/pzk/introspect`,
      introspection_endpoint_auth_methods_supported: ['client_secret_basic'],
      revocation_endpoint: `${tenant}/pzk/revoke`,
      protected_resources: [`${tenant}/api`, 'https://data.example.com'],
      response_types_supported: [],
    });
    expect(await read(verifier, '/.well-known/oauth-authorization-server')).toBeUndefined();
    const path = '/.well-known/oauth-protected-resource';
    expect(await read(verifier, `${path}/tenants/a/api`)).toMatchObject({
      resource: `${tenant}/api`,
      authorization_servers: [tenant],
    });
    expect(await read(verifier, path)).toMatchObject({ resource: 'https://data.example.com' });
    const challengeOf = (audience?: string) => {
      const request = { method: 'GET', url: '/x', headers: new Headers() };
      const demands = audience === undefined ? {} : { audience };
      return verifier.problem(new Error('x'), request, demands).headers['www-authenticate'];
    };
    expect(challengeOf()).toBeUndefined();
    await verifier.close();
  });

  it('a refused call names the metadata of its resource (RFC 9728 section 5.1)', async () => {
    const audience = ['https://api.example.com', 'https://api.example.com/reports'];
    const { verifier } = createIssuer({ audience });
    const wellKnown = 'https://api.example.com/.well-known/oauth-protected-resource';
    const cases = [
      { url: '/weather', metadata: wellKnown },
      { url: '/reports/1?x=1', metadata: `${wellKnown}/reports` },
      { url: '/reportsx', metadata: wellKnown },
      { url: '/reports/../weather', metadata: wellKnown },
      {
        url: '/weather',
        demands: { audience: audience[1] as string },
        metadata: `${wellKnown}/reports`,
      },
    ];
    for (const { url, demands = {}, metadata } of cases) {
      for (const headers of [{}, { authorization: 'DPoP x' }]) {
        const request = { method: 'GET', url, headers: new Headers(headers) };
        const error = await verifier
          .authenticate(request, demands)
          .catch((cause: unknown) => cause);
        const challenge = verifier.problem(error, request, demands).headers['www-authenticate'];
        expect(challenge).toMatch(/^DPoP /);
        expect(challenge).toContain(`resource_metadata="${metadata}"`);
        expect(await read(verifier, new URL(metadata).pathname)).toBeDefined();
      }
    }
    await verifier.close();
  });
});
