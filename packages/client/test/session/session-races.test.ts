import { isPzkError } from '@pzk-auth/protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createIndexedDbStorage, createMemoryStorage } from '../../src/index.js';
import { createSoftwareAuthenticator } from '../../src/testing/index.js';
import { eventually } from '../eventually.js';
import {
  apiKey,
  challengeAnswer,
  createClientOf,
  createFakeIssuer,
  issuer,
  origin,
  problem,
  type SentRequest,
  tokenAnswer,
  user,
  vaultAnswer,
} from '../fake-issuer.js';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const isRenewal = ({ body }: SentRequest) => body.includes('renew');
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function enrolled(options: Parameters<typeof createClientOf>[1] = {}) {
  const storage = options.storage ?? createMemoryStorage();
  const fake = createFakeIssuer();
  const client = createClientOf(fake, { storage, ...options });
  await client.enroll({ apiKey, user });
  fake.sent.length = 0;
  /** Another tab of the same browser. */
  const openTab = () => createClientOf(fake, { storage, authenticator: client.authenticator });
  return { fake, client, openTab };
}

/** Holds renewals back until they are answered by hand. */
function holdRenewals(fake: ReturnType<typeof createFakeIssuer>) {
  let answer: (response: Response) => void = () => {};
  const held = new Promise<Response>((resolve) => {
    answer = resolve;
  });
  fake.respond('/pzk/token', (request) => (isRenewal(request) ? held : undefined));
  const sent = () => eventually(() => expect(fake.sent.some(isRenewal)).toBe(true));
  return { answer, sent };
}

describe('a session that starts while the old one is resumed', () => {
  it.each([
    ['a late refusal', () => problem('invalid_grant', 400)],
    ['a late success', () => Response.json(tokenAnswer({ client_id: 'late' }))],
  ])('is left alone by %s', async (_, late) => {
    const { fake, openTab } = await enrolled();
    const tab = openTab();
    const { answer, sent } = holdRenewals(fake);
    const resuming = tab.resume();
    await sent();
    await tab.start();
    answer(late());
    expect(await resuming).toBe(true);
    expect(tab.getSnapshot()).toMatchObject({ status: 'active', clientId: 'key-1' });
    fake.respond('/pzk/token', () => undefined);
    expect(await openTab().resume()).toBe(true);
  });
});

describe('a storage that cannot delete', () => {
  const failing = () => ({
    ...createMemoryStorage(),
    delete: () => Promise.reject(new Error('blocked')),
  });

  it('does not keep a sign-out from the server, after which its key is of no use', async () => {
    const { client, fake } = await enrolled({ storage: failing() });
    await client.signOut();
    expect(client.getSnapshot()).toEqual({ status: 'signed-out' });
    expect(fake.paths()).toEqual(['/pzk/revoke']);
  });

  it('is told where there was no token to revoke', async () => {
    const signedOut = createClientOf(createFakeIssuer(), { storage: failing() }).signOut();
    await expect(signedOut).rejects.toMatchObject({ code: 'storage_unavailable' });
  });

  it('does not hide that the session has expired', async () => {
    const { client, fake } = await enrolled({ storage: failing() });
    fake.respond('/pzk/token', () => problem('invalid_grant', 400));
    await expect(client.renew()).rejects.toMatchObject({ code: 'session_expired' });
    expect(client.getSnapshot()).toMatchObject({ error: { code: 'session_expired' } });
  });
});

