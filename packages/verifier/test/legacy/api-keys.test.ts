import { computeCommitment, encodeBase64url, PzkError, parseApiKey } from '@pzk-auth/protocol';
import { afterAll, afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import type {
  ApiKeyPolicy,
  ProtectOptions,
  PzkCaller,
  PzkSession,
  VerifyApiKey,
} from '../../src/index.js';
import { createIssuer, ISSUER } from '../harness/issuer.js';
import { createWireClient, type WireClient } from '../harness/wire-client.js';

const KEY = `sk_live_${'4eC39HqLyjWDarjtT1zdp7dc'.repeat(2)}`;
const OTHER = `sk_live_${'9uXc77QqLmWDarjtT1zdbb2a'.repeat(2)}`;
const UNTIL = new Date(Date.now() + 30 * 86_400_000);

const issuer = createIssuer();
afterAll(() => issuer.verifier.close());
afterEach(() => {
  issuer.offset = 0;
  issuer.events.length = 0;
});

const users = new Map([
  [KEY, { user: 'ada', id: 'legacy-1', scopes: ['weather:read'] }],
  [OTHER, { user: 'eve', id: 'legacy-2', scopes: ['weather:read', 'weather:write'] }],
]);
const asked: string[] = [];
const verify: VerifyApiKey = (key) => {
  asked.push(key);
  return users.get(key) ?? false;
};
const READ = 'weather:read';

async function call(headers: Record<string, string>, options: ProtectOptions) {
  const request = { method: 'GET', url: '/weather', headers: new Headers(headers) };
  const { verifier } = issuer;
  const caller = await verifier.authenticate(request, options);
  return { caller, headers: verifier.answerHeaders(caller) };
}

const commitmentOf = (key: string, url = ISSUER) => computeCommitment(parseApiKey(key), url);

async function signedIn(): Promise<{ client: WireClient; token: string }> {
  const { apiKey } = await issuer.verifier.keys.issue({ scopes: [READ] });
  const client = await createWireClient(issuer, { apiKey });
  const { body } = await client.enroll();
  return { client, token: body.access_token };
}

async function dpopHeaders({ client, token }: Awaited<ReturnType<typeof signedIn>>) {
  const dpop = await client.sessionKey.dpop({
    method: 'GET',
    url: `${ISSUER}/weather`,
    accessToken: token,
  });
  return { authorization: `DPoP ${token}`, dpop };
}

describe('plain API keys beside tokens', () => {
  it('[D20] honest: a route takes both, and tells them apart', async () => {
    const options = { scope: READ, allowApiKey: verify };
    for (const headers of [{ authorization: `Bearer ${KEY}` }, { 'x-api-key': KEY }]) {
      const { caller, headers: answer } = await call(headers, options);
      expect(caller).toEqual({ kind: 'api-key', user: 'ada', id: 'legacy-1', scopes: [READ] });
      expect(Object.isFrozen(caller)).toBe(true);
      expect(answer).toEqual({ deprecation: expect.stringMatching(/^@\d+$/) });
    }
    const used = issuer.events.filter(({ type }) => type === 'legacy_key_used');
    expect(used).toMatchObject([
      { type: 'legacy_key_used', id: 'legacy-1' },
      { type: 'legacy_key_used', id: 'legacy-1' },
    ]);
    expect(JSON.stringify(issuer.events)).not.toContain(KEY);
    const { caller, headers } = await call(await dpopHeaders(await signedIn()), options);
    expect(caller).toMatchObject({ kind: 'session', scopes: [READ] });
    expect(headers).toEqual({});
  });

  it('the types tell them apart', () => {
    const { verifier } = issuer;
    const request = { method: 'GET', url: '/', headers: new Headers() };
    expectTypeOf(() => verifier.authenticate(request)).returns.toEqualTypeOf<Promise<PzkSession>>();
    expectTypeOf(() => verifier.authenticate(request, { scope: READ })).returns.toEqualTypeOf<
      Promise<PzkSession>
    >();
    expectTypeOf(() =>
      verifier.authenticate(request, { allowApiKey: verify }),
    ).returns.toEqualTypeOf<Promise<PzkCaller>>();
    const look = (caller: PzkCaller) => {
      if (caller.kind === 'session') expectTypeOf(caller.account).toEqualTypeOf<string>();
      // @ts-expect-error a plain API key has no session key.
      else caller.jkt;
    };
    expect(look).toBeDefined();
  });

  it('says when it ends, and where to read about it', async () => {
    const documentation = 'https://example.com/moving';
    const since = new Date('2026-01-01T00:00:00Z');
    const policy: ApiKeyPolicy = { verify, since, until: UNTIL, documentation };
    const { headers } = await call({ 'x-api-key': KEY }, { allowApiKey: policy });
    expect(headers).toEqual({
      deprecation: '@1767225600',
      sunset: UNTIL.toUTCString(),
      link: `<${documentation}>; rel="deprecation"; type="text/html", <${documentation}>; rel="sunset"; type="text/html"`,
    });
  });

  it('after the deadline a key is refused as an unknown one is, and the application is not asked', async () => {
    const allowApiKey = { verify, until: UNTIL };
    issuer.offset = UNTIL.getTime() - Date.now() - 60_000;
    await expect(call({ 'x-api-key': KEY }, { allowApiKey })).resolves.toBeDefined();
    const unknown = await call({ 'x-api-key': 'nobody' }, { allowApiKey }).catch((error) => error);
    issuer.offset += 120_000;
    asked.length = 0;
    const ended = await call({ 'x-api-key': KEY }, { allowApiKey }).catch((error) => error);
    expect(asked).toEqual([]);
    const request = { method: 'GET', url: '/', headers: new Headers({ 'x-api-key': KEY }) };
    const problems = [unknown, ended].map((error) =>
      issuer.verifier.problem(error, request, { allowApiKey }),
    );
    expect(problems[0]).toMatchObject({ status: 401 });
    expect(problems[1]).toEqual(problems[0]);
  });

  it.each<[string, Record<string, string>, string]>([
    ['an unknown key', { 'x-api-key': 'sk_unknown' }, 'invalid_token'],
    ['two schemes', { authorization: `Bearer ${KEY}`, 'x-api-key': KEY }, 'invalid_request'],
    ['a token beside a key', { authorization: 'DPoP x.y.z', 'x-api-key': KEY }, 'invalid_request'],
    ['a proof beside a key', { authorization: `Bearer ${KEY}`, dpop: 'x' }, 'invalid_token'],
    ['two keys', { 'x-api-key': `${KEY}, ${KEY}` }, 'invalid_token'],
    ['Bearer without a key', { authorization: 'Bearer ' }, 'invalid_token'],
    ['another scheme', { authorization: `Basic ${KEY}` }, 'invalid_token'],
    ['no credentials', {}, 'invalid_token'],
    ['an endless key', { 'x-api-key': 'x'.repeat(4097) }, 'invalid_token'],
  ])('[D20] refuses %s', async (_, headers, code) => {
    await expect(call(headers, { allowApiKey: verify })).rejects.toMatchObject({ code });
    expect(issuer.events.filter(({ type }) => type === 'legacy_key_used')).toEqual([]);
  });

  it('answers two credentials with 400, which no new token would mend (RFC 6750 section 3.1)', async () => {
    const headers = { authorization: `Bearer ${KEY}`, 'x-api-key': KEY };
    const error = await call(headers, { allowApiKey: verify }).catch((cause: unknown) => cause);
    const request = { method: 'GET', url: '/', headers: new Headers(headers) };
    const { status, headers: answer } = issuer.verifier.problem(error, request, {
      allowApiKey: verify,
    });
    expect(status).toBe(400);
    expect(answer['www-authenticate']).toMatch(/^DPoP error="invalid_request"/);
  });

  it('[D20] refuses a bound token as Bearer or X-API-Key, and the application never sees it', async () => {
    const { token } = await signedIn();
    const seen: string[] = [];
    const allowApiKey: VerifyApiKey = (key) => {
      seen.push(key);
      return { scopes: [READ] };
    };
    const [head, payload, signature] = token.split('.') as [string, string, string];
    const untyped = encodeBase64url(new TextEncoder().encode('{"alg":"ES256"}'));
    for (const text of [token, `${untyped}.${payload}.${signature}`, `${head}.e30.x`]) {
      for (const headers of [{ authorization: `Bearer ${text}` }, { 'x-api-key': text }]) {
        await expect(
          call(headers as Record<string, string>, { allowApiKey }),
        ).rejects.toMatchObject({ code: 'invalid_token' });
      }
    }
    expect(seen).toEqual([]);
    // Without the option it stays as it was.
    await expect(call({ authorization: `Bearer ${KEY}` }, {})).rejects.toMatchObject({
      code: 'invalid_token',
    });
  });

  it('scope is what the application says; a fresh touch is never there', async () => {
    const write = { scope: 'weather:write', allowApiKey: verify };
    await expect(call({ 'x-api-key': KEY }, write)).rejects.toMatchObject({
      code: 'insufficient_scope',
    });
    await expect(call({ 'x-api-key': OTHER }, write)).resolves.toBeDefined();
    await expect(
      call({ 'x-api-key': KEY }, { maxAge: 86_400, allowApiKey: verify }),
    ).rejects.toMatchObject({ code: 'insufficient_user_authentication' });
    const none = { scope: READ, allowApiKey: () => ({}) };
    await expect(call({ 'x-api-key': KEY }, none)).rejects.toMatchObject({
      code: 'insufficient_scope',
    });
  });

  it.each<[string, VerifyApiKey, string]>([
    [
      'a database that is away',
      () => Promise.reject(new Error(`no route, ${KEY}`)),
      'store_unavailable',
    ],
    [
      'a fault of its own',
      () => {
        throw new TypeError(KEY);
      },
      'server_error',
    ],
    [
      'an odd error',
      () => {
        throw new PzkError('invalid_grant', KEY);
      },
      'server_error',
    ],
    ['the key as id', (key) => ({ id: key }), 'server_error'],
    ['an odd scope', () => ({ scopes: ['a b'] }), 'server_error'],
    ['true', (() => true) as unknown as VerifyApiKey, 'server_error'],
  ])('a check that answers with %s lets nobody in and tells nothing', async (_, check, code) => {
    const request = { method: 'GET', url: '/', headers: new Headers({ 'x-api-key': KEY }) };
    const options = { allowApiKey: check };
    const error = await issuer.verifier.authenticate(request, options).catch((reason) => reason);
    const problem = issuer.verifier.problem(error, request, options);
    expect(JSON.parse(problem.body).code).toBe(code);
    expect(JSON.stringify(problem)).not.toContain(KEY);
    expect(issuer.events).toMatchObject([{ type: 'fault', endpoint: 'protected' }]);
  });

  it.each<[string, string]>([
    ['{"typ":{"toString":1}}', '{}'],
    ['{"typ":["at+jwt"]}', '{"cnf":1}'],
    ['null', '{"cnf":null}'],
    ['{"__proto__":{"typ":"at+jwt"}}', '[]'],
  ])(
    '[O2] a key that looks like a token of nobody is asked about as any other: %s',
    async (...parts) => {
      const [head, payload] = parts.map((part) => Buffer.from(part).toString('base64url'));
      const key = `${head}.${payload}.x`;
      const headers = { 'x-api-key': key };
      await expect(call(headers, { allowApiKey: verify })).rejects.toMatchObject({
        code: 'invalid_token',
      });
      expect(asked.at(-1)).toBe(key);
    },
  );

  it('[O2] refuses what a query without a result answers, on a route without demands, too', async () => {
    for (const answer of [[], [{}], '', 0, null, undefined]) {
      const allowApiKey = (() => answer) as unknown as VerifyApiKey;
      await expect(call({ 'x-api-key': KEY }, { allowApiKey })).rejects.toThrow();
    }
    expect(issuer.events.filter(({ type }) => type === 'legacy_key_used')).toEqual([]);
  });

  it('[O2] a check that hangs ends in 503, and costs the caller no failure', async () => {
    const limited = createIssuer({ addressFailureLimit: 1 });
    const ask = (allowApiKey: VerifyApiKey) =>
      limited.verifier.authenticate(
        {
          method: 'GET',
          url: '/',
          headers: new Headers({ 'x-api-key': KEY }),
          address: '192.0.2.1',
        },
        { allowApiKey },
      );
    await limited.verifier.ready();
    await expect(ask(() => new Promise(() => {}))).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    await expect(ask(verify)).resolves.toMatchObject({ user: 'ada' });
    await limited.verifier.close();
  }, 30_000);

  it('[O2] honest: a check may take its time, and name nobody', async () => {
    const slow: VerifyApiKey = async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return {};
    };
    const { caller } = await call({ 'x-api-key': KEY }, { allowApiKey: slow });
    expect(caller).toEqual({ kind: 'api-key', user: undefined, id: undefined, scopes: [] });
  });

  it('[O1] honest: a crowd with good keys from one address is served, however long the check takes', async () => {
    const limited = createIssuer({ addressFailureLimit: 3 });
    await limited.verifier.ready();
    const slow: VerifyApiKey = async (key) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return key === KEY ? {} : false;
    };
    const calls = async (key: string) => {
      const request = {
        method: 'GET',
        url: '/',
        headers: new Headers({ 'x-api-key': key }),
        address: '192.0.2.1',
      };
      const attempts = Array.from({ length: 50 }, () =>
        limited.verifier.authenticate(request, { allowApiKey: slow }),
      );
      const results = await Promise.allSettled(attempts);
      return results.map((result) => (result.status === 'fulfilled' ? 'in' : result.reason.code));
    };
    expect(new Set(await calls(KEY))).toEqual(new Set(['in']));
    // Guesses at once: no more than the budget learn that they were wrong.
    const guesses = await calls('no-key');
    expect(guesses.filter((code) => code === 'invalid_token')).toHaveLength(3);
    expect(guesses.filter((code) => code === 'too_many_requests')).toHaveLength(47);
    expect(new Set(await calls(KEY))).toEqual(new Set(['too_many_requests']));
    await limited.verifier.close();
  });

  it('who guesses keys is stopped by the address', async () => {
    const limited = createIssuer({ addressFailureLimit: 5 });
    const guess = (key: string, address: string) =>
      limited.verifier.authenticate(
        { method: 'GET', url: '/', headers: new Headers({ 'x-api-key': key }), address },
        { allowApiKey: verify },
      );
    for (let index = 0; index < 5; index++) {
      await expect(guess(`no-${index}`, '192.0.2.1')).rejects.toMatchObject({
        code: 'invalid_token',
      });
    }
    await expect(guess(KEY, '192.0.2.1')).rejects.toMatchObject({ code: 'too_many_requests' });
    await expect(guess(KEY, '192.0.2.2')).resolves.toMatchObject({ user: 'ada' });
    await limited.verifier.close();
  });

  it.each<[Partial<ApiKeyPolicy>, RegExp]>([
    [{ verify: 'x' as unknown as VerifyApiKey }, /function/],
    [{ until: new Date(Number.NaN) }, /until/],
    [{ untill: new Date() } as Partial<ApiKeyPolicy>, /did you mean until/],
    [{ registerCommitments: { scope: 'x' } as never }, /did you mean scopes/],
    [{ until: new Date(0), since: new Date(1) }, /before since/],
    [{ documentation: 'javascript:alert(1)' }, /documentation/],
    [{ registerCommitments: { scopes: ['unknown'] } }, /scope/],
    [{ registerCommitments: { pattern: /x/g } }, /pattern/],
  ])('a route with %j is refused at start', (change, message) => {
    const allowApiKey = { verify, ...change };
    expect(() => issuer.verifier.assertDemands({ allowApiKey })).toThrow(message);
    expect(() => issuer.verifier.assertDemands({ allowApiKey })).toThrow(TypeError);
  });
});

