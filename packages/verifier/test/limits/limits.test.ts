import { RENEW_GRANT } from '@pzk-auth/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { memoryStores, type Stores, type VerifierOptions } from '../../src/index.js';
import { createIssuer, type TestIssuer } from '../harness/issuer.js';
import { mapStores } from '../harness/watched-issuer.js';
import { call, createWireClient, type WireAnswer } from '../harness/wire-client.js';

const SCOPES = { scopes: ['weather:read'] };
const ADDRESS = '192.0.2.7';

let issuer: TestIssuer;
afterEach(() => issuer.verifier.close());

async function createPerson(options: Partial<VerifierOptions> = {}) {
  issuer = createIssuer(options);
  // The start of a window, so that none ends within a test.
  const window = 600_000;
  issuer.offset = window - (Date.now() % window);
  const { apiKey, row } = await issuer.verifier.keys.issue(SCOPES);
  const client = await createWireClient(issuer, { apiKey });
  const challenge = (address = ADDRESS) =>
    client.post(
      '/challenge',
      { purpose: 'session', jkt: client.sessionKey.jkt, scope: 'weather:read' },
      { dpop: null, address },
    );
  return { client, row, challenge };
}

function count(answers: readonly WireAnswer[], status: number): number {
  return answers.filter((answer) => answer.status === status).length;
}

async function times<T>(number: number, work: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: number }, (_, index) => work(index)));
}

describe('rate limits', () => {
  it('of a flood from one address exactly the quota passes; others are served', async () => {
    const { challenge } = await createPerson({
      rateLimits: { address: { requests: 50, seconds: 60 } },
    });
    const answers = await times(1000, () => challenge());
    expect([count(answers, 200), count(answers, 429)]).toEqual([50, 950]);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.body).toMatchObject({ code: 'too_many_requests' });
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(refused?.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect(refused?.headers.get('ratelimit-policy')).toBe('"address";q=50;w=60');
    expect(refused?.headers.get('ratelimit')).toMatch(/^"address";r=0;t=\d+$/);
    expect((await challenge('192.0.2.8')).status).toBe(200);
    issuer.offset += 60_000;
    expect((await challenge()).status).toBe(200);
  });

  it('IPv6 addresses of one customer count together', async () => {
    const { challenge } = await createPerson({
      rateLimits: { address: { requests: 2, seconds: 60 } },
    });
    const answers = await times(4, (index) => challenge(`2001:db8::${index}`));
    expect(count(answers, 429)).toBe(2);
    expect((await challenge('2001:db8:0:1::1')).status).toBe(200);
  });

  it('[O1] an IPv4 address counts alone, and as one in each of its spellings', async () => {
    const { challenge } = await createPerson({
      rateLimits: { address: { requests: 2, seconds: 60 } },
    });
    // As a socket that takes both families names its clients, and as a translator does.
    const spellings = ['192.0.2.7', '::ffff:192.0.2.7', '::FFFF:c000:207', '64:ff9b::192.0.2.7'];
    const answers = await times(4, (index) => challenge(spellings[index]));
    expect(count(answers, 429)).toBe(2);
    for (const other of ['::ffff:192.0.2.8', '64:ff9b::c000:209', '::1', 'unix:', '']) {
      expect((await challenge(other)).status, other).toBe(200);
    }
    // No address at all, as a host without types may say it.
    const none = await times(5, () => challenge(null as unknown as string));
    expect(count(none, 200)).toBe(5);
  });

  it('[O1] honest: clients of one socket for both families do not lock each other out', async () => {
    const { challenge } = await createPerson({
      rateLimits: { address: { requests: 2, seconds: 60 } },
    });
    const answers = await times(50, (index) => challenge(`::ffff:198.51.100.${index}`));
    expect(count(answers, 200)).toBe(50);
  });

  it('a key has its own limit for exchanges, and one for calls where it is set', async () => {
    const { client, row } = await createPerson({
      rateLimits: { key: { requests: 3, seconds: 60 }, calls: { requests: 2, seconds: 60 } },
    });
    const { body } = await client.enroll();
    expect((await client.renew(row.id)).status).toBe(200);
    expect((await client.token()).status).toBe(200);
    const refused = await client.renew(row.id);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('ratelimit-policy')).toBe('"key";q=3;w=60');
    await call(issuer, client, body.access_token);
    await call(issuer, client, body.access_token);
    const error = await call(issuer, client, body.access_token).catch((reason) => reason);
    const request = { method: 'GET', url: '/', headers: new Headers({ authorization: 'DPoP x' }) };
    const problem = issuer.verifier.problem(error, request);
    expect(problem.status).toBe(429);
    expect(problem.headers['ratelimit-policy']).toBe('"calls";q=2;w=60');
    issuer.offset += 60_000;
    expect((await client.renew(row.id)).status).toBe(200);
  });

  it('[O1] who repeats the calls and renewals of others uses up no quota of theirs', async () => {
    const { client, row } = await createPerson({
      rateLimits: { key: { requests: 3, seconds: 60 }, calls: { requests: 2, seconds: 60 } },
    });
    const { body } = await client.enroll();
    const token = body.access_token as string;
    const claims = { jti: 'seen on the way' };
    await call(issuer, client, token, { claims });
    for (let index = 0; index < 5; index++) {
      await expect(call(issuer, client, token, { claims })).rejects.toMatchObject({
        code: 'invalid_dpop_proof',
      });
    }
    await expect(call(issuer, client, token)).resolves.toBeDefined();
    const form = { grant_type: RENEW_GRANT, client_id: row.id };
    const own = { dpop: { claims: { jti: 'of a renewal' } } };
    expect((await client.post('/token', form, own)).status).toBe(200);
    for (let index = 0; index < 5; index++) {
      expect((await client.post('/token', form, own)).body.code).toBe('invalid_dpop_proof');
    }
    expect((await client.renew(row.id)).status).toBe(200);
  });

  it('can be turned off, one or all', async () => {
    const { challenge } = await createPerson({ rateLimits: false });
    expect(count(await times(3100, () => challenge()), 200)).toBe(3100);
    const other = await createPerson({ rateLimits: { address: false } });
    expect(count(await times(3100, () => other.challenge()), 200)).toBe(3100);
  });

  it('by default a flood ends', async () => {
    const { challenge } = await createPerson();
    expect(count(await times(3100, () => challenge()), 200)).toBe(3000);
  });

  it('where the store cannot count, requests go on and the fault is told', async () => {
    const stores: Stores = mapStores(memoryStores(), (method, store) => async (...args) => {
      if (store === 'budgets') throw new Error('down');
      return method(...args);
    });
    const { challenge } = await createPerson({ stores });
    expect((await challenge()).status).toBe(200);
    expect(issuer.events).toContainEqual(
      expect.objectContaining({ type: 'fault', endpoint: 'limits' }),
    );
  });

  it.each([
    { address: { requests: 0, seconds: 60 } },
    { key: { requests: 1, seconds: 3601 } },
    { calls: { requests: 1.5, seconds: 1 } },
  ])('refuses %j', async (rateLimits) => {
    await createPerson();
    expect(() => createIssuer({ rateLimits })).toThrow(/rateLimits/);
  });
});

