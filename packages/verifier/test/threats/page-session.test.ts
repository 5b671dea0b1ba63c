import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PzkSession } from '../../src/index.js';
import { ISSUER, ORIGIN } from '../harness/issuer.js';
import { createWatchedIssuer, mapStores } from '../harness/watched-issuer.js';
import { call, createWireClient, send, type WireClient } from '../harness/wire-client.js';

const NAME = '__Host-pzk-session';
/** What the sessions' store was asked to keep, in text. */
const kept: string[] = [];
let failing = false;
const issuer = createWatchedIssuer({
  pageSessions: true,
  adapt: (stores) =>
    mapStores(stores, (method, store, name) => async (...args) => {
      if (failing && store === 'revocations') throw new Error('down');
      if (store === 'sessions' && name === 'put') kept.push(JSON.stringify(args));
      return method(...args);
    }),
});
afterAll(() => issuer.verifier.close());

interface Visitor {
  readonly client: WireClient;
  readonly clientId: string;
  readonly accessToken: string;
  readonly session: PzkSession;
}

async function visit(): Promise<Visitor> {
  const { apiKey } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
  const client = await createWireClient(issuer, { apiKey });
  const { body } = await client.enroll();
  const session = await call(issuer, client, body.access_token);
  return { client, clientId: body.client_id, accessToken: body.access_token, session };
}

async function open({ client, accessToken }: Visitor, over: Record<string, string> = {}) {
  const url = `${ISSUER}/pzk/page-session`;
  const dpop = await client.sessionKey.dpop({ url, accessToken, now: issuer.now() });
  const headers = { authorization: `DPoP ${accessToken}`, dpop, ...over };
  return send(issuer, new Request(url, { method: 'POST', headers }));
}

function end(headers: Record<string, string>) {
  return send(issuer, new Request(`${ISSUER}/pzk/page-session/end`, { method: 'POST', headers }));
}

async function openCookie(visitor: Visitor, over: Record<string, string> = {}): Promise<string> {
  const answer = await open(visitor, over);
  expect(answer.status).toBe(204);
  const [pair = ''] = (answer.headers.get('set-cookie') ?? '').split(';');
  return pair;
}

const read = (cookie: string | null) => issuer.verifier.pageSession(cookie);

