import { mintTestSession, type TestClient } from '@pzk-auth/client/testing';
import {
  type AuthenticateRequest,
  createVerifier,
  memoryStores,
  type Verifier,
  type VerifierEvent,
  type VerifierOptions,
} from '@pzk-auth/verifier';
import { NextRequest } from 'next/server.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOnce, type PzkAuthOptions, pzkAuth } from '../src/index.js';

const ORIGIN = 'https://app.example.com';
const SCOPES = ['weather:read', 'weather:write'];
const events: VerifierEvent[] = [];

function create(options: Partial<VerifierOptions> = {}): Verifier {
  return createVerifier({
    issuer: ORIGIN,
    audience: ORIGIN,
    rpId: 'app.example.com',
    origins: [ORIGIN],
    scopes: SCOPES,
    stores: memoryStores(),
    onEvent: (event) => events.push(event),
    ...options,
  });
}

const verifier = create({ pageSessions: true });
afterAll(() => verifier.close());

/** As Next.js calls a handler in `app/<folder>/[...path]/route.ts`. */
function catchAll(url: string, folder: string) {
  const { pathname } = new URL(url);
  const path = pathname
    .slice(folder.length + 1)
    .split('/')
    .map(decodeURIComponent);
  return { params: Promise.resolve({ path }) };
}

const pzk = pzkAuth(verifier);

/** The application: what Next's router does with its route files. */
const application: typeof fetch = async (input, init) => {
  const request = new NextRequest(new Request(input, init));
  const { pathname } = new URL(request.url);
  const method = request.method as keyof typeof pzk.handlers;
  if (pathname.startsWith('/pzk/')) {
    return pzk.handlers[method](request, catchAll(request.url, '/pzk'));
  }
  if (pathname === '/weather') return weather(request, { params: Promise.resolve({}) });
  const id = pathname.replace('/stations/', '');
  return station(request, { params: Promise.resolve({ id }) });
};

const weather = pzk.protect({ scope: 'weather:read', cors: true }, (_request, { session }) =>
  Response.json({ for: session.account }),
);
const station = pzk.protect<{ id: string }>({}, async (request, { params }) => {
  const { id } = await params;
  if (id === 'nowhere') throw new Error('not of this package');
  return Response.json({ id, method: request.method });
});