describe('failure budgets', () => {
  it('parallel failures do not get past the budget of an address', async () => {
    const { client } = await createPerson({ addressFailureLimit: 5 });
    const stranger = await createWireClient(issuer, { apiKey: `pzk_${'c'.repeat(49)}` });
    const form = await stranger.tokenForm(await stranger.challenge('session'), {
      credential: null,
    });
    // One proof, for twenty exchanges that it does not belong to.
    const forms = await times(20, async () => {
      const { nonce } = await stranger.challenge('session');
      return { ...form, nonce };
    });
    const answers = await times(20, (index) =>
      stranger.post('/token', forms[index], { address: ADDRESS }),
    );
    const codes = answers.map(({ body }) => body.code);
    expect(codes.filter((code) => code === 'invalid_grant')).toHaveLength(5);
    expect(codes.filter((code) => code === 'too_many_requests')).toHaveLength(15);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.headers.get('ratelimit-policy')).toBe('"address-failures";q=5;w=600');
    // Good credentials from there wait, too; from elsewhere they do not.
    const body = await client.enrollBody(await client.challenge('enroll'));
    expect((await client.post('/enroll', body, { address: ADDRESS })).status).toBe(429);
    expect((await client.post('/enroll', body, { address: '192.0.2.8' })).status).toBe(201);
    issuer.offset += 600_000;
    const later = await client.tokenForm(await client.challenge('session'));
    expect((await client.post('/token', later, { address: ADDRESS })).status).toBe(200);
  });

  it('what did not fail is given back: success, other refusals, a crowd that had to wait', async () => {
    const { client } = await createPerson({ addressFailureLimit: 2, deviceFailureLimit: 2 });
    const enrol = await client.enrollBody(await client.challenge('enroll'));
    expect((await client.post('/enroll', enrol, { address: ADDRESS })).status).toBe(201);
    for (let index = 0; index < 4; index++) {
      const form = await client.tokenForm(await client.challenge('session'));
      expect((await client.post('/token', form, { address: ADDRESS })).status).toBe(200);
      const again = await client.post('/token', form, { address: ADDRESS });
      expect(again.body.code).toBe('invalid_nonce');
    }
    const forms: Record<string, string>[] = [];
    for (let index = 0; index < 6; index++) {
      forms.push(await client.tokenForm(await client.challenge('session')));
    }
    await times(6, (index) => client.post('/token', forms[index], { address: ADDRESS }));
    const form = await client.tokenForm(await client.challenge('session'));
    expect((await client.post('/token', form, { address: ADDRESS })).status).toBe(200);
  });

  it('[O1] a flood of attempts that do not fail, from ever other addresses, leaves no room taken', async () => {
    const stores = memoryStores({ maxEntries: 100 });
    const { client } = await createPerson({ stores, rateLimits: false });
    const form = { grant_type: RENEW_GRANT, client_id: 'nobody' };
    for (let index = 0; index < 300; index++) {
      const address = `198.51.${index >> 8}.${index & 255}`;
      const { body } = await client.post('/token', form, { dpop: null, address });
      expect(body.code).toBe('invalid_dpop_proof');
    }
    const enrol = await client.enrollBody(await client.challenge('enroll'));
    expect((await client.post('/enroll', enrol, { address: ADDRESS })).status).toBe(201);
  });

  it('parallel bad proofs do not get past the budget of a device', async () => {
    const { client } = await createPerson({ deviceFailureLimit: 2 });
    await client.enroll();
    const forms: Record<string, string>[] = [];
    for (let index = 0; index < 6; index++) {
      const other = await client.tokenForm(await client.challenge('session'));
      const form = await client.tokenForm(await client.challenge('session'));
      forms.push({ ...form, proof: other.proof as string });
    }
    const answers = await times(6, (index) => client.post('/token', forms[index]));
    const codes = answers.map(({ body }) => body.code);
    expect(codes.filter((code) => code === 'invalid_grant')).toHaveLength(2);
    expect(codes.filter((code) => code === 'too_many_requests')).toHaveLength(4);
  });
});