describe('page sessions', () => {
  let visitor: Visitor;
  let cookie: string;
  beforeAll(async () => {
    visitor = await visit();
    cookie = await openCookie(visitor);
  });

  it('[S1] honest: a cookie opened with token and proof shows who looks, and no more', async () => {
    const { account, device, audience, authTime, amr, keyProtection } = visitor.session;
    expect(await read(`theme=dark; ${cookie}`)).toEqual({
      kind: 'page',
      account,
      key: visitor.clientId,
      device,
      scopes: ['weather:read'],
      audience,
      authTime,
      amr,
      keyProtection,
      expiresAt: expect.any(Number),
    });
  });

  it('[S1] a cookie alone is no credential of a protected call, nor of any endpoint', async () => {
    for (const name of ['cookie', 'authorization']) {
      for (const value of [cookie, cookie.replace(`${NAME}=`, 'DPoP ')]) {
        const headers = new Headers({ [name]: value });
        await expect(
          issuer.verifier.authenticate({ method: 'GET', url: '/weather', headers }),
        ).rejects.toMatchObject({ code: 'invalid_token' });
      }
    }
    const url = `${ISSUER}/pzk/page-session`;
    const again = await send(issuer, new Request(url, { method: 'POST', headers: { cookie } }));
    expect(again.status).toBe(401);
    expect(again.headers.get('set-cookie')).toBeNull();
  });

  it('[S1] opening demands a fresh proof of this URL and key', async () => {
    const { client, accessToken } = visitor;
    const url = `${ISSUER}/pzk/page-session`;
    const other = await visit();
    const proofs = [
      await client.sessionKey.dpop({ url: `${ISSUER}/weather`, accessToken, now: issuer.now() }),
      await client.sessionKey.dpop({ url, now: issuer.now() }),
      await other.client.sessionKey.dpop({ url, accessToken, now: issuer.now() }),
      '',
    ];
    for (const dpop of proofs) expect((await open(visitor, { dpop })).status).toBe(401);
    const dpop = await client.sessionKey.dpop({ url, accessToken, now: issuer.now() });
    expect((await open(visitor, { dpop })).status).toBe(204);
    expect((await open(visitor, { dpop })).status).toBe(401);
  });

  it('[S3] honest: the cookie has 256 random bits, its attributes, and is stored as a hash only', async () => {
    const answer = await open(visitor);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('set-cookie')).toMatch(
      /^__Host-pzk-session=[A-Za-z0-9_-]{43}; Max-Age=\d{4}; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
    );
    const value =
      answer.headers
        .get('set-cookie')
        ?.slice(NAME.length + 1)
        .split(';', 1)[0] ?? '';
    expect(kept.at(-1)).toContain('page:');
    expect(kept.join()).not.toContain(value);
    expect(JSON.stringify(issuer.events)).not.toContain(value);
  });

  it('[S3] refuses a cookie that is odd, unknown or given twice, and another name', async () => {
    const other = await openCookie(await visit());
    const value = cookie.slice(NAME.length + 1);
    const last = value.at(-1) ?? '';
    // The same bytes in another spelling: the last character has two spare bits.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const respelled = value.slice(0, -1) + alphabet[alphabet.indexOf(last) + 1];
    const odd = [
      null,
      '',
      NAME,
      `${NAME}=`,
      `${NAME}=${'A'.repeat(43)}`,
      `${NAME}=${respelled}`,
      `${NAME}=${value}=`,
      `${NAME}="${value}"`,
      `${NAME.toLowerCase()}=${value}`,
      `pzk-session=${value}`,
      `x${NAME}=${value}`,
      `${cookie}; ${other}`,
      `${cookie}, ${other}`,
      `${cookie}; ${cookie}`,
      `${NAME}=__proto__`,
    ];
    for (const header of odd) expect(await read(header), String(header)).toBeUndefined();
    expect(await read(cookie)).toBeDefined();
  });

  it('[S3] a cookie that a sibling host planted under another name is none', async () => {
    // What a browser sends for `Set-Cookie: theme=dark,__Host-pzk-session=...; Domain=example.com`, and
    // for names that begin with what is white space elsewhere.
    const planted = [
      `theme=dark,${cookie}`,
      `theme=dark, ${cookie}`,
      `${cookie},theme=dark`,
      `theme=dark,${cookie}; other=1`,
      ...['\u00a0', '\u0085', '\u000b', '\ufeff', '\u2000', '"', ','].map((c) => c + cookie),
    ];
    for (const header of planted) {
      expect(await read(header), JSON.stringify(header)).toBeUndefined();
    }
  });

  it('[S3] honest: its own stays good beside a planted one', async () => {
    const planted = `theme=dark,${await openCookie(await visit())}`;
    for (const header of [`${planted}; ${cookie}`, `${cookie}; ${planted}`, `\t${cookie} ; a=1`]) {
      expect(await read(header)).toMatchObject({ key: visitor.clientId });
    }
  });

  it('[S3] a new cookie ends the one that the browser had, and no other', async () => {
    const mine = await visit();
    const [first, elsewhere] = [await openCookie(mine), await openCookie(mine)];
    const second = await openCookie(mine, { cookie: first });
    expect(await read(first)).toBeUndefined();
    expect(await read(second)).toBeDefined();
    expect(await read(elsewhere)).toBeDefined();
  });

  it('[S3] no other site ends it', async () => {
    for (const origin of ['https://evil.example', 'null', `${ORIGIN}.evil.example`, '']) {
      const answer = await end({ cookie, ...(origin === '' ? {} : { origin }) });
      expect(answer.status).toBe(400);
      expect(answer.headers.get('set-cookie')).toBeNull();
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    }
    expect(await read(cookie)).toBeDefined();
  });

  it('[S3] honest: its own page ends it, once and again, also without a cookie', async () => {
    const mine = await visit();
    const own = await openCookie(mine);
    for (const headers of [{ cookie: own }, { cookie: own }, {}]) {
      const answer = await end({ origin: ORIGIN, ...headers });
      expect(answer.status).toBe(204);
      expect(answer.headers.get('set-cookie')).toBe(
        `${NAME}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict`,
      );
      expect(await read(own)).toBeUndefined();
    }
    expect(await call(issuer, mine.client, mine.accessToken)).toBeDefined();
  });

  it('[S2] honest: it lives on through renewals and another sign-in of somebody else', async () => {
    const mine = await visit();
    const own = await openCookie(mine);
    issuer.offset += 600_000;
    const renewed = await mine.client.renew(mine.clientId);
    expect(renewed.status).toBe(200);
    issuer.offset += 600_000;
    await visit();
    expect(await read(own)).toBeDefined();
  });

  it.each([
    ['token', (v: Visitor) => issuer.verifier.tokens.revoke(v.session.jti)],
    ['key', (v: Visitor) => issuer.verifier.keys.revoke(v.session.key)],
    ['device', (v: Visitor) => issuer.verifier.devices.revoke(v.session.device)],
    ['account', (v: Visitor) => issuer.verifier.accounts.revoke(v.session.account)],
    [
      'session, at /revoke',
      (v: Visitor) => v.client.post('/revoke', { token: v.accessToken, client_id: v.clientId }),
    ],
    ['session, by a new touch', (v: Visitor) => v.client.token()],
  ] as const)('[S2] it is gone with the %s', async (_name, revoke) => {
    const mine = await visit();
    const own = await openCookie(mine);
    expect(await read(own)).toBeDefined();
    await revoke(mine);
    expect(await read(own)).toBeUndefined();
  });

  it('[S2] the durable stores alone end it, where the short-lived one forgot', async () => {
    const mine = await visit();
    const own = await openCookie(mine);
    await issuer.stores.devices.revoke(mine.session.device, issuer.now());
    expect(await read(own)).toBeUndefined();
  });

  it('[S2] it ends with the idle time of its session, which reading does not prolong', async () => {
    const mine = await visit();
    const own = await openCookie(mine);
    for (let minute = 0; minute < 14; minute++) {
      issuer.offset += 60_000;
      expect(await read(own)).toBeDefined();
    }
    issuer.offset += 61_000;
    expect(await read(own)).toBeUndefined();
  });

  it('[S2] it ends with the hour of its session, however often that is renewed', async () => {
    const mine = await visit();
    issuer.offset += 600_000;
    await mine.client.renew(mine.clientId);
    const { body } = await mine.client.renew(mine.clientId);
    const own = await openCookie({ ...mine, accessToken: body.access_token });
    for (let tens = 0; tens < 4; tens++) {
      issuer.offset += 600_000;
      expect((await mine.client.renew(mine.clientId)).status).toBe(200);
      expect(await read(own)).toBeDefined();
    }
    issuer.offset += 601_000;
    expect(await read(own)).toBeUndefined();
  });

  it('[S2] a token whose session has ended opens none', async () => {
    const mine = await visit();
    // Another session of the same key pair: the token of the first is good for some minutes more.
    expect((await mine.client.token()).status).toBe(200);
    const answer = await open(mine);
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([401, null]);
  });

  it('[S2] a store that does not answer is an error, never a session', async () => {
    const own = await openCookie(await visit());
    failing = true;
    try {
      await expect(read(own)).rejects.toMatchObject({ code: 'store_unavailable' });
    } finally {
      failing = false;
    }
  });

  it('is off unless the application turns it on', async () => {
    const plain = createWatchedIssuer();
    try {
      await expect(plain.verifier.pageSession(cookie)).rejects.toThrow(TypeError);
      for (const path of ['/page-session', '/page-session/end']) {
        const request = new Request(`${ISSUER}/pzk${path}`, { method: 'POST' });
        expect((await plain.verifier.handle(request)).status).toBe(404);
      }
    } finally {
      await plain.verifier.close();
    }
  });
});
