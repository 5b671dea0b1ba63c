import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMemoryStorage, type SessionState } from '../../src/index.js';
import { eventually } from '../eventually.js';
import {
  apiKey,
  challengeAnswer,
  createClientOf,
  createFakeIssuer,
  createIdleProver,
  issuer,
  problem,
  tokenAnswer,
  user,
} from '../fake-issuer.js';

afterEach(() => {
  vi.useRealTimers();
});

async function enrolled(options: Parameters<typeof createClientOf>[1] = {}) {
  const fake = createFakeIssuer();
  const client = createClientOf(fake, options);
  await client.enroll({ apiKey, user });
  fake.sent.length = 0;
  return { fake, client };
}

describe('states', () => {
  it('shows each step of enrolment and start, frozen and stable between changes', async () => {
    const fake = createFakeIssuer();
    const client = createClientOf(fake);
    const enrollSteps: string[] = [];
    const steps: SessionState[] = [];
    client.enrollment.subscribe(() => enrollSteps.push(client.enrollment.getSnapshot().status));
    client.subscribe(() => steps.push(client.getSnapshot()));
    await client.enroll({ apiKey, user });
    expect([...new Set(enrollSteps)]).toEqual([
      'challenge',
      'creating-passkey',
      'confirming-passkey',
      'sealing',
      'proving',
      'exchanging',
      'enrolled',
    ]);
    expect(client.getSnapshot()).toBe(client.getSnapshot());
    await client.signOut();
    steps.length = 0;
    await client.start();
    expect([...new Set(steps.map(({ status }) => status))]).toEqual([
      'challenge',
      'passkey',
      'decrypting',
      'proving',
      'exchanging',
      'active',
    ]);
    expect(steps.every((step) => Object.isFrozen(step))).toBe(true);
    expect(steps).toContainEqual({ status: 'proving', progress: 0.5 });
    expect(client.getSnapshot()).toMatchObject({
      status: 'active',
      scope: ['weather:read'],
      clientId: 'key-1',
      renewing: false,
    });
  });

  it('shows the end of the token in seconds', async () => {
    const at = 1_790_000_000;
    const { client } = await enrolled({ clock: () => at * 1000 });
    expect(client.getSnapshot()).toMatchObject({ expiresAt: at + 300 });
  });

  it('stays active through a fresh touch, and shows its steps beside the session', async () => {
    const { client } = await enrolled();
    const states: SessionState[] = [];
    client.subscribe(() => states.push(client.getSnapshot()));
    await client.start();
    expect(new Set(states.map(({ status }) => status))).toEqual(new Set(['active']));
    const steps = states.map((state) => (state.status === 'active' ? state.stepUp : undefined));
    expect([...new Set(steps.map((step) => step?.status))]).toEqual([
      'challenge',
      'passkey',
      'decrypting',
      'proving',
      'exchanging',
      undefined,
    ]);
    expect(steps).toContainEqual({ status: 'proving', progress: 0.5 });
    expect(steps.every((step) => step === undefined || Object.isFrozen(step))).toBe(true);
    expect(client.getSnapshot()).not.toHaveProperty('stepUp');
  });

  it('lets calls and renewals go on while the user is asked for a fresh touch', async () => {
    const { client } = await enrolled();
    let whileAsked: SessionState | undefined;
    client.authenticator.configure({
      onUserPrompt: async () => {
        await client.renew();
        whileAsked = client.getSnapshot();
      },
    });
    await client.start();
    expect(whileAsked).toMatchObject({
      status: 'active',
      renewing: false,
      stepUp: { status: 'passkey' },
    });
    expect(client.getSnapshot()).toMatchObject({ status: 'active', renewing: false });
    expect(client.getSnapshot()).not.toHaveProperty('stepUp');
  });

  it('shows the passkey where the session ends while the user is asked, and the touch brings another', async () => {
    const { client, fake } = await enrolled();
    const states: string[] = [];
    client.authenticator.configure({
      onUserPrompt: async () => {
        fake.respond('/pzk/token', ({ body }) =>
          body.includes('renew') ? problem('invalid_grant', 400) : undefined,
        );
        client.subscribe(() => states.push(client.getSnapshot().status));
        await expect(client.renew()).rejects.toMatchObject({ code: 'session_expired' });
      },
    });
    await client.start();
    expect([...new Set(states)]).toEqual([
      'active',
      'passkey',
      'decrypting',
      'proving',
      'exchanging',
    ]);
    expect(client.getSnapshot().status).toBe('active');
  });

  it('a sign-out ends a fresh touch, and no step of it shows afterwards', async () => {
    const idle = createIdleProver();
    let whileProving = () => {};
    const { client } = await enrolled({
      prover: {
        ...idle,
        prove: (input, options) => {
          whileProving();
          // A worker reports once more before it hears of the abort.
          return idle.prove(input, options);
        },
      },
    });
    let signedOut: Promise<void> | undefined;
    const after: string[] = [];
    whileProving = () => {
      signedOut = client.signOut();
      client.subscribe(() => after.push(client.getSnapshot().status));
    };
    await expect(client.start()).rejects.toMatchObject({ code: 'aborted' });
    await signedOut;
    expect(after).not.toContain('proving');
    expect(client.getSnapshot()).toEqual({ status: 'signed-out' });
  });

  it('counts a listener that subscribes twice as two, as StrictMode does', async () => {
    const { client } = await enrolled();
    const listener = vi.fn();
    const first = client.subscribe(listener);
    const second = client.subscribe(listener);
    first();
    first();
    await client.signOut();
    expect(listener).toHaveBeenCalledTimes(1);
    second();
    await client.start();
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('runs one ceremony at a time', async () => {
    const { client } = await enrolled();
    const first = client.start();
    await expect(client.start()).rejects.toMatchObject({ code: 'ceremony_in_progress' });
    await expect(client.enroll({ apiKey, user })).rejects.toMatchObject({
      code: 'ceremony_in_progress',
    });
    await first;
    await client.start();
  });

  it.each(['challenge', 'passkey', 'decrypting', 'proving', 'exchanging'])(
    'an abort at %s brings the state back and gets no token',
    async (step) => {
      const { client, fake } = await enrolled();
      await client.signOut();
      const before = client.getSnapshot();
      const controller = new AbortController();
      const stop = client.subscribe(() => {
        if (client.getSnapshot().status === step) controller.abort();
      });
      const started = client.start({ signal: controller.signal });
      await expect(started).rejects.toMatchObject({ code: 'aborted' });
      stop();
      expect(client.getSnapshot()).toEqual(before);
      expect(fake.paths()).not.toContain('/pzk/token');
      await client.start();
      expect(client.getSnapshot().status).toBe('active');
    },
  );

  it.each([
    'challenge',
    'creating-passkey',
    'confirming-passkey',
    'sealing',
    'proving',
    'exchanging',
  ])(
    'an abort of the enrolment at %s brings the state back and registers nothing',
    async (step) => {
      const fake = createFakeIssuer();
      const client = createClientOf(fake);
      const controller = new AbortController();
      client.enrollment.subscribe(() => {
        if (client.enrollment.getSnapshot().status === step) controller.abort();
      });
      const running = client.enroll({ apiKey, user, signal: controller.signal });
      await expect(running).rejects.toMatchObject({ code: 'aborted' });
      expect(client.enrollment.getSnapshot()).toEqual({ status: 'idle' });
      expect(fake.paths()).not.toContain('/pzk/enroll');
    },
  );

  it('an abort while the user is asked ends the passkey sheet', async () => {
    const { client } = await enrolled();
    const controller = new AbortController();
    client.authenticator.configure({
      onUserPrompt: () => {
        controller.abort();
        return new Promise<void>(() => {});
      },
    });
    const started = client.start({ signal: controller.signal });
    await expect(started).rejects.toMatchObject({ code: 'aborted' });
    expect(client.getSnapshot().status).toBe('active');
    expect(client.getSnapshot()).not.toHaveProperty('stepUp');
  });

  it('shows the failure, and keeps an active session through a failed touch', async () => {
    const { client } = await enrolled();
    const refuse = () => {
      throw new DOMException('', 'NotAllowedError');
    };
    client.authenticator.configure({ onUserPrompt: refuse });
    await expect(client.start()).rejects.toMatchObject({ code: 'passkey_cancelled' });
    expect(client.getSnapshot().status).toBe('active');
    await client.signOut();
    await expect(client.start()).rejects.toMatchObject({ code: 'passkey_cancelled' });
    expect(client.getSnapshot()).toMatchObject({
      status: 'failed',
      error: { code: 'passkey_cancelled' },
    });
  });

  it('keeps what a prover says of its failure in the cause', async () => {
    const cause = new Error('out of memory');
    const prover = { ...createIdleProver(), prove: () => Promise.reject(cause) };
    const client = createClientOf(createFakeIssuer(), { prover });
    const running = client.enroll({ apiKey, user });
    await expect(running).rejects.toMatchObject({ code: 'prover_failed', cause });
  });
});

describe('configuration of the server', () => {
  const circuit = challengeAnswer().circuit;
  const other = 'A'.repeat(43);
  it.each([
    [{ issuer: 'https://evil.example.com' }, 'issuer_mismatch'],
    [{ audience: 'https://evil.example.com' }, 'issuer_mismatch'],
    [{ rp_id: 'example.com' }, 'issuer_mismatch'],
    [{ scope: 'weather:read weather:write' }, 'issuer_mismatch'],
    [{ circuit: { ...circuit, id: 'ownership/v2' } }, 'artifact_mismatch'],
    [{ circuit: { ...circuit, prover: other } }, 'artifact_mismatch'],
    [{ circuit: { ...circuit, verification_key: other } }, 'artifact_mismatch'],
    [{ nonce: 'short' }, 'unexpected_response'],
  ])('signs nothing where the challenge says %j', async (change, code) => {
    const fake = createFakeIssuer();
    fake.respond('/pzk/challenge', () => Response.json(challengeAnswer(change)));
    const prompt = vi.fn();
    const client = createClientOf(fake);
    client.authenticator.configure({ onUserPrompt: prompt });
    await expect(client.enroll({ apiKey, user })).rejects.toMatchObject({ code });
    expect(prompt).not.toHaveBeenCalled();
  });

  it('names what no endpoint of ours would answer', async () => {
    const fake = createFakeIssuer();
    const client = createClientOf(fake);
    fake.respond('/pzk/challenge', () => new Response('<html>', { status: 502 }));
    const enroll = () => client.enroll({ apiKey, user });
    await expect(enroll()).rejects.toMatchObject({ code: 'unexpected_response' });
    fake.respond('/pzk/challenge', () => Promise.reject(new TypeError('fetch failed')));
    await expect(enroll()).rejects.toMatchObject({ code: 'network_error' });
    fake.respond('/pzk/challenge', () => problem('invalid_scope', 400));
    await expect(enroll()).rejects.toMatchObject({ code: 'invalid_scope' });
  });

  it('takes its time from the challenge', async () => {
    const fake = createFakeIssuer();
    const now = Math.floor(Date.now() / 1000) + 600;
    fake.respond('/pzk/challenge', () => Response.json(challengeAnswer({ now })));
    await createClientOf(fake).enroll({ apiKey, user });
    const proof = fake.sent.at(-1)?.headers.get('dpop') ?? '';
    const { iat } = JSON.parse(Buffer.from(proof.split('.')[1] ?? '', 'base64url').toString());
    expect(Math.abs(iat - now)).toBeLessThanOrEqual(5);
  });
});

describe('API key', () => {
  it('is refused where it cannot be one, before anybody is asked', async () => {
    const fake = createFakeIssuer();
    const client = createClientOf(fake, { keyPattern: /^wd_[0-9a-z]{20,}$/g });
    for (const bad of ['', '  ', 'schlüssel', 'wd_short']) {
      const running = client.enroll({ apiKey: bad, user });
      await expect(running).rejects.toMatchObject({ code: 'api_key_malformed' });
    }
    expect(fake.sent).toEqual([]);
    await client.enroll({ apiKey: ' wd_0123456789abcdefghij ', user });
  });
});

describe('renewal', () => {
  it('runs ahead of the end while somebody watches, and not otherwise', async () => {
    // Signatures come from real threads: only the clock is ours.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const { client, fake } = await enrolled();
    const renewals = () => fake.paths().filter((path) => path === '/pzk/token').length;
    const resting = async (count: number) => {
      const isRenewing = () => {
        const state = client.getSnapshot();
        return state.status === 'active' && state.renewing;
      };
      while (renewals() < count || isRenewing()) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      return renewals();
    };
    vi.advanceTimersByTime(250_000);
    expect(await resting(0)).toBe(0);
    const stop = client.subscribe(() => {});
    vi.advanceTimersByTime(10);
    expect(await resting(1)).toBe(1);
    vi.advanceTimersByTime(239_000);
    expect(await resting(1)).toBe(1);
    vi.advanceTimersByTime(2_000);
    expect(await resting(2)).toBe(2);
    stop();
    vi.advanceTimersByTime(600_000);
    expect(await resting(2)).toBe(2);
  });

  it('shows the end of the session, and drops its key', async () => {
    const storage = createMemoryStorage();
    const { client, fake } = await enrolled({ storage });
    fake.respond('/pzk/token', () => problem('invalid_grant', 400));
    await expect(client.renew()).rejects.toMatchObject({ code: 'session_expired' });
    expect(client.getSnapshot()).toMatchObject({
      status: 'failed',
      error: { code: 'session_expired' },
    });
    await expect(client.renew()).rejects.toMatchObject({ code: 'not_signed_in' });
    expect(await createClientOf(fake, { storage }).resume()).toBe(false);
  });

  it('keeps the session where the network fails', async () => {
    const { client, fake } = await enrolled();
    fake.respond('/pzk/token', () => Promise.reject(new TypeError('fetch failed')));
    await expect(client.renew()).rejects.toMatchObject({ code: 'network_error' });
    expect(client.getSnapshot()).toMatchObject({ status: 'active', renewing: false });
  });

  it('is one request, however many ask', async () => {
    const { client, fake } = await enrolled();
    await Promise.all([client.renew(), client.renew(), client.renew()]);
    expect(fake.paths()).toEqual(['/pzk/token']);
    const body = new URLSearchParams(fake.sent[0]?.body);
    expect(Object.fromEntries(body)).toEqual({
      grant_type: 'urn:pzk-auth:grant-type:renew',
      client_id: 'key-1',
      scope: 'weather:read',
    });
  });

  it('goes on after a reload with the stored key, without a touch', async () => {
    const storage = createMemoryStorage();
    const { fake } = await enrolled({ storage });
    const reloaded = createClientOf(fake, { storage });
    expect(await reloaded.resume()).toBe(true);
    expect(reloaded.getSnapshot().status).toBe('active');
    expect(fake.paths()).toEqual(['/pzk/token']);
    await reloaded.signOut();
    expect(await createClientOf(fake, { storage }).resume()).toBe(false);
  });

  it('does not revive a session that ended meanwhile', async () => {
    const { client, fake } = await enrolled();
    let answer: (response: Response) => void = () => {};
    fake.respond('/pzk/token', () => new Promise((resolve) => (answer = resolve)));
    const renewing = client.renew();
    await eventually(() => expect(fake.paths()).toContain('/pzk/token'));
    await client.signOut();
    answer(Response.json(tokenAnswer()));
    await expect(renewing).rejects.toMatchObject({ code: 'aborted' });
    expect(client.getSnapshot()).toEqual({ status: 'signed-out' });
  });
});

describe('sign-out', () => {
  it('revokes the token with a proof of its key', async () => {
    const { client, fake } = await enrolled();
    await client.signOut();
    const [sent] = fake.sent;
    expect(sent?.path).toBe('/pzk/revoke');
    expect(new URLSearchParams(sent?.body).get('token')).toBe('opaque-token');
    expect(sent?.headers.has('dpop')).toBe(true);
    await expect(client.fetch(`${issuer}/weather`)).rejects.toMatchObject({
      code: 'not_signed_in',
    });
  });

  describe('of a page that has not taken up the session of before its reload', () => {
    async function reloaded() {
      const storage = createMemoryStorage();
      const { fake } = await enrolled({ storage });
      const open = () => createClientOf(fake, { storage });
      return { fake, page: open(), open };
    }

    it('ends it at the server, too', async () => {
      const { fake, page, open } = await reloaded();
      fake.respond('/pzk/token', () => Response.json(tokenAnswer({ access_token: 'last-token' })));
      await page.signOut();
      expect(fake.paths()).toEqual(['/pzk/token', '/pzk/revoke']);
      expect(new URLSearchParams(fake.sent[1]?.body).get('token')).toBe('last-token');
      expect(page.getSnapshot()).toEqual({ status: 'signed-out' });
      expect(await open().resume()).toBe(false);
    });

    it('ends it also while it is being taken up', async () => {
      const { fake, page } = await reloaded();
      let answer: (response: Response) => void = () => {};
      fake.respond('/pzk/token', () => new Promise((resolve) => (answer = resolve)));
      const resuming = page.resume();
      await eventually(() => expect(fake.paths()).toContain('/pzk/token'));
      fake.respond('/pzk/token', () => undefined);
      await page.signOut();
      answer(Response.json(tokenAnswer()));
      expect(await resuming).toBe(false);
      expect(fake.paths().at(-1)).toBe('/pzk/revoke');
      expect(page.getSnapshot()).toEqual({ status: 'signed-out' });
    });

    it('is content where the server has let it go already', async () => {
      const { fake, page, open } = await reloaded();
      fake.respond('/pzk/token', () => problem('invalid_grant', 400));
      await page.signOut();
      expect(fake.paths()).toEqual(['/pzk/token']);
      fake.respond('/pzk/token', () => undefined);
      expect(await open().resume()).toBe(false);
    });

    it('forgets it, and tells that the server was not reached', async () => {
      const { fake, page, open } = await reloaded();
      fake.respond('/pzk/token', () => Promise.reject(new TypeError('fetch failed')));
      await expect(page.signOut()).rejects.toMatchObject({ code: 'network_error' });
      fake.respond('/pzk/token', () => undefined);
      expect(await open().resume()).toBe(false);
    });
  });

  it('forgets the session even where the server cannot be reached', async () => {
    const { client, fake } = await enrolled();
    fake.respond('/pzk/revoke', () => Promise.reject(new TypeError('fetch failed')));
    await expect(client.signOut()).rejects.toMatchObject({ code: 'network_error' });
    expect(client.getSnapshot()).toEqual({ status: 'signed-out' });
  });
});

describe('fetch', () => {
  const url = `${issuer}/weather?day=1`;
  const refusal = (error: string, headers: Record<string, string> = {}) =>
    new Response(null, {
      status: 401,
      headers: { 'www-authenticate': `DPoP error="${error}", algs="ES256"`, ...headers },
    });
  const claims = (proof: string | null | undefined) =>
    JSON.parse(Buffer.from(proof?.split('.')[1] ?? '', 'base64url').toString());

  it('sends token and proof, with method, body and headers of the caller', async () => {
    const { client, fake } = await enrolled();
    await client.fetch(url, { method: 'POST', body: 'rain', headers: { 'x-own': '1' } });
    const [sent] = fake.sent;
    expect(sent?.body).toBe('rain');
    expect(sent?.headers.get('x-own')).toBe('1');
    expect(sent?.headers.get('authorization')).toBe('DPoP opaque-token');
    expect(claims(sent?.headers.get('dpop'))).toMatchObject({
      htm: 'POST',
      htu: `${issuer}/weather`,
      ath: expect.any(String),
    });
  });

  it('repeats once with the nonce that the server asks for, then remembers it', async () => {
    const { client, fake } = await enrolled();
    let asked = 0;
    fake.respond('/weather', ({ headers }) => {
      if (claims(headers.get('dpop')).nonce === 'n1') return new Response('sun');
      asked++;
      return refusal('use_dpop_nonce', { 'dpop-nonce': 'n1' });
    });
    const response = await client.fetch(url, { method: 'POST', body: 'x' });
    expect(await response.text()).toBe('sun');
    await client.fetch(url);
    expect(asked).toBe(1);
    fake.respond('/weather', () => refusal('use_dpop_nonce', { 'dpop-nonce': 'n2' }));
    fake.sent.length = 0;
    expect((await client.fetch(url)).status).toBe(401);
    expect(fake.sent.length).toBe(2);
  });

  it('renews and repeats once where the token is refused', async () => {
    const { client, fake } = await enrolled();
    fake.respond('/pzk/token', () => Response.json(tokenAnswer({ access_token: 'second' })));
    fake.respond('/weather', ({ headers }) =>
      headers.get('authorization') === 'DPoP second' ? undefined : refusal('invalid_token'),
    );
    expect((await client.fetch(url, { method: 'PUT', body: 'x' })).status).toBe(200);
    expect(fake.sent.at(-1)?.body).toBe('x');
    fake.respond('/weather', () => refusal('invalid_token'));
    fake.sent.length = 0;
    expect((await client.fetch(url)).status).toBe(401);
    expect(fake.paths()).toEqual(['/weather', '/pzk/token', '/weather']);
  });

  it('reads the reason from the body where CORS hides the header', async () => {
    const { client, fake } = await enrolled();
    fake.respond('/weather', () => problem('insufficient_user_authentication', 401));
    await expect(client.fetch(url)).rejects.toMatchObject({
      code: 'insufficient_user_authentication',
    });
  });

  it('renews first where the token has run out', async () => {
    let now = Date.now();
    const { client, fake } = await enrolled({ clock: () => now });
    now += 299_000;
    await client.fetch(url);
    expect(fake.paths()).toEqual(['/pzk/token', '/weather']);
  });

  it('asks for a touch where the server does', async () => {
    const { client, fake } = await enrolled();
    fake.respond('/weather', () => refusal('insufficient_user_authentication'));
    await expect(client.fetch(url)).rejects.toMatchObject({
      code: 'insufficient_user_authentication',
    });
  });

  it('leaves other answers to the caller', async () => {
    const { client, fake } = await enrolled();
    fake.respond('/weather', () => problem('insufficient_scope', 403));
    expect((await client.fetch(url)).status).toBe(403);
  });

  it.each([
    'https://evil.example.com/weather',
    'https://api.example.com.evil.example/weather',
    'https://api.example.com:8443/weather',
    'http://api.example.com/weather',
  ])('never sends the token to %s', async (foreign) => {
    const { client, fake } = await enrolled();
    await expect(client.fetch(foreign)).rejects.toThrow(TypeError);
    expect(fake.sent).toEqual([]);
  });

  it('sends it to an origin that the application named', async () => {
    const { client, fake } = await enrolled({ allowedOrigins: ['https://cdn.example.com'] });
    await client.fetch('https://cdn.example.com/weather');
    expect(fake.paths()).toEqual(['/weather']);
  });

  it('aborts by the signal of the call', async () => {
    const { client } = await enrolled();
    const signal = AbortSignal.abort();
    await expect(client.fetch(url, { signal })).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('the page session', () => {
  it('opens with token and proof, ends at sign-out, and shows both', async () => {
    const { fake, client } = await enrolled();
    const shown: string[] = [];
    client.pageSession.subscribe(() => shown.push(client.pageSession.getSnapshot().status));
    fake.respond('/pzk/page-session', () => new Response(null, { status: 204 }));
    fake.respond('/pzk/page-session/end', () => new Response(null, { status: 204 }));
    await Promise.all([client.openPageSession(), client.openPageSession()]);
    expect(fake.paths()).toEqual(['/pzk/page-session']);
    const [opened] = fake.sent;
    expect(opened?.headers.get('authorization')).toMatch(/^DPoP /);
    expect(opened?.headers.has('dpop')).toBe(true);
    fake.sent.length = 0;
    await client.signOut();
    expect([...fake.paths()].sort()).toEqual(['/pzk/page-session/end', '/pzk/revoke']);
    const ended = fake.sent.find(({ path }) => path === '/pzk/page-session/end');
    expect(ended?.headers.has('authorization')).toBe(false);
    expect(shown).toEqual(['open', 'closed']);
  });

  it('a sign-out without one asks for no end of it', async () => {
    const { fake, client } = await enrolled();
    await client.signOut();
    expect(fake.paths()).toEqual(['/pzk/revoke']);
  });

  it('rejects where the issuer has none, and stays closed', async () => {
    const { fake, client } = await enrolled();
    fake.respond('/pzk/page-session', () => problem('not_found', 404));
    await expect(client.openPageSession()).rejects.toMatchObject({ code: 'not_found' });
    expect(client.pageSession.getSnapshot()).toEqual({ status: 'closed' });
    await client.signOut();
    await expect(client.openPageSession()).rejects.toMatchObject({ code: 'not_signed_in' });
  });

  it('is not over where neither its end nor the revocation arrived', async () => {
    const { fake, client } = await enrolled();
    fake.respond('/pzk/page-session', () => new Response(null, { status: 204 }));
    await client.openPageSession();
    fake.respond('/pzk/page-session/end', () => problem('busy', 503));
    fake.respond('/pzk/revoke', () => problem('busy', 503));
    await expect(client.signOut()).rejects.toMatchObject({ code: 'busy' });
    expect(client.pageSession.getSnapshot()).toEqual({ status: 'open' });
  });

  it('an answer that comes after the sign-out shows nothing', async () => {
    const { fake, client } = await enrolled();
    let answer: (response: Response) => void = () => {};
    fake.respond(
      '/pzk/page-session',
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    const opening = client.openPageSession();
    await eventually(() => expect(fake.paths()).toContain('/pzk/page-session'));
    await client.signOut();
    answer(new Response(null, { status: 204 }));
    await opening;
    expect(client.pageSession.getSnapshot()).toEqual({ status: 'closed' });
  });
});
