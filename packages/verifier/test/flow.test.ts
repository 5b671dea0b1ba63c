import { afterAll, expect, it } from 'vitest';
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
  await expect(call(issuer, client, token.body.access_token)).resolves.toBeDefined();
});