describe('route handlers', () => {
  let client: TestClient;
  beforeAll(async () => {
    const { apiKey } = await verifier.keys.issue({ scopes: SCOPES });
    client = await mintTestSession({
      issuer: ORIGIN,
      apiKey,
      scope: SCOPES,
      fetch: application,
    });
  });
  afterAll(() => client.close());

  it('enrols, gets a token and calls; session and params reach the handler', async () => {
    const response = await client.fetch(`${ORIGIN}/weather`);
    expect(response.status).toBe(200);
    const [enrolled] = events.filter(({ type }) => type === 'device_enrolled');
    expect(await response.json()).toEqual({ for: (enrolled as { account: string }).account });
    const one = await client.fetch(`${ORIGIN}/stations/summit`);
    expect(await one.json()).toEqual({ id: 'summit', method: 'GET' });
  });

  it('answers a refusal as the engine says, and lets go what the handler throws', async () => {
    const refused = await application(`${ORIGIN}/weather`);
    const expected = verifier.problem(
      await verifier.authenticate(new Request(`${ORIGIN}/weather`)).catch((error) => error),
      new Request(`${ORIGIN}/weather`),
      { scope: 'weather:read' },
    );
    expect([refused.status, await refused.text()]).toEqual([expected.status, expected.body]);
    for (const [name, value] of Object.entries(expected.headers)) {
      expect(refused.headers.get(name)).toBe(value);
    }
    await expect(client.fetch(`${ORIGIN}/stations/nowhere`)).rejects.toMatchObject({
      cause: { message: 'not of this package' },
    });
  });

  it('[S1] a cookie alone on a protected route is a 401', async () => {
    const cookie = `__Host-pzk-session=${'A'.repeat(43)}`;
    const response = await application(`${ORIGIN}/weather`, { headers: { cookie } });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: 'invalid_token' });
  });

  it('[H3] names configured origins only where the route says so, and never allows credentials', async () => {
    const from = (origin: string, path: string) =>
      application(`${ORIGIN}${path}`, { headers: { origin } });
    const own = await from(ORIGIN, '/weather');
    expect(own.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(own.headers.get('access-control-allow-credentials')).toBeNull();
    for (const response of [
      await from('https://evil.example', '/weather'),
      await from(ORIGIN, '/stations/summit'),
    ]) {
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
    }
    const preflight = pzk.preflight(new Request(ORIGIN, { headers: { origin: ORIGIN } }));
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('DPoP');
  });

  it('takes the path below any mount, as the client wrote it', async () => {
    const at = async (url: string, folder: string) =>
      (await pzk.handlers.GET(new Request(url), catchAll(url, folder))).status;
    expect(await at(`${ORIGIN}/docs/v1/auth/jwks.json`, '/docs/v1/auth')).toBe(200);
    expect(await at(`${ORIGIN}/pzk/jwks%2Ejson`, '/pzk')).toBe(404);
    expect(await at(`${ORIGIN}/pzk/vault%2Fopen`, '/pzk')).toBe(404);
    expect(await at(`${ORIGIN}/pzk/token`, '/pzk')).toBe(405);
    await expect(
      pzk.handlers.GET(new Request(`${ORIGIN}/pzk/token`), { params: Promise.resolve({}) }),
    ).rejects.toThrow('catch-all');
  });

  it('serves the metadata documents, and 404 for other paths', async () => {
    const get = async (path: string) => {
      const url = `${ORIGIN}/.well-known/${path}`;
      return pzk.wellKnown.GET(new Request(url), catchAll(url, '/.well-known'));
    };
    const metadata = await get('oauth-authorization-server');
    expect(await metadata.json()).toMatchObject({ issuer: ORIGIN });
    expect((await get('oauth-protected-resource')).status).toBe(200);
    expect((await get('security.txt')).status).toBe(404);
  });

  it('refuses wrong demands at once, or at the first call where the verifier is made late', async () => {
    const handler = () => new Response();
    for (const options of [{ scope: 'wether:read' }, { maxAge: 1 }]) {
      expect(() => pzk.protect(options, handler)).toThrow(TypeError);
      const late = pzkAuth(() => verifier).protect(options, handler);
      const request = new NextRequest(`${ORIGIN}/weather`);
      await expect(late(request, { params: Promise.resolve({}) })).rejects.toThrow(TypeError);
    }
  });

  it('makes nothing before the first request', async () => {
    let made = 0;
    const late = pzkAuth(() => {
      made++;
      return verifier;
    });
    late.protect({ scope: 'weather:read' }, () => new Response());
    expect(made).toBe(0);
    await late.wellKnown.GET(
      new Request(`${ORIGIN}/.well-known/x`),
      catchAll(`${ORIGIN}/.well-known/x`, '/.well-known'),
    );
    expect(made).toBe(1);
  });

  it('lets plain API keys in where a route says so, and says what they are', async () => {
    const old = pzk.protect(
      {
        scope: 'weather:read',
        cors: true,
        allowApiKey: (key) => key === 'sk_old' && { scopes: SCOPES },
      },
      (_request, { session }) => {
        const headers = { link: '<https://example.com>', vary: 'Accept' };
        return Response.json({ kind: session.kind }, { headers });
      },
    );
    const ask = (key: string) =>
      old(new NextRequest(`${ORIGIN}/weather`, { headers: { authorization: `Bearer ${key}` } }), {
        params: Promise.resolve({}),
      });
    const answer = await ask('sk_old');
    expect([answer.status, await answer.json()]).toEqual([200, { kind: 'api-key' }]);
    expect(answer.headers.get('deprecation')).not.toBeNull();
    // What the application says itself stays.
    expect(answer.headers.get('link')).toContain('<https://example.com>');
    expect(answer.headers.get('vary')).toBe('Accept, Origin');
    expect((await ask('sk_other')).status).toBe(401);
    // And not where it does not.
    const plain = new NextRequest(`${ORIGIN}/weather`, {
      headers: { authorization: 'Bearer sk_old' },
    });
    expect((await weather(plain, { params: Promise.resolve({}) })).status).toBe(401);
  });

  it('tells an orchestrator whether it can serve', async () => {
    const get = async (path: string) => {
      const url = `${ORIGIN}/health${path}`;
      return (await pzk.health.GET(new Request(url), catchAll(url, '/health'))).status;
    };
    expect([await get('/live'), await get('/ready'), await get('/other')]).toEqual([200, 200, 404]);
  });

  it('auth reads the page session of a request', async () => {
    expect(await pzk.auth(new Request(ORIGIN))).toBeUndefined();
    await expect(pzkAuth(create()).auth(new Request(ORIGIN))).rejects.toThrow(TypeError);
  });
});

