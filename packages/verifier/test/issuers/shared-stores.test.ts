import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createVerifier, memoryStores } from '../../src/index.js';
import { redisClientOptions, redisStores } from '../../src/redis/index.js';
import { sqliteDatabase, sqlStores } from '../../src/sql/index.js';
import { createIssuer, ISSUER, ORIGIN, RP_ID } from '../harness/issuer.js';
import { call, createWireClient } from '../harness/wire-client.js';
import { type RedisServer, startRedis } from '../redis/start-redis.js';

const ADDRESS = '192.0.2.7';
const UNKNOWN = `pzk_${'c'.repeat(49)}`;

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis?.stop());

/** A tenant as a careless operator sets it up: one Redis, one prefix, one name for the signing key. */
async function createTenant(name: string) {
  const url = `${ISSUER}/${name}`;
  const short = redisStores({ client: redis.connect(redisClientOptions), timeout: 5000 });
  const keys = [];
  for (const kid of ['signing-1', 'signing-2']) {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    keys.push({ ...(await exportJWK(privateKey)), kid });
  }
  const issuer = createIssuer({
    issuer: url,
    audience: url,
    stores: { ...memoryStores(), ...short },
    addressFailureLimit: 2,
    rateLimits: { address: { requests: 20, seconds: 60 } },
    signing: { keys },
  });
  const { apiKey } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
  const client = await createWireClient(issuer, { apiKey });
  const { body } = await client.enroll();
  return { issuer, client, token: body.access_token as string };
}

describe('two issuers that were given one Redis and one prefix', () => {
  it('[H9] administration, failures and floods of one are not felt at the other', async () => {
    const [a, b] = [await createTenant('a'), await createTenant('b')];
    await expect(call(b.issuer, b.client, b.token)).resolves.toBeDefined();

    // The operator of a removes a key that has the name of one of b.
    expect(await a.issuer.verifier.signingKeys.remove('signing-1')).toBe(true);
    await expect(call(a.issuer, a.client, a.token)).rejects.toMatchObject({
      code: 'invalid_token',
    });
    await expect(call(b.issuer, b.client, b.token)).resolves.toBeDefined();

    // Somebody guesses, and floods, at a.
    const stranger = await createWireClient(a.issuer, { apiKey: UNKNOWN });
    for (let index = 0; index < 2; index++) {
      const challenge = await stranger.challenge('session');
      const form = await stranger.tokenForm(challenge, { credential: null });
      const answer = await stranger.post('/token', form, { address: ADDRESS });
      expect(answer.body.code).toBe('invalid_grant');
    }
    for (const { client, status } of [
      { client: a.client, status: 429 },
      { client: b.client, status: 200 },
    ]) {
      const form = await client.tokenForm(await client.challenge('session'));
      expect((await client.post('/token', form, { address: ADDRESS })).status).toBe(status);
    }
    const flood = () => a.client.post('/challenge', {}, { dpop: null, address: '192.0.2.9' });
    await Promise.all(Array.from({ length: 30 }, flood));
    expect((await flood()).status).toBe(429);
    const there = await b.client.post('/challenge', {}, { dpop: null, address: '192.0.2.9' });
    expect(there.status).toBe(400);
    await Promise.all([a, b].map(({ issuer }) => issuer.verifier.close()));
  });

  it('[H9] honest: two processes of one issuer share all of it', async () => {
    const c = await createTenant('c');
    const other = createIssuer({
      issuer: c.issuer.verifier.issuer,
      audience: c.issuer.verifier.issuer,
      stores: {
        ...c.issuer.stores,
        ...redisStores({ client: redis.connect(redisClientOptions), timeout: 5000 }),
      },
      secret: Uint8Array.from({ length: 32 }, (_, index) => index),
    });
    const { jti } = await call(c.issuer, c.client, c.token);
    await other.verifier.tokens.revoke(jti);
    await expect(call(c.issuer, c.client, c.token)).rejects.toMatchObject({
      code: 'invalid_token',
    });
    await Promise.all([c.issuer, other].map(({ verifier }) => verifier.close()));
  });
});

describe('two issuers on one SQLite file', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pzk-issuers-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));
  const options = (issuer: string) => ({
    issuer,
    audience: issuer,
    rpId: RP_ID,
    origins: [ORIGIN],
    scopes: ['weather:read'],
  });

  it('[H9] refuses stores that were made for another issuer, also where that one runs elsewhere', async () => {
    const database = sqliteDatabase(join(directory, 'pzk.db'));
    const stores = { ...memoryStores(), ...sqlStores({ database, issuer: `${ISSUER}/a` }) };
    expect(() => createVerifier({ ...options(`${ISSUER}/b`), stores })).toThrow(
      /stores\.\w+ is in use by another issuer, https:\/\/api\.example\.com\/a/,
    );
    await database.close();
  });

  it('[H9] honest: each with stores of its own on that file', async () => {
    const database = sqliteDatabase(join(directory, 'pzk.db'));
    const verifiers = ['a', 'b'].map((name) => {
      const issuer = `${ISSUER}/${name}`;
      const stores = { ...memoryStores(), ...sqlStores({ database, issuer }) };
      return createVerifier({ ...options(issuer), stores });
    });
    const [a, b] = verifiers;
    const { row } = (await a?.keys.issue({ scopes: ['weather:read'] })) ?? {};
    expect(await b?.keys.get(row?.id ?? '')).toBeUndefined();
    expect(await a?.keys.get(row?.id ?? '')).toEqual(row);
    await Promise.all(verifiers.map((verifier) => verifier.close()));
    await database.close();
  });
});