describe('a storage that takes nothing', () => {
  const full = () => ({
    ...createMemoryStorage(),
    set: () => Promise.reject(new DOMException('', 'QuotaExceededError')),
    update: () => Promise.reject(new DOMException('', 'QuotaExceededError')),
  });

  it('loses no session that the server has granted, nor what the page knows of its vault', async () => {
    const { client, fake } = await enrolled({ storage: full() });
    expect(client.getSnapshot().status).toBe('active');
    expect(client.enrollment.getSnapshot().status).toBe('enrolled');
    await client.signOut();
    await client.start();
    expect(client.getSnapshot().status).toBe('active');
    // Remembered for as long as the page lives: another vault is refused.
    const other = createFakeIssuer();
    const { authenticator } = client;
    await createClientOf(other, { authenticator }).enroll({ apiKey, user });
    const foreign = JSON.parse(other.sent[1]?.body ?? '').vault;
    fake.respond('/pzk/vault/open', () => Response.json(vaultAnswer(foreign)));
    await expect(client.start()).rejects.toMatchObject({ code: 'vault_rollback' });
  });

  it('gets no secret that only it could give back', async () => {
    const authenticator = createSoftwareAuthenticator({ origin, prf: false });
    const fake = createFakeIssuer();
    const options = { storage: full(), authenticator, allowWithoutPrf: true };
    const enrolling = createClientOf(fake, options).enroll({ apiKey, user });
    await expect(enrolling).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(fake.paths()).toEqual(['/pzk/challenge']);
  });
});

describe('a storage that hangs', () => {
  it('keeps neither the token from its end nor the next ceremony from its start', async () => {
    // Signatures come from real threads: only timers are ours.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let hangs = false;
    const inner = createMemoryStorage();
    const hang = <T>(work: Promise<T>) => (hangs ? new Promise<T>(() => {}) : work);
    const storage = {
      get: (key: string) => hang(inner.get(key)),
      set: (key: string, value: unknown) => hang(inner.set(key, value)),
      update: (key: string, change: (value: unknown) => unknown) => hang(inner.update(key, change)),
      delete: (key: string) => hang(inner.delete(key)),
    };
    const { client, fake } = await enrolled({ storage });
    hangs = true;
    const started = client.start().catch(() => undefined);
    const ended = client.signOut();
    await eventually(async () => {
      await vi.advanceTimersByTimeAsync(1000);
      expect(fake.paths()).toContain('/pzk/revoke');
    });
    for (const work of [started, ended]) {
      let settled = false;
      void work.finally(() => (settled = true));
      await eventually(async () => {
        await vi.advanceTimersByTimeAsync(1000);
        expect(settled).toBe(true);
      });
    }
    expect(client.getSnapshot()).toEqual({ status: 'signed-out' });
    hangs = false;
    await client.start();
    expect(client.getSnapshot().status).toBe('active');
  });
});

describe('a write that fails late', () => {
  it('brings back no session that was signed out meanwhile', async () => {
    let fail: (() => void) | undefined;
    const inner = createMemoryStorage();
    let late = false;
    const storage = {
      ...inner,
      set: (key: string, value: unknown) =>
        late
          ? new Promise<void>((_, reject) => {
              fail = () => reject(new Error('late'));
            })
          : inner.set(key, value),
    };
    const { client, fake } = await enrolled({ storage });
    late = true;
    const renewing = client.renew().catch(() => undefined);
    await eventually(() => expect(fail).toBeDefined());
    fake.respond('/pzk/revoke', () => Promise.reject(new TypeError('offline')));
    await expect(client.signOut()).rejects.toMatchObject({ code: 'network_error' });
    fail?.();
    await renewing;
    expect(await client.resume()).toBe(false);
    expect(client.getSnapshot()).toEqual({ status: 'signed-out' });
  });

  it('hides no session that another tab has stored since', async () => {
    const inner = createMemoryStorage();
    let full = false;
    const storage = {
      ...inner,
      set: (key: string, value: unknown) =>
        full ? Promise.reject(new Error('full')) : inner.set(key, value),
    };
    full = true;
    const { client, openTab } = await enrolled({ storage });
    full = false;
    // Its key is another one: it found none.
    await openTab().start();
    await client.signOut();
    expect(await openTab().resume()).toBe(true);
  });
});