describe('the address of a client', () => {
  async function seen(options: PzkAuthOptions, forwarded?: string) {
    const addresses: unknown[] = [];
    const watched: Verifier = {
      ...verifier,
      handle: (request, context) => {
        addresses.push(context?.address);
        return verifier.handle(request, context);
      },
      authenticate: ((request: AuthenticateRequest) => {
        addresses.push(request.address);
        return verifier.authenticate(request);
      }) as Verifier['authenticate'],
    };
    const url = `${ORIGIN}/pzk/jwks.json`;
    const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
    const { handlers, protect } = pzkAuth(watched, options);
    await handlers.GET(new Request(url, { headers }), catchAll(url, '/pzk'));
    const guarded = protect({}, () => new Response());
    await guarded(new NextRequest(`${ORIGIN}/weather`, { headers }), {
      params: Promise.resolve({}),
    });
    // The endpoints and a protected route alike.
    expect(addresses).toEqual([addresses[0], addresses[0]]);
    return addresses[0];
  }

  it('is what the outermost of the own proxies saw, never what stands left of it', async () => {
    expect(await seen({ trustedProxies: 1 }, '198.51.100.9, 192.0.2.1')).toBe('192.0.2.1');
    expect(await seen({ trustedProxies: 2 }, '198.51.100.9, 192.0.2.1,10.0.0.1')).toBe('192.0.2.1');
    expect(await seen({ trustedProxies: 2 }, '192.0.2.1')).toBeUndefined();
    expect(await seen({ trustedProxies: 1 })).toBeUndefined();
    expect(await seen({ trustedProxies: 1 }, '192.0.2.1, ')).toBeUndefined();
    expect(await seen({ address: () => '192.0.2.7' }, '192.0.2.1')).toBe('192.0.2.7');
  });

  it('is unknown without an option, whatever the client says', async () => {
    expect(await seen({}, '192.0.2.1')).toBeUndefined();
  });

  it('is refused where it is said twice or oddly', () => {
    for (const trustedProxies of [0, 1.5, -1, Number.NaN]) {
      expect(() => pzkAuth(verifier, { trustedProxies })).toThrow(TypeError);
    }
    expect(() => pzkAuth(verifier, { trustedProxies: 1, address: () => '::1' })).toThrow(TypeError);
    const misspelt = { trustedProxy: 1 } as object;
    expect(() => pzkAuth(verifier, misspelt)).toThrow('did you mean trustedProxies?');
  });
});

describe('createOnce', () => {
  it('creates once by name, also from another copy of the module', async () => {
    let made = 0;
    const make = () => ({ number: ++made });
    const first = createOnce('test', make);
    expect(createOnce('test', make)).toBe(first);
    const copy: typeof import('../src/create-once.js') = await import(
      '../src/create-once.js?again' as string
    );
    expect(copy.createOnce).not.toBe(createOnce);
    expect(copy.createOnce('test', make)).toBe(first);
    expect(createOnce('other', make)).toEqual({ number: 2 });
  });

  it('tries again after a failure', () => {
    expect(() =>
      createOnce('failing', () => {
        throw new Error('no secret');
      }),
    ).toThrow('no secret');
    expect(createOnce('failing', () => 1)).toBe(1);
  });
});
