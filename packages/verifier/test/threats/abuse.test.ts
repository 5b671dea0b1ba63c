import { encodeBase64url } from '@pzk-auth/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import { createIssuer, ISSUER } from '../harness/issuer.js';
import { createSessionKey } from '../harness/session-key.js';
import { createWatchedIssuer } from '../harness/watched-issuer.js';
import { call, createWireClient } from '../harness/wire-client.js';

const issuer = createWatchedIssuer({ deviceFailureLimit: 1000 });
afterAll(() => issuer.verifier.close());

async function enrolled(options: { readonly scopes?: readonly string[] } = {}) {
  const { scopes = ['weather:read'] } = options;
  const { apiKey, row } = await issuer.verifier.keys.issue({ scopes });
  const client = await createWireClient(issuer, { apiKey });
  const answer = await client.enroll();
  expect(answer.status).toBe(201);
  return { client, row, token: answer.body.access_token as string };
}

describe('observers', () => {
  it('an event handler that throws or rejects changes no answer and ends no process', async () => {
    const faults = [
      () => {
        throw new Error('the log is full');
      },
      async () => {
        throw new Error('the log is away');
      },
    ];
    for (const onEvent of faults) {
      const watched = createIssuer({ onEvent });
      const { apiKey } = await watched.verifier.keys.issue({ scopes: ['weather:read'] });
      const client = await createWireClient(watched, { apiKey });
      const { status, body } = await client.enroll();
      expect(status).toBe(201);
      expect((await client.post('/token', { grant_type: 'x' })).status).toBe(400);
      await expect(call(watched, client, body.access_token)).resolves.toBeDefined();
      const headers = new Headers();
      const problem = watched.verifier.problem(new Error('x'), {
        method: 'GET',
        url: '/',
        headers,
      });
      expect(problem.status).toBe(500);
      await watched.verifier.close();
    }
  });
});

describe('noise', () => {
  it('[N10] revocations of nothing write nothing', async () => {
    const { client } = await enrolled();
    const stranger = await createSessionKey();
    const before = issuer.writes.length;
    for (const form of [
      { token: 'noise' },
      { token: 'noise', client_id: 'nobody' },
      { token: 'a.b.c', token_type_hint: 'access_token' },
    ]) {
      const answer = await client.post('/revoke', form, { sessionKey: stranger });
      expect(answer.status).toBe(200);
    }
    expect(issuer.writes.slice(before)).toEqual([]);
  });

  it('[P12] a good proof sent again and again is verified twice at most', async () => {
    const { client } = await enrolled();
    // Refused late: the scope is judged after the proof and before the consume.
    const scope = 'weather:read weather:write';
    const form = await client.tokenForm(await client.challenge('session', { scope }));
    const codes: string[] = [];
    for (let index = 0; index < 4; index++) {
      codes.push((await client.post('/token', form)).body.code);
    }
    expect(codes).toEqual(['invalid_scope', 'invalid_scope', 'invalid_nonce', 'invalid_nonce']);
  });
});

describe('oracles', () => {
  it('[H5] requests without a credential tell nothing of a commitment', async () => {
    const passkey = await enrolled();
    const headless = await issuer.verifier.keys.issue({
      scopes: ['weather:read'],
      demands: 'none',
    });
    const stranger = await createWireClient(issuer, { apiKey: `pzk_${'c'.repeat(49)}` });
    const none = await createWireClient(issuer, { apiKey: headless.apiKey });
    const malformed = encodeBase64url(new Uint8Array(256).fill(255));
    const seen = new Set<string>();
    for (const client of [passkey.client, stranger, none]) {
      const foreign = await client.tokenForm(await client.challenge('session'), {
        credential: null,
      });
      const challenge = await client.challenge('session');
      const form = await client.tokenForm(challenge, { credential: null });
      const answers: string[] = [];
      for (const proof of [
        malformed,
        foreign.proof ?? '',
        foreign.proof ?? '',
        foreign.proof ?? '',
      ]) {
        const { status, text } = await client.post('/token', { ...form, proof });
        answers.push(`${status} ${text}`);
      }
      seen.add(answers.join('\n'));
    }
    expect([...seen]).toHaveLength(1);
  });
});

