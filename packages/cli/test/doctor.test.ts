import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pzkAuth } from '@pzk-auth/express';
import { createVerifier, type Verifier } from '@pzk-auth/verifier';
import { redisClientOptions, redisStores } from '@pzk-auth/verifier/redis';
import { migrate, postgresDatabase, type SqlDatabase, sqlStores } from '@pzk-auth/verifier/sql';
import express, { type RequestHandler } from 'express';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis } from '../../verifier/test/redis/start-redis.js';
import { type PostgresServer, startPostgres } from '../../verifier/test/sql/start-postgres.js';
import { createWorkplace, SECRET, sharedConfig, sqliteConfig, type Workplace } from './harness.js';

const PAGE = 'http://localhost:5173';
let postgres: PostgresServer;
let redis: RedisServer;
let database: SqlDatabase;
let client: Redis;
let server: Server;
let issuer: string;
let url: string;
let verifier: Verifier;
let place: Workplace;
let proxy: RequestHandler | undefined;

/** Something before the application that answers preflight requests, with other headers than ours. */
function answerPreflight(changes: Readonly<Record<string, string>>): void {
  proxy = (req, res, next) => {
    if (req.method !== 'OPTIONS') return next();
    res.status(204).set({
      'access-control-allow-origin': PAGE,
      'access-control-allow-headers': 'content-type, dpop',
      'access-control-allow-methods': 'POST',
      ...changes,
    });
    res.end();
  };
}

/** An application as its author would write it, on PostgreSQL and Redis. */
beforeAll(async () => {
  postgres = await startPostgres();
  redis = await startRedis();
  url = await postgres.createDatabase();
  database = postgresDatabase(url);
  await migrate(database);
  const app = express();
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  client = new Redis(redis.port, '127.0.0.1', redisClientOptions);
  verifier = createVerifier({
    issuer,
    audience: issuer,
    rpId: 'localhost',
    origins: [issuer, PAGE],
    scopes: ['weather:read', 'weather:write'],
    secret: SECRET,
    stores: { ...sqlStores({ database, issuer }), ...redisStores({ client, timeout: 5000 }) },
  });
  await verifier.ready();
  const pzk = pzkAuth(verifier);
  app.use((req, res, next) => (proxy === undefined ? next() : proxy(req, res, next)));
  app.use(pzk.wellKnown());
  app.use('/pzk', pzk.routes());
});
afterAll(async () => {
  server?.closeAllConnections();
  server?.close();
  await verifier?.close();
  client?.disconnect();
  await database?.close();
  await redis?.stop();
  await postgres?.stop();
});
beforeEach(() => {
  place = createWorkplace();
});
afterEach(() => {
  proxy = undefined;
  place.remove();
});

interface Finding {
  readonly check: string;
  readonly status: string;
  readonly hint?: string;
}

async function examine(config: string, env: Record<string, string> = {}, ...flags: string[]) {
  place.write('pzk.config.mjs', config);
  const variables = {
    PZK_SECRET: SECRET,
    DATABASE_URL: url,
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    ...env,
  };
  const answer = await place.run(['doctor', '--json', ...flags], variables);
  const checks: readonly Finding[] = answer.json?.checks ?? [];
  return {
    ...answer,
    checks,
    failed: checks.filter(({ status }) => status === 'failed').map(({ check }) => check),
    warnings: checks.filter(({ status }) => status === 'warning').map(({ check }) => check),
  };
}