describe('a storage that works again', () => {
  it('lost no sign-out: the session that it held is gone', async () => {
    let broken = false;
    const inner = createMemoryStorage();
    const guarded = <T>(work: () => Promise<T>) =>
      broken ? Promise.reject(new Error('broken')) : work();
    const storage = {
      get: (key: string) => guarded(() => inner.get(key)),
      set: (key: string, value: unknown) => guarded(() => inner.set(key, value)),
      update: (key: string, change: (value: unknown) => unknown) =>
        guarded(() => inner.update(key, change)),
      delete: (key: string) => guarded(() => inner.delete(key)),
    };
    const { openTab } = await enrolled({ storage });
    broken = true;
    // Nothing was signed out, and so it is said.
    await expect(openTab().signOut()).rejects.toMatchObject({ code: 'storage_unavailable' });
    const page = openTab();
    expect(await page.resume()).toBe(false);
    broken = false;
    expect(await page.resume()).toBe(true);
  });
});

describe('IndexedDB that the browser blocks', () => {
  const blocked = {
    open: () => {
      throw new DOMException('', 'SecurityError');
    },
  };

  it.each([
    ['refused', blocked],
    ['absent', null],
  ])('(%s) lets the session live as long as the page', async (_, indexedDB) => {
    vi.stubGlobal('indexedDB', indexedDB);
    const { client, fake } = await enrolled({ storage: createIndexedDbStorage() });
    await client.signOut();
    await client.start();
    expect(client.getSnapshot().status).toBe('active');
    const reloaded = createClientOf(fake, { storage: createIndexedDbStorage() });
    expect(await reloaded.resume()).toBe(false);
  });

  it('keeps no device secret, which would be lost', async () => {
    vi.stubGlobal('indexedDB', blocked);
    const authenticator = createSoftwareAuthenticator({ origin, prf: false });
    const fake = createFakeIssuer();
    const options = { storage: createIndexedDbStorage(), authenticator, allowWithoutPrf: true };
    const enrolling = createClientOf(fake, options).enroll({ apiKey, user });
    await expect(enrolling).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(fake.paths()).toEqual(['/pzk/challenge']);
  });
});

