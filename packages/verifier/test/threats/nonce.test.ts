import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryStores, type Stores } from '../../src/index.js';
import { createIssuer, ISSUER, type TestIssuer } from '../harness/issuer.js';
import { createSessionKey } from '../harness/session-key.js';
import { createWireClient, type WireClient } from '../harness/wire-client.js';

const SECRET = 'a secret for tests: 0123456789 abcdef XYZ';
const NONCE_TTL = 5 * 60_000;

let issuer: TestIssuer;
let client: WireClient;
let account: string;

beforeAll(async () => {
  issuer = createIssuer({ secret: SECRET });
  const { apiKey, row } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
  account = row.account;
  client = await createWireClient(issuer, { apiKey });
  expect((await client.enroll()).status).toBe(201);
});
afterAll(() => issuer.verifier.close());

function tokensIssued(): number {
  return issuer.events.filter(({ type }) => type === 'token_issued').length;
}

describe('nonce', () => {
  it('[N1] refuses a replayed exchange, also with a fresh DPoP proof', async () => {
    const form = await client.tokenForm(await client.challenge('session'));
    expect((await client.post('/token', form)).status).toBe(200);
    const before = tokensIssued();
    const replay = await client.post('/token', form);
    expect(replay.status).toBe(400);
    expect(replay.body.code).toBe('invalid_nonce');
    expect(tokensIssued()).toBe(before);
  });

  it('[N1] honest: a second exchange with a fresh nonce gets a token', async () => {
    expect((await client.token()).status).toBe(200);
    expect((await client.token()).status).toBe(200);
  });

  it('[N2] of 50 parallel identical exchanges with distinct proofs exactly one gets a token', async () => {
    const form = await client.tokenForm(await client.challenge('session'));
    const before = tokensIssued();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => client.post('/token', form)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status, body } of answers.filter(({ status }) => status !== 200)) {
      expect([400, 429]).toContain(status);
      expect(['invalid_nonce', 'too_many_requests']).toContain(body.code);
    }
    expect(tokensIssued()).toBe(before + 1);
  });

  it('[N2] honest: parallel exchanges with nonces of their own all get tokens', async () => {
    // One after the other at the passkey, as a person would; the exchanges run together.
    const forms = [];
    for (let index = 0; index < 3; index++) {
      forms.push(await client.tokenForm(await client.challenge('session')));
    }
    const last = await client.post('/token', forms.at(-1));
    expect(last.status).toBe(200);
    // The earlier assertions carry lower counters: a device acts in order.
    expect((await client.post('/token', forms[0])).status).toBe(400);
  });

  it('[N3] refuses a nonce at its expiry and one millisecond later', async () => {
    for (const age of [NONCE_TTL, NONCE_TTL + 1]) {
      const fixed = Date.now();
      const at = { time: fixed };
      const timed = createIssuer({ clock: () => at.time, stores: issuer.stores, secret: SECRET });
      const bound = await createWireClient(timed, {
        apiKey: client.apiKey,
        sessionKey: client.sessionKey,
      });
      const challenge = await bound.challenge('session');
      const form = await client.tokenForm(challenge);
      at.time = fixed + age;
      const answer = await bound.post('/token', form, { dpop: { now: at.time } });
      expect(answer.body.code).toBe('invalid_nonce');
      await timed.verifier.close();
    }
  });

  it('[N3] honest: one millisecond before its expiry the nonce is good', async () => {
    const at = { time: Date.now() };
    const timed = createIssuer({ clock: () => at.time, stores: issuer.stores, secret: SECRET });
    const bound = await createWireClient(timed, {
      apiKey: client.apiKey,
      sessionKey: client.sessionKey,
    });
    const form = await client.tokenForm(await bound.challenge('session'));
    at.time += NONCE_TTL - 1;
    expect((await bound.post('/token', form, { dpop: { now: at.time } })).status).toBe(200);
    await timed.verifier.close();
  });

  it('[N4] refuses a DPoP proof of a client whose clock is minutes off', async () => {
    for (const minutes of [-5, 5]) {
      const form = await client.tokenForm(await client.challenge('session'));
      const now = issuer.now() + minutes * 60_000;
      const answer = await client.post('/token', form, { dpop: { now } });
      expect(answer.body.code).toBe('invalid_dpop_proof');
    }
  });

  it('[N4] honest: such a client follows `now` of the challenge and passes', async () => {
    const before = Math.floor(issuer.now() / 1000);
    const challenge = await client.challenge('session');
    const { now } = challenge as unknown as { now: number };
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(issuer.now() / 1000);
    const form = await client.tokenForm(challenge);
    expect((await client.post('/token', form, { dpop: { now: now * 1000 } })).status).toBe(200);
  });

  it('[N5] a clock that steps back does not lengthen the life of a nonce', async () => {
    const form = await client.tokenForm(await client.challenge('session'));
    issuer.offset = -10 * 60_000;
    try {
      const answer = await client.post('/token', form);
      expect(answer.body.code).toBe('invalid_nonce');
    } finally {
      issuer.offset = 0;
    }
    // Refused before the consume, so nothing was burnt.
    expect((await client.post('/token', form)).status).toBe(200);
  });

  it('[N5] a used nonce stays used when the clock steps back a little', async () => {
    const form = await client.tokenForm(await client.challenge('session'));
    expect((await client.post('/token', form)).status).toBe(200);
    issuer.offset = -1000;
    try {
      expect((await client.post('/token', form)).body.code).toBe('invalid_nonce');
    } finally {
      issuer.offset = 0;
    }
  });

  it('[N5] after a restart with memory stores nonces from before are refused', async () => {
    const form = await client.tokenForm(await client.challenge('session'));
    const fresh = memoryStores({ clock: issuer.now });
    const { nonces, replays, revocations, sessions, budgets } = fresh;
    const stores = { ...issuer.stores, nonces, replays, revocations, sessions, budgets };
    const { verifier } = createIssuer({ stores, secret: SECRET });
    const restarted = { ...issuer, verifier } as TestIssuer;
    const other = await createWireClient(restarted, {
      apiKey: client.apiKey,
      sessionKey: client.sessionKey,
    });
    expect((await other.post('/token', form)).body.code).toBe('invalid_nonce');
    const anew = await client.tokenForm(await other.challenge('session'));
    expect((await other.post('/token', anew)).status).toBe(200);
    await verifier.close();
  });

  it('[N5] honest: a restart that keeps secret and stores keeps nonces good', async () => {
    const first = createIssuer({ secret: SECRET, stores: memoryStores() });
    const { apiKey } = await first.verifier.keys.issue({ scopes: ['weather:read'] });
    const device = await createWireClient(first, { apiKey });
    await device.enroll();
    const form = await device.tokenForm(await device.challenge('session'));
    await first.verifier.close();
    const second = createIssuer({ secret: SECRET, stores: first.stores });
    const again = await createWireClient(second, { apiKey, sessionKey: device.sessionKey });
    expect((await again.post('/token', form)).status).toBe(200);
    await second.verifier.close();
  });

  it('[N6] a nonce issued by another instance with other secrets is refused here', async () => {
    const { signingKeys } = memoryStores();
    const secret = 'another secret that nobody shares with anyone';
    const other = createIssuer({ stores: { ...issuer.stores, signingKeys }, secret });
    const options = { apiKey: client.apiKey, sessionKey: client.sessionKey };
    const elsewhere = await createWireClient(other, options);
    const form = await client.tokenForm(await elsewhere.challenge('session'));
    expect((await client.post('/token', form)).body.code).toBe('invalid_nonce');
    expect((await elsewhere.post('/token', form)).status).toBe(200);
    await other.verifier.close();
  });

  it('[N6] honest: two instances that share secret and stores accept each other’s nonces', async () => {
    const stores = memoryStores();
    const here = createIssuer({ secret: SECRET, stores });
    const there = createIssuer({ secret: SECRET, stores });
    const { apiKey } = await here.verifier.keys.issue({ scopes: ['weather:read'] });
    const device = await createWireClient(here, { apiKey });
    await device.enroll();
    const form = await device.tokenForm(await device.challenge('session'));
    const twin = await createWireClient(there, { apiKey, sessionKey: device.sessionKey });
    expect((await twin.post('/token', form)).status).toBe(200);
    expect((await device.post('/token', form)).body.code).toBe('invalid_nonce');
    await Promise.all([here.verifier.close(), there.verifier.close()]);
  });

  it('[N10] a flood of challenges leaves nothing behind in the stores', async () => {
    const calls: string[] = [];
    const watch = <T extends object>(name: string, store: T): T =>
      new Proxy({} as T, {
        get: (_, property) => {
          calls.push(`${name}.${String(property)}`);
          return Reflect.get(store, property);
        },
      });
    const entries = Object.entries(memoryStores());
    const stores = Object.fromEntries(
      entries.map(([name, store]) => [name, watch(name, store)]),
    ) as unknown as Stores;
    const flooded = createIssuer({ stores });
    await flooded.verifier.ready();
    calls.length = 0;
    const flooder = await createWireClient(flooded, { apiKey: client.apiKey });
    for (let index = 0; index < 200; index++) await flooder.challenge('session');
    expect(new Set(calls)).toEqual(new Set(['nonces.epoch']));
    await flooded.verifier.close();
  });

  it('[N10] honest: after a flood of challenges a device still gets its token', async () => {
    for (let index = 0; index < 200; index++) await client.challenge('session');
    expect((await client.token()).status).toBe(200);
  });

  it('[N11] refuses a nonce of another purpose, session key, audience or issuer', async () => {
    const audiences = [ISSUER, `${ISSUER}/other`];
    const wide = createIssuer({ audience: audiences });
    const narrow = createIssuer({ secret: SECRET, issuer: `${ISSUER}/tenant` });
    const { apiKey } = await wide.verifier.keys.issue({ scopes: ['weather:read'] });
    const device = await createWireClient(wide, { apiKey });
    await device.enroll();

    const enrolling = await device.challenge('enroll');
    const purpose = await device.tokenForm(enrolling);
    expect((await device.post('/token', purpose)).body.code).toBe('invalid_nonce');

    const foreignKey = await createSessionKey();
    const foreign = await device.challenge('session', { jkt: foreignKey.jkt });
    expect((await device.post('/token', await device.tokenForm(foreign))).body.code).toBe(
      'invalid_nonce',
    );

    const other = await device.challenge('session', { resource: audiences[1] });
    const form = await device.tokenForm({ ...other, audience: ISSUER });
    expect((await device.post('/token', form)).body.code).toBe('invalid_grant');

    const tenant = await createWireClient(narrow, { apiKey, sessionKey: device.sessionKey });
    const nonceOfTenant = await tenant.challenge('session');
    const crossed = await device.tokenForm({ ...nonceOfTenant, audience: ISSUER });
    expect((await device.post('/token', crossed)).body.code).toBe('invalid_nonce');
    await Promise.all([wide.verifier.close(), narrow.verifier.close()]);
  });

  it('[N11] honest: a nonce of another configured audience serves that audience', async () => {
    const audience = `${ISSUER}/other`;
    const wide = createIssuer({ audience: [ISSUER, audience] });
    const { apiKey } = await wide.verifier.keys.issue({ scopes: ['weather:read'] });
    const device = await createWireClient(wide, { apiKey });
    await device.enroll();
    const form = await device.tokenForm(await device.challenge('session', { resource: audience }));
    expect((await device.post('/token', form)).status).toBe(200);
    await wide.verifier.close();
  });

  it('[N12] refuses nonces of odd length, with NUL, CRLF, glob characters or changed bytes', async () => {
    const form = await client.tokenForm(await client.challenge('session'));
    const nonce = form.nonce as string;
    const odd = [
      '',
      'A',
      nonce.slice(0, -1),
      `${nonce}A`,
      `${nonce}=`,
      `${nonce}\0`,
      `${nonce}\r\nSET x 1`,
      '*'.repeat(nonce.length),
      `${nonce.slice(0, 40)}?${nonce.slice(41)}`,
      'A'.repeat(100_000),
      'A'.repeat(nonce.length),
      nonce.slice(0, -1) + (nonce.endsWith('A') ? 'B' : 'A'),
      `B${nonce.slice(1)}`,
      `${nonce}${nonce}`,
    ];
    for (const bad of odd) {
      const answer = await client.post('/token', { ...form, nonce: bad });
      expect([400, 413]).toContain(answer.status);
      expect(answer.text).not.toContain('access_token');
    }
    expect((await client.post('/token', form)).status).toBe(200);
  });

  it('[N12] honest: the nonce exactly as given passes', async () => {
    expect((await client.token()).status).toBe(200);
  });

  it('[N13] a device, key or account revoked while the client proves gets no token', async () => {
    const revocations = [
      (row: { id: string }) => issuer.verifier.keys.revoke(row.id),
      async (row: { account: string }) => {
        const [device] = await issuer.verifier.devices.list(row.account);
        return issuer.verifier.devices.revoke(device?.id ?? '');
      },
      (row: { account: string }) => issuer.verifier.accounts.revoke(row.account),
    ];
    for (const revoke of revocations) {
      const { apiKey, row } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
      const device = await createWireClient(issuer, { apiKey });
      await device.enroll();
      const form = await device.tokenForm(await device.challenge('session'));
      expect(await revoke(row)).toBe(true);
      const answer = await device.post('/token', form);
      expect(answer.status).toBe(400);
      expect(answer.body.code).toBe('invalid_grant');
    }
  });

  it('[N13] a revocation that lands after the proof was verified is still seen', async () => {
    const { apiKey, row } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
    const nonces: typeof issuer.stores.nonces = {
      epoch: () => issuer.stores.nonces.epoch(),
      // The last moment before the consume: everything else has been checked by now.
      consume: async (key, options) => {
        await issuer.verifier.keys.revoke(row.id);
        return issuer.stores.nonces.consume(key, options);
      },
    };
    const { signingKeys } = memoryStores();
    const own = createIssuer({ stores: { ...issuer.stores, nonces, signingKeys } });
    const device = await createWireClient(own, { apiKey });
    const answer = await device.enroll();
    expect(answer.body.code).toBe('invalid_grant');
    expect(await issuer.verifier.devices.list(row.account)).toHaveLength(0);
    await own.verifier.close();
  });

  it('[N13] honest: a revocation of another key does not matter', async () => {
    const other = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
    const form = await client.tokenForm(await client.challenge('session'));
    await issuer.verifier.keys.revoke(other.row.id);
    expect((await client.post('/token', form)).status).toBe(200);
    expect(account).not.toBe(other.row.account);
  });
});
