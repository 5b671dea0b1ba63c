import { readFileSync } from 'node:fs';
import { createTestClient } from '@pzk-auth/client/testing';
import { createVerifier, type Stores, type Verifier } from '@pzk-auth/verifier';
import { redisClientOptions, redisStores } from '@pzk-auth/verifier/redis';
import { migrate, postgresDatabase, sqlStores } from '@pzk-auth/verifier/sql';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis } from '../../verifier/test/redis/start-redis.js';
import { type PostgresServer, startPostgres } from '../../verifier/test/sql/start-postgres.js';
import { createWorkplace, SECRET, sharedConfig, type Workplace } from './harness.js';

const ISSUER = 'http://localhost:3998';
let postgres: PostgresServer;
let redis: RedisServer;
let place: Workplace;
let url: string;
let verifier: Verifier;
let stores: Stores;
let close: () => Promise<void>;

beforeAll(async () => {
  postgres = await startPostgres();
  redis = await startRedis();
  url = await postgres.createDatabase();
  place = createWorkplace();
  place.write('pzk.config.mjs', sharedConfig(ISSUER));
  const database = postgresDatabase(url);
  await migrate(database);
  const client = new Redis(redis.port, '127.0.0.1', redisClientOptions);
  stores = {
    ...sqlStores({ database, issuer: ISSUER }),
    ...redisStores({ client, timeout: 5000 }),
  };
  verifier = createVerifier({
    issuer: ISSUER,
    audience: ISSUER,
    rpId: 'localhost',
    origins: [ISSUER],
    scopes: ['weather:read', 'weather:write'],
    secret: SECRET,
    stores,
  });
  close = async () => {
    await verifier.close();
    client.disconnect();
    await database.close();
  };
});
afterAll(async () => {
  await close?.();
  await redis?.stop();
  await postgres?.stop();
  place?.remove();
});

const run = (...words: string[]) =>
  place.run([...words, '--json'], {
    PZK_SECRET: SECRET,
    DATABASE_URL: url,
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
  });

/** A client of the running server that calls a protected route. */
async function signIn(apiKey: string) {
  const serve = async (...args: ConstructorParameters<typeof Request>): Promise<Response> => {
    const request = new Request(...args);
    if (!request.url.endsWith('/weather')) return verifier.handle(request);
    const { method, headers } = request;
    return verifier
      .authenticate({ method, url: '/weather', headers }, { scope: 'weather:read' })
      .then(
        () => new Response('sunny'),
        () => new Response('', { status: 401 }),
      );
  };
  const client = createTestClient({ issuer: ISSUER, scope: ['weather:read'], fetch: serve });
  await client.enroll({ apiKey, user: { name: 'ada', displayName: 'Ada' } });
  return { get: async () => (await client.fetch(`${ISSUER}/weather`)).status };
}

describe('beside a running server, on PostgreSQL and Redis', () => {
  it('a key that was issued here enrols there, and revoked here it is refused there at once', async () => {
    const { apiKey, key } = (await run('keys', 'issue', '--scope', 'weather:read')).json;
    const client = await signIn(apiKey);
    expect(await client.get()).toBe(200);
    const revoked = await run('keys', 'revoke', key.id);
    expect(revoked.json.takesEffect).toBe('at_once');
    expect(await client.get()).toBe(401);
  });

  it('lists the devices of an account and revokes one', async () => {
    const { apiKey, key } = (await run('keys', 'issue', '--scope', 'weather:read')).json;
    const client = await signIn(apiKey);
    expect(await client.get()).toBe(200);
    expect((await run('devices', 'list')).code).toBe(2);
    const { devices } = (await run('devices', 'list', '--account', key.account)).json;
    expect(devices).toMatchObject([{ account: key.account, key: key.id, status: 'active' }]);
    expect((await run('devices', 'revoke', devices[0].id)).code).toBe(0);
    expect(await client.get()).toBe(401);
    const left = await run('devices', 'list', '--account', key.account, '--active');
    expect(left.json.devices).toEqual([]);
  });

  it('rotates a key while its holder goes on, and both are good until the grace ends', async () => {
    const { apiKey, key } = (await run('keys', 'issue', '--scope', 'weather:read')).json;
    const client = await signIn(apiKey);
    const statuses: number[] = [];
    let rotated = false;
    const rotation = run('keys', 'rotate', key.id, '--grace', '24h').finally(() => {
      rotated = true;
    });
    while (!rotated) statuses.push(await client.get());
    statuses.push(await client.get());
    expect(new Set(statuses)).toEqual(new Set([200]));
    const { json } = await rotation;
    expect(json.previous).toMatchObject({ id: key.id, status: 'active' });
    expect(json.key).toMatchObject({ account: key.account, scopes: key.scopes });
    expect((await run('audit', 'verify')).json.valid).toBe(true);
  });

  it('works with the configuration of the README as it stands there', async () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const [, config = ''] = /```js\n(\/\/ pzk\.config\.mjs\n.*?)```/s.exec(readme) ?? [];
    const other = createWorkplace();
    try {
      other.write('pzk.config.mjs', config);
      const env = {
        NODE_ENV: 'production',
        PZK_SECRET: SECRET,
        DATABASE_URL: await postgres.createDatabase(),
        REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      };
      expect((await other.run(['migrate', '--json'], env)).json.applied).not.toEqual([]);
      expect(await other.run(['keys', 'issue', '--scope', 'weather:read'], env)).toMatchObject({
        code: 0,
      });
      const { json } = await other.run(['doctor', '--offline', '--json'], env);
      expect(json.ok).toBe(true);
    } finally {
      other.remove();
    }
  });

  it('says that a store is away, with code 4, and names it to the doctor', async () => {
    const away = await place.run(['keys', 'list', '--json'], {
      PZK_SECRET: SECRET,
      DATABASE_URL: 'postgresql://127.0.0.1:1/app',
      REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    });
    expect({ code: away.code, error: away.error.code }).toEqual({
      code: 4,
      error: 'store_unavailable',
    });
    expect(away.error.message).toContain('ECONNREFUSED');
    expect(away.error.hint).toContain('pzk-auth doctor');
    const doctor = await place.run(['doctor', '--offline', '--json'], {
      PZK_SECRET: SECRET,
      DATABASE_URL: url,
      REDIS_URL: 'redis://127.0.0.1:1',
    });
    expect(doctor.code).toBe(1);
    const failed = doctor.json.checks.filter(
      ({ status }: { status: string }) => status === 'failed',
    );
    const names: string[] = failed.map(({ check }: { check: string }) => check);
    expect(names).toContain('stores.nonces');
    expect(names).not.toContain('stores.keys');
  });
});