describe('doctor', () => {
  it('finds a sound deployment sound, and changes nothing in it', async () => {
    const before = await verifier.signingKeys.list();
    const { code, failed, warnings, checks } = await examine(sharedConfig(issuer, [issuer, PAGE]));
    expect({ code, failed, warnings }).toEqual({ code: 0, failed: [], warnings: [] });
    const names = checks.map(({ check }) => check);
    for (const name of [
      ...['configuration.secret', 'stores.migrations', 'stores.nonces', 'clock.database'],
      ...['clock.redis', 'clock.issuer', 'keys.signing', 'keys.rotation', 'circuits.ownership/v1'],
      ...['domain.metadata', 'domain.jwks', 'domain.circuit', `domain.cors ${PAGE}`],
    ]) {
      expect(names).toContain(name);
    }
    expect(await verifier.signingKeys.list()).toEqual(before);
  });

  it('sees that signing keys do not open with the secret', async () => {
    const other = 'another secret for tests: 0123456789 XYZ';
    const { code, failed, stdout } = await examine(sharedConfig(issuer), { PZK_SECRET: other });
    expect({ code, failed }).toEqual({ code: 1, failed: ['keys.signing'] });
    expect(stdout).not.toContain(other);
  });

  it('sees a page that the running server does not let in', async () => {
    const config = sharedConfig(issuer, [issuer, 'http://localhost:5174']);
    const { code, failed } = await examine(config);
    expect({ code, failed }).toEqual({ code: 1, failed: ['domain.cors http://localhost:5174'] });
  });

  it.each([
    ['lets in another page', { 'access-control-allow-origin': 'https://other.example' }],
    ['does not know the header of the proofs', { 'access-control-allow-headers': 'content-type' }],
    ['lets in no page', { 'access-control-allow-origin': '' }],
  ])('sees a proxy that answers preflight requests and %s', async (_title, changes) => {
    answerPreflight(changes);
    const { code, failed } = await examine(sharedConfig(issuer, [issuer, PAGE]));
    expect({ code, failed }).toEqual({ code: 1, failed: [`domain.cors ${PAGE}`] });
  });

  it('honest: takes a proxy that answers them rightly', async () => {
    answerPreflight({});
    const { code, failed } = await examine(sharedConfig(issuer, [issuer, PAGE]));
    expect({ code, failed }).toEqual({ code: 0, failed: [] });
  });

  it('sees that our clock is wrong, by database, Redis and issuer', async () => {
    place.write('shift.mjs', 'const now = Date.now; Date.now = () => now() - 90_000;');
    const shift = `--import=${place.path('shift.mjs')}`;
    const { code, failed } = await examine(sharedConfig(issuer), { NODE_OPTIONS: shift });
    expect(code).toBe(1);
    for (const name of ['clock.database', 'clock.redis', 'clock.issuer']) {
      expect(failed).toContain(name);
    }
  });

  it('sees migrations that are pending, and then does not ask the stores', async () => {
    const empty = await postgres.createDatabase();
    const { code, failed, checks } = await examine(sharedConfig(issuer), { DATABASE_URL: empty });
    expect({ code, failed }).toEqual({ code: 1, failed: ['stores.migrations'] });
    const [finding] = checks.filter(({ check }) => check === 'stores.migrations');
    expect(finding?.hint).toContain('pzk-auth migrate');
  });

  it('sees an issuer that is not reached, or is another', async () => {
    const away = await examine(sharedConfig('http://localhost:1'));
    expect(away.failed).toContain('domain.metadata');
    const offline = await examine(sharedConfig('http://localhost:1'), {}, '--offline');
    expect({ code: offline.code, failed: offline.failed }).toEqual({ code: 0, failed: [] });
    const other = await examine(sharedConfig(`${issuer}/tenant`, [issuer]));
    expect(other.failed).toContain('domain.metadata');
  });

  it('sees options that createVerifier refuses, memory and a missing secret', async () => {
    const config = sqliteConfig(issuer);
    const refused = await examine(config.replace("rpId: 'localhost'", "rpId: 'example.com'"));
    expect({ code: refused.code, failed: refused.failed }).toEqual({
      code: 1,
      failed: ['configuration'],
    });
    await place.run(['migrate', '--database', 'pzk.db']);
    const forgetful = config.replace('...sqlStores({ database, issuer })', '');
    const memory = await examine(forgetful, {}, '--offline');
    expect(memory.failed).toEqual(['configuration.stores']);
    place.write('pzk.config.mjs', config);
    const bare = await place.run(['doctor', '--json', '--offline']);
    expect(bare.code).toBe(1);
    const failed = bare.json.checks.filter(({ status }: Finding) => status === 'failed');
    expect(failed.map(({ check }: Finding) => check)).toEqual(['configuration.secret']);
  });
});