describe('sessions', () => {
  it('[D27] a revoked token ends its session: no renewal, no older token', async () => {
    const { client, row, token } = await enrolled();
    const { body } = await client.renew(row.id);
    const { jti } = await call(issuer, client, body.access_token);
    await issuer.verifier.tokens.revoke(jti);
    for (const ended of [token, body.access_token]) {
      await expect(call(issuer, client, ended)).rejects.toMatchObject({ code: 'invalid_token' });
    }
    expect((await client.renew(row.id)).body.code).toBe('invalid_grant');
  });

  it('[D27] a token that is no longer valid still ends its session with all tokens', async () => {
    const { client, row, token } = await enrolled();
    const form = { token: 'expired', client_id: row.id };
    expect((await client.post('/revoke', form)).status).toBe(200);
    await expect(call(issuer, client, token)).rejects.toMatchObject({ code: 'invalid_token' });
    expect((await client.renew(row.id)).body.code).toBe('invalid_grant');
  });

  it('[D17] the DPoP proof of a token request does not serve again at a renewal', async () => {
    const { client, row } = await enrolled();
    const url = `${issuer.verifier.baseUrl}/token`;
    const dpop = await client.sessionKey.dpop({ url, now: issuer.now() });
    const form = await client.tokenForm(await client.challenge('session'));
    const once = { dpop: null, headers: { dpop } } as const;
    expect((await client.post('/token', form, once)).status).toBe(200);
    const renewal = { grant_type: 'urn:pzk-auth:grant-type:renew', client_id: row.id };
    const replayed = await client.post('/token', renewal, once);
    expect(replayed.body.code).toBe('invalid_dpop_proof');
    expect((await client.post('/token', renewal)).status).toBe(200);
  });

  it('auth_time is never later than the touch', async () => {
    const { client } = await enrolled();
    const form = await client.tokenForm(await client.challenge('session'));
    issuer.offset += 200_000;
    try {
      const { body } = await client.post('/token', form);
      const recent = { demands: { maxAge: 60 } };
      await expect(call(issuer, client, body.access_token, recent)).rejects.toMatchObject({
        code: 'insufficient_user_authentication',
      });
      await expect(
        call(issuer, client, body.access_token, { demands: { maxAge: Number.NaN } }),
      ).rejects.toThrow(TypeError);
    } finally {
      issuer.offset -= 200_000;
    }
  });

  it('a key that demands no passkey never satisfies maxAge, however fresh its proof is', async () => {
    const { apiKey } = await issuer.verifier.keys.issue({
      scopes: ['weather:read'],
      demands: 'none',
    });
    const client = await createWireClient(issuer, { apiKey });
    const form = await client.tokenForm(await client.challenge('session'), { credential: null });
    const { status, body } = await client.post('/token', form);
    expect(status).toBe(200);
    await expect(
      call(issuer, client, body.access_token, { demands: { maxAge: 86_400 } }),
    ).rejects.toMatchObject({ code: 'insufficient_user_authentication' });
    await expect(call(issuer, client, body.access_token)).resolves.toMatchObject({ amr: ['pop'] });
  });

  it('[D25] a route may demand its own audience', async () => {
    const audience = [ISSUER, `${ISSUER}/other`];
    const wide = createIssuer({ audience });
    const { apiKey } = await wide.verifier.keys.issue({ scopes: ['weather:read'] });
    const client = await createWireClient(wide, { apiKey });
    const { body } = await client.enroll();
    const [here, there] = audience as [string, string];
    const at = (wanted: string) =>
      call(wide, client, body.access_token, { demands: { audience: wanted } });
    await expect(at(there)).rejects.toMatchObject({ code: 'invalid_token' });
    await expect(at(here)).resolves.toBeDefined();
    await wide.verifier.close();
  });
});

describe('request targets', () => {
  it('[D15] refuses targets that a router could read as another path', async () => {
    const { client, token } = await enrolled();
    const dpop = await client.sessionKey.dpop({
      method: 'GET',
      url: `${ISSUER}/weather`,
      accessToken: token,
    });
    const headers = new Headers({ authorization: `DPoP ${token}`, dpop });
    for (const url of [
      'http:///admin/weather',
      'http://x/admin\\..\\weather',
      'javascript://x/weather',
      'http://user@x/weather',
      'http://x;/admin/weather',
      'http://x%2f/weather',
      "http://x'/weather",
      '/admin/../weather',
      '/admin/%2e%2e/weather',
      '\\weather',
      '*',
      '',
    ]) {
      await expect(
        issuer.verifier.authenticate({ method: 'GET', url, headers }),
        url,
      ).rejects.toMatchObject({ code: 'invalid_dpop_proof' });
    }
    // None of them used the proof up.
    const honest = { method: 'GET', url: 'http://any.example/weather?unit=c', headers };
    await expect(issuer.verifier.authenticate(honest)).resolves.toBeDefined();
  });
});