describe('a device whose clock is set while a session lives', () => {
  const iatOf = (proof: string | null | undefined): number =>
    JSON.parse(Buffer.from(proof?.split('.')[1] ?? '', 'base64url').toString()).iat;

  async function withServerClock() {
    let skew = 0;
    const { client, fake } = await enrolled({ clock: () => Date.now() + skew });
    const judged = ({ headers }: { headers: Headers }) =>
      Math.abs(iatOf(headers.get('dpop')) - Date.now() / 1000) > 60
        ? problem('invalid_dpop_proof', 400)
        : undefined;
    fake.respond('/weather', judged);
    fake.respond('/pzk/token', judged);
    fake.sent.length = 0;
    return { client, fake, setClock: (milliseconds: number) => (skew = milliseconds) };
  }

  it.each([-3600_000, 3600_000])('calls go on (by %i ms)', async (jump) => {
    const { client, fake, setClock } = await withServerClock();
    setClock(jump);
    const answers = await Promise.all([1, 2, 3].map(() => client.fetch(`${issuer}/weather`)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    fake.sent.length = 0;
    expect((await client.fetch(`${issuer}/weather`)).status).toBe(200);
    expect(fake.paths()).toEqual(['/weather']);
  });

  it('of many calls that are refused together one asks for the time', async () => {
    const { client, fake, setClock } = await withServerClock();
    let asked = 0;
    fake.respond('/pzk/challenge', async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      // Whoever asks again is turned away.
      return asked++ === 0 ? Response.json(challengeAnswer()) : problem('too_many_requests', 429);
    });
    setClock(-3600_000);
    const calls = Array.from({ length: 20 }, () => client.fetch(`${issuer}/weather`));
    const answers = await Promise.all(calls);
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(asked).toBe(1);
  });

  it('an abort while the time is asked for aborts the call', async () => {
    const { client, fake } = await withServerClock();
    const controller = new AbortController();
    fake.respond('/weather', () => problem('invalid_dpop_proof', 401));
    fake.respond('/pzk/challenge', () => {
      controller.abort();
      return new Promise<Response>(() => {});
    });
    const call = client.fetch(`${issuer}/weather`, { signal: controller.signal });
    await expect(call).rejects.toMatchObject({ code: 'aborted' });
  });

  it('it renews', async () => {
    const { client, fake, setClock } = await withServerClock();
    setClock(-3600_000);
    await client.renew();
    expect(fake.paths()).toEqual(['/pzk/token', '/pzk/challenge', '/pzk/token']);
  });

  it('a refusal that has another cause is not repeated', async () => {
    const { client, fake } = await withServerClock();
    fake.respond('/weather', () => problem('invalid_dpop_proof', 401));
    expect((await client.fetch(`${issuer}/weather`)).status).toBe(401);
    expect(fake.paths()).toEqual(['/weather', '/pzk/challenge']);
  });
});

describe('a listener that throws', () => {
  it('breaks neither the client nor the other listeners, and is reported', async () => {
    const reportError = vi.fn();
    vi.stubGlobal('reportError', reportError);
    const { client, fake } = await enrolled();
    const failure = new Error('listener');
    const other = vi.fn();
    client.subscribe(() => {
      throw failure;
    });
    client.subscribe(other);
    await client.signOut();
    expect(other).toHaveBeenCalled();
    expect(reportError).toHaveBeenCalledWith(failure);
    expect(fake.paths()).toEqual(['/pzk/revoke']);
    vi.stubGlobal('reportError', undefined);
    await client.start();
    expect(client.getSnapshot().status).toBe('active');
  });
});

describe('a renewal that hangs', () => {
  it('does not outlive its session', async () => {
    const { client, fake } = await enrolled();
    const { answer, sent } = holdRenewals(fake);
    const first = client.renew().catch((error: unknown) => error);
    await sent();
    await client.signOut();
    await client.start();
    fake.respond('/pzk/token', () => undefined);
    await client.renew();
    answer(Response.json(tokenAnswer({ client_id: 'late' })));
    expect(await first).toMatchObject({ code: 'aborted' });
    expect(client.getSnapshot()).toMatchObject({ status: 'active', clientId: 'key-1' });
  });

  it('is waited for no longer than the signal of the call allows', async () => {
    let ahead = 0;
    const { client, fake } = await enrolled({ clock: () => Date.now() + ahead });
    ahead = 400_000;
    const { answer, sent } = holdRenewals(fake);
    const controller = new AbortController();
    const call = client.fetch(`${issuer}/x`, { signal: controller.signal });
    const refused = call.catch((error: unknown) => isPzkError(error) && error.code);
    await sent();
    controller.abort();
    expect(await refused).toBe('aborted');
    answer(Response.json(tokenAnswer()));
    expect((await client.fetch(`${issuer}/x`)).status).toBe(200);
  });
});

describe('another tab', () => {
  it('keeps the session that it started, when this one ends', async () => {
    const { client, fake, openTab } = await enrolled();
    const tab = openTab();
    await tab.resume();
    await client.signOut();
    await client.start();
    fake.respond('/pzk/token', (request) =>
      isRenewal(request) ? problem('invalid_grant', 400) : undefined,
    );
    await expect(tab.renew()).rejects.toMatchObject({ code: 'session_expired' });
    fake.respond('/pzk/token', () => undefined);
    expect(await openTab().resume()).toBe(true);
  });

  it('keeps it when this one signs out', async () => {
    const { client, openTab } = await enrolled();
    const tab = openTab();
    await tab.resume();
    await client.signOut();
    await client.start();
    await tab.signOut();
    expect(await openTab().resume()).toBe(true);
  });
});

describe('the first subscriber', () => {
  it('does not renew a short token before half its life', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const { client, fake } = await enrolled();
    fake.respond('/pzk/token', () => Response.json(tokenAnswer({ expires_in: 20 })));
    await client.renew();
    fake.sent.length = 0;
    client.subscribe(() => {});
    vi.advanceTimersByTime(9_000);
    for (let turns = 0; turns < 50; turns++) await turn();
    expect(client.getSnapshot()).toMatchObject({ renewing: false });
    expect(fake.paths()).toEqual([]);
    vi.advanceTimersByTime(1_000);
    while (!fake.sent.some(isRenewal)) await turn();
  });
});