describe('registering the commitment of a plain API key', () => {
  const allowApiKey: ApiKeyPolicy = {
    verify,
    registerCommitments: { scopes: [READ, 'weather:write'] },
  };
  const register = (key: string, commitment: string, policy = allowApiKey) =>
    call({ 'x-api-key': key, 'pzk-commitment': commitment }, { allowApiKey: policy });

  it('once, for the account of the user; a device then enrols the ordinary way', async () => {
    const first = await register(KEY, commitmentOf(KEY));
    expect(first.headers).toMatchObject({ 'pzk-registration': 'registered' });
    const id = first.headers['pzk-client-id'] ?? '';
    const row = await issuer.verifier.keys.get(id);
    // The scopes of the key, not all that registration allows.
    expect(row).toMatchObject({
      commitment: commitmentOf(KEY),
      scopes: [READ],
      demands: 'passkey',
    });
    expect(await issuer.verifier.accounts.get(row?.account ?? '')).toMatchObject({ user: 'ada' });
    const again = await register(KEY, commitmentOf(KEY));
    expect(again.headers).toMatchObject({ 'pzk-registration': 'known', 'pzk-client-id': id });
    expect(issuer.events.filter(({ type }) => type === 'key_registered')).toHaveLength(1);
    const client = await createWireClient(issuer, { apiKey: KEY });
    expect((await client.enroll()).status).toBe(201);
    expect((await client.token()).status).toBe(200);
    await expect(call({ 'x-api-key': KEY }, { allowApiKey })).resolves.toBeDefined();
  });

  it('a second key of the user goes to the same account; two calls at once register once', async () => {
    const keys = ['a', 'b'].map((letter) => `sk_live_${letter.repeat(40)}`) as [string, string];
    for (const key of keys) users.set(key, { user: 'bob', id: key.slice(8, 9), scopes: [READ] });
    const ids = new Set<string | undefined>();
    for (const key of keys) {
      const results = await Promise.all(
        Array.from({ length: 10 }, () => register(key, commitmentOf(key))),
      );
      const states = results.map(({ headers }) => headers['pzk-registration']);
      expect(states.filter((state) => state === 'registered')).toHaveLength(1);
      expect(new Set(results.map(({ headers }) => headers['pzk-client-id'])).size).toBe(1);
      ids.add(results[0]?.headers['pzk-client-id']);
    }
    const rows = await Promise.all([...ids].map((id) => issuer.verifier.keys.get(id ?? '')));
    expect(new Set(rows.map((row) => row?.account)).size).toBe(1);
  });

  it('refuses the commitment of another key, issuer or spelling, and changes nothing', async () => {
    const before = await issuer.stores.keys.list({ limit: 1000 });
    for (const [commitment, code] of [
      [commitmentOf('sk_live_another_key_altogether'), 'commitment_mismatch'],
      [commitmentOf(OTHER, 'https://other.example.com'), 'commitment_mismatch'],
      [`0${commitmentOf(OTHER)}`, 'invalid_request'],
      ['x', 'invalid_request'],
    ] as const) {
      await expect(register(OTHER, commitment)).rejects.toMatchObject({ code });
    }
    const request = { method: 'GET', url: '/', headers: new Headers({ 'x-api-key': OTHER }) };
    const mismatch = new PzkError('commitment_mismatch', 'x');
    expect(issuer.verifier.problem(mismatch, request, { allowApiKey }).status).toBe(422);
    expect(await issuer.stores.keys.list({ limit: 1000 })).toEqual(before);
  });

  it('a key that could be guessed or fits no pattern is served but not registered', async () => {
    users.set('short-key', { user: 'ada', id: 'short', scopes: [READ] });
    const short = await register('short-key', commitmentOf('short-key'));
    expect(short.headers).toMatchObject({ 'pzk-registration': 'refused' });
    const policy = { verify, registerCommitments: { pattern: /^sk_test_[A-Za-z0-9]{32,}$/ } };
    const { headers } = await register(OTHER, commitmentOf(OTHER), policy);
    expect(headers).toMatchObject({ 'pzk-registration': 'refused' });
    expect(await issuer.stores.keys.findByCommitment(commitmentOf(OTHER))).toBeUndefined();
  });

  it('a key of somebody else, or a revoked one, is not named', async () => {
    const { apiKey, row } = await issuer.verifier.keys.issue({ scopes: [READ] });
    users.set(apiKey, { user: 'eve', id: 'x', scopes: [READ] });
    const foreign = await register(apiKey, commitmentOf(apiKey));
    expect(foreign.headers['pzk-client-id']).toBeUndefined();
    await issuer.stores.accounts.linkUser(row.account, 'eve');
    expect((await register(apiKey, commitmentOf(apiKey))).headers['pzk-client-id']).toBe(row.id);
    await issuer.verifier.keys.revoke(row.id);
    const revoked = await register(apiKey, commitmentOf(apiKey));
    expect(revoked.headers).toMatchObject({ 'pzk-registration': 'refused' });
  });

  it('[O2] an account that was ended does not come back with another key of its user', async () => {
    const keys = ['c', 'd'].map((letter) => `sk_live_${letter.repeat(40)}`) as [string, string];
    for (const key of keys) users.set(key, { user: 'mallory', id: 'm', scopes: [READ] });
    const { headers } = await register(keys[0], commitmentOf(keys[0]));
    const row = await issuer.verifier.keys.get(headers['pzk-client-id'] ?? '');
    const account = row?.account ?? '';
    await issuer.verifier.accounts.revoke(account);
    const chosen = { verify, registerCommitments: { account: () => account } };
    for (const policy of [allowApiKey, chosen]) {
      const refused = await register(keys[1], commitmentOf(keys[1]), policy);
      expect(refused.headers).toMatchObject({ 'pzk-registration': 'refused' });
    }
    expect(await issuer.stores.keys.findByCommitment(commitmentOf(keys[1]))).toBeUndefined();
    expect(await issuer.stores.accounts.listByUser('mallory')).toHaveLength(1);
  });

  it('an account that the application cannot name now registers nothing, and the call can be repeated', async () => {
    const key = `sk_live_${'q'.repeat(40)}`;
    users.set(key, { user: 'quinn', id: 'q', scopes: [READ] });
    let away: unknown = new Error(`no route to the database, ${key}`);
    const account = () => (away === undefined ? undefined : Promise.reject(away));
    const policy = { verify, registerCommitments: { account } };
    const attempt = () => register(key, commitmentOf(key), policy);
    await expect(attempt()).rejects.toMatchObject({ code: 'store_unavailable' });
    away = new TypeError('a fault of its own');
    await expect(attempt()).rejects.toMatchObject({ code: 'server_error' });
    expect(await issuer.stores.keys.findByCommitment(commitmentOf(key))).toBeUndefined();
    away = undefined;
    expect((await attempt()).headers).toMatchObject({ 'pzk-registration': 'registered' });
  });

  it('without the option, the header means nothing', async () => {
    const { headers } = await call(
      { 'x-api-key': OTHER, 'pzk-commitment': 'anything' },
      { allowApiKey: verify },
    );
    expect(headers['pzk-registration']).toBeUndefined();
  });

  it('the window for the first device counts from the registration', async () => {
    const key = `sk_live_${'w'.repeat(40)}`;
    users.set(key, { user: 'wes', id: 'w', scopes: [READ] });
    await register(key, commitmentOf(key));
    issuer.offset = 25 * 3600_000;
    const client = await createWireClient(issuer, { apiKey: key });
    expect((await client.enroll()).body.code).toBe('enrollment_refused');
  });
});
