import { afterAll, expect, it } from 'vitest';
import { type Enrollment, memoryStores } from '../src/index.js';
import { createIssuer } from './harness/issuer.js';
import { call, createWireClient } from './harness/wire-client.js';

const issuer = createIssuer();
afterAll(() => issuer.verifier.close());

it('enrols, gets tokens, calls, renews and revokes', async () => {
  const { apiKey, row } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
  const client = await createWireClient(issuer, { apiKey });
  const enrolled = await client.enroll();
  expect(enrolled.text).toContain('access_token');
  expect(enrolled.status).toBe(201);
  const token = await client.token();
  expect(token.status).toBe(200);
  const session = await call(issuer, client, token.body.access_token, {
    demands: { scope: 'weather:read', maxAge: 60 },
  });
  expect(session).toMatchObject({ account: row.account, key: row.id, amr: ['pop', 'user'] });
  const renewed = await client.renew(row.id);
  expect(renewed.status).toBe(200);
  const revoked = await client.post('/revoke', { token: renewed.body.access_token });
  expect(revoked.status).toBe(200);
  await expect(call(issuer, client, renewed.body.access_token)).rejects.toMatchObject({
    code: 'invalid_token',
  });
  expect((await client.renew(row.id)).body.code).toBe('invalid_grant');
  // The whole session ended, not that of the enrolment.
  await expect(call(issuer, client, token.body.access_token)).rejects.toMatchObject({
    code: 'invalid_token',
  });
  await expect(call(issuer, client, enrolled.body.access_token)).resolves.toBeDefined();
});

it('revoking a text that can be no token is no error (RFC 7009 section 2.2)', async () => {
  const { apiKey } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
  const client = await createWireClient(issuer, { apiKey });
  for (const token of ['x', 'x'.repeat(5000)]) {
    expect((await client.post('/revoke', { token })).status).toBe(200);
  }
  expect((await client.post('/revoke', {})).body.code).toBe('invalid_request');
});

it('a token does not outlive its key', async () => {
  const expiresAt = issuer.now() + 200_000;
  const { apiKey } = await issuer.verifier.keys.issue({ scopes: ['weather:read'], expiresAt });
  const client = await createWireClient(issuer, { apiKey });
  const { status, body } = await client.enroll();
  expect(status).toBe(201);
  expect(body.expires_in).toBeLessThanOrEqual(200);
});

/** An issuer whose clock stands, and a client with a key that expires so many milliseconds later. */
async function atFixedTime(lifetime: number, whenEnrolled = 0) {
  // Early in a second, so that the lifetime says whether the key ends within it.
  let at = Math.floor(Date.now() / 1000) * 1000 + 100;
  const clock = () => at;
  const stores = memoryStores({ clock });
  const devices = {
    ...stores.devices,
    enroll: async (enrollment: Enrollment) => {
      at += whenEnrolled;
      return stores.devices.enroll(enrollment);
    },
  };
  const fixed = createIssuer({ clock, stores: { ...stores, devices } });
  const { apiKey, row } = await fixed.verifier.keys.issue({
    scopes: ['weather:read'],
    expiresAt: at + lifetime,
  });
  const client = await createWireClient(fixed, { apiKey });
  const body = await client.enrollBody(await client.challenge('enroll'));
  const answer = await client.post('/enroll', body, { dpop: { now: at } });
  await fixed.verifier.close();
  return { answer, devices: await stores.devices.listByAccount(row.account) };
}

it('a key that expires within the second enrols no device', async () => {
  const { answer, devices } = await atFixedTime(500);
  expect(answer.body.code).toBe('invalid_grant');
  expect(devices).toEqual([]);
});

it('a key that is good when it is judged gives the device its token', async () => {
  const { answer, devices } = await atFixedTime(1000, 1000);
  expect(answer.status).toBe(201);
  expect(answer.body.expires_in).toBe(1);
  expect(devices).toHaveLength(1);
});

it('refuses at set-up what no route could demand', () => {
  expect(() => issuer.verifier.assertDemands({ scope: 'weather:raed' })).toThrow(TypeError);
  expect(() => issuer.verifier.assertDemands({ maxAge: 9 })).toThrow(TypeError);
  expect(() => issuer.verifier.assertDemands({ scope: 'weather:read', maxAge: 10 })).not.toThrow();
});

it('a session that was ended is not renewed, where the store forgot that its row was deleted', async () => {
  const stores = memoryStores();
  const sessions = { ...stores.sessions, delete: async () => {} };
  const forgetful = createIssuer({ stores: { ...stores, sessions } });
  const { apiKey, row } = await forgetful.verifier.keys.issue({ scopes: ['weather:read'] });
  const client = await createWireClient(forgetful, { apiKey });
  const { body } = await client.enroll();
  expect((await client.renew(row.id)).status).toBe(200);
  expect((await client.post('/revoke', { token: body.access_token })).status).toBe(200);
  expect((await client.renew(row.id)).body.code).toBe('invalid_grant');
  await forgetful.verifier.close();
});
