import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { redisClientOptions, redisStores } from '../../src/redis/index.js';
import type { ShortLivedStores } from '../../src/stores/short-lived-stores.js';
import {
  everyOperation,
  expectAllUnavailable,
  PATIENCE,
  session,
  TTL,
  unavailable,
  within2s,
} from './expectations.js';
import { type RedisServer, startRedis } from './start-redis.js';

/** A nonce store that knows its epoch for a second answers from memory: ask a fresh one. */
function freshEpoch(client: Redis, options: { readonly timeout?: number } = {}): Promise<string> {
  return redisStores({ client, ...options }).nonces.epoch();
}

describe.each([
  { title: 'the recommended client options', clientOptions: redisClientOptions },
  { title: 'the default client options of ioredis', clientOptions: {} },
])('faults, with $title', ({ clientOptions }) => {
  let server: RedisServer;
  let client: Redis;
  let admin: Redis;
  /** With the default time limit, for what has to be refused in time. */
  let stores: ShortLivedStores;
  /** For what has to be answered. */
  let patient: ShortLivedStores;
  beforeEach(async () => {
    server = await startRedis();
    client = server.connect(clientOptions);
    admin = server.connect();
    stores = redisStores({ client });
    patient = redisStores({ client, ...PATIENCE });
  });
  afterEach(() => server?.stop());

  it('[N7] a store that was killed before the consume', async () => {
    const epoch = await patient.nonces.epoch();
    await server.kill();
    await expectAllUnavailable(everyOperation(stores, epoch));
    await expect(within2s(freshEpoch(client))).rejects.toMatchObject(unavailable);
  });

  it('[N7] a store that is killed during the consume', async () => {
    const epoch = await patient.nonces.epoch();
    server.signal('SIGSTOP');
    const refused = expectAllUnavailable(everyOperation(stores, epoch));
    await sleep(50);
    await server.kill();
    await refused;
  });

  it('[N7] a store that is killed after the consume, and comes back empty', async () => {
    const epoch = await patient.nonces.epoch();
    expect(await patient.nonces.consume('nonce', { epoch, ttl: TTL })).toBe('consumed');
    await server.kill();
    await expectAllUnavailable(everyOperation(stores, epoch));
    await server.restart();
    await expect.poll(() => freshEpoch(client).catch(() => epoch)).not.toBe(epoch);
    expect(await patient.nonces.consume('nonce', { epoch, ttl: TTL })).toBe('stale');
  });

  it('[N7] honest: a store that runs', async () => {
    const epoch = await patient.nonces.epoch();
    expect(await Promise.all(everyOperation(patient, epoch))).toHaveLength(10);
    expect(await patient.nonces.consume('nonce', { epoch, ttl: TTL })).toBe('replayed');
  });

  it('[N8] a store that hangs', async () => {
    const epoch = await patient.nonces.epoch();
    server.signal('SIGSTOP');
    await expectAllUnavailable(everyOperation(stores, epoch));
    server.signal('SIGCONT');
    // The late command may have used the nonce up; it never made a second one possible.
    await expect
      .poll(() => stores.nonces.consume('nonce', { epoch, ttl: TTL }).catch(() => 'down'))
      .toBe('replayed');
  });

  it('[N8] a store that is slower than the timeout', async () => {
    const epoch = await patient.nonces.epoch();
    // On the connection of what follows, and so before it.
    const slow = client.call('DEBUG', 'SLEEP', '1.5').catch(() => undefined);
    await expectAllUnavailable(everyOperation(stores, epoch));
    await slow;
  });

  it('[N8] honest: a store that is slow within the timeout', async () => {
    const epoch = await patient.nonces.epoch();
    const slow = client.call('DEBUG', 'SLEEP', '1');
    // It would be too slow for the default.
    expect(await patient.nonces.consume('slow', { epoch, ttl: TTL })).toBe('consumed');
    await slow;
  });

  it('[N8] LOADING', async () => {
    const epoch = await patient.nonces.epoch();
    await admin.call('DEBUG', 'POPULATE', '20000');
    // It would load for a minute; the end of this is told below.
    await admin.config('SET', 'key-load-delay', '3000');
    await admin.config('SET', 'loading-process-events-interval-bytes', '1024');
    const loaded = admin.call('DEBUG', 'RELOAD');
    const watcher = server.connect({ enableReadyCheck: false });
    await expect.poll(() => watcher.get('x').catch(String)).toMatch(/LOADING/);
    await expectAllUnavailable(everyOperation(stores, epoch));
    await watcher.config('SET', 'key-load-delay', '0');
    await loaded;
  });

  it('[N8] READONLY: the server has become a replica', async () => {
    const epoch = await patient.nonces.epoch();
    await admin.replicaof('127.0.0.1', '1');
    const { nonces, replays, revocations, sessions, budgets } = stores;
    await expectAllUnavailable([
      nonces.consume('nonce', { epoch, ttl: TTL }),
      replays.record('jti', TTL),
      revocations.revoke(['id'], TTL),
      sessions.put('session', session, TTL),
      budgets.add('budget', TTL),
      freshEpoch(client),
    ]);
  });

  it('[N8] READONLY: the server has become a replica of another history', async () => {
    const epoch = await patient.nonces.epoch();
    const other = await startRedis(['--repl-diskless-sync-delay', '0']);
    try {
      await admin.replicaof('127.0.0.1', `${other.port}`);
      await expect.poll(() => admin.info('replication')).toContain('master_link_status:up');
      // Not `stale`: a replica cannot know, and the client shall not be told to try again at once.
      await expectAllUnavailable([
        stores.nonces.consume('nonce', { epoch, ttl: TTL }),
        freshEpoch(client),
      ]);
    } finally {
      await other.stop();
    }
  });

  it('[N8] honest: READONLY ends, and what was issued before the change is stale', async () => {
    const epoch = await patient.nonces.epoch();
    await admin.replicaof('127.0.0.1', '1');
    await admin.replicaof('NO', 'ONE');
    expect(await patient.nonces.consume('nonce', { epoch, ttl: TTL })).toBe('stale');
    const next = await patient.nonces.epoch();
    expect(next).not.toBe(epoch);
    expect(await patient.nonces.consume('nonce', { epoch: next, ttl: TTL })).toBe('consumed');
  });

  it('[N8] out of memory', async () => {
    const epoch = await patient.nonces.epoch();
    await admin.config('SET', 'maxmemory', '1');
    const { nonces, replays, revocations, sessions, budgets } = stores;
    await expectAllUnavailable([
      nonces.consume('nonce', { epoch, ttl: TTL }),
      replays.record('jti', TTL),
      revocations.revoke(['id'], TTL),
      sessions.put('session', session, TTL),
      budgets.add('budget', TTL),
    ]);
    await admin.config('SET', 'maxmemory', '0');
    expect(await patient.nonces.consume('nonce', { epoch, ttl: TTL })).toBe('consumed');
  });

  it('[N8] a server that would evict records', async () => {
    await admin.config('SET', 'maxmemory', '100mb');
    await admin.config('SET', 'maxmemory-policy', 'volatile-lru');
    await expect(freshEpoch(client)).rejects.toMatchObject(unavailable);
    const told = redisStores({ client, dangerouslyAllowEviction: true, ...PATIENCE });
    await expect(told.nonces.epoch()).resolves.toBeTypeOf('string');
  });

  it('[N8] honest: a server with bounded memory that evicts nothing', async () => {
    await admin.config('SET', 'maxmemory', '100mb');
    await expect(freshEpoch(client, PATIENCE)).resolves.toBeTypeOf('string');
  });
});

describe('what is stored', () => {
  let server: RedisServer;
  let client: Redis;
  let admin: Redis;
  let stores: ShortLivedStores;
  beforeAll(async () => {
    server = await startRedis();
    client = server.connect(redisClientOptions);
    admin = server.connect();
  });
  beforeEach(async () => {
    await admin.flushall();
    stores = redisStores({ client, ...PATIENCE });
  });
  afterAll(() => server?.stop());

  it('[N10] a flood of challenges stores one marker and asks once', async () => {
    await admin.config('RESETSTAT');
    const epochs = await Promise.all(Array.from({ length: 5_000 }, () => stores.nonces.epoch()));
    for (let index = 0; index < 500; index++) epochs.push(await stores.nonces.epoch());
    expect(new Set(epochs).size).toBe(1);
    expect(await admin.keys('*')).toEqual(['pzk:{nonce}:epoch']);
    const calls = /cmdstat_eval:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? '0';
    // Once for each second that this took.
    expect(Number(calls)).toBeLessThan(20);
  });

  it('[N10] honest: a consume stores one record, which expires', async () => {
    const epoch = await stores.nonces.epoch();
    await stores.nonces.consume('nonce', { epoch, ttl: TTL });
    const records = (await admin.keys('*')).filter((key) => key !== 'pzk:{nonce}:epoch');
    expect(records).toHaveLength(1);
    expect(await admin.pttl(records[0] ?? '')).toBeGreaterThan(0);
  });

  it('[N12] odd keys are stored under names of one length and alphabet', async () => {
    const epoch = await stores.nonces.epoch();
    const odd = [
      'a\0b',
      'a\r\nFLUSHALL\r\n',
      '*',
      '?',
      '[a-z]',
      '\\',
      '{a}',
      'x'.repeat(10_240),
      '\u{1f511}',
      '\ud800',
      '\ud801',
      '',
    ];
    for (const key of odd) {
      expect(await stores.nonces.consume(key, { epoch, ttl: TTL })).toBe('consumed');
      expect(await stores.replays.record(key, TTL)).toBe(true);
      expect(await stores.revocations.isRevoked([key])).toBe(false);
      await stores.revocations.revoke([key], TTL);
      await stores.sessions.put(key, session, TTL);
      expect(await stores.budgets.add(key, TTL)).toBe(1);
    }
    const names = (await admin.keys('*')).filter((name) => name !== 'pzk:{nonce}:epoch');
    expect(names).toHaveLength(5 * odd.length);
    for (const name of names) {
      expect(name).toMatch(
        /^pzk:(\{nonce\}|replay|\{revocation\}|session|budget):[A-Za-z0-9_-]{43}$/,
      );
    }
    for (const key of odd) {
      expect(await stores.nonces.consume(key, { epoch, ttl: TTL })).toBe('replayed');
    }
  });

  it('[N12] an odd epoch is stale', async () => {
    const epoch = await stores.nonces.epoch();
    for (const odd of ['', '\0', `${epoch}\0`, `${epoch}\r\n`, '*', 'x'.repeat(10_240)]) {
      expect(await stores.nonces.consume('nonce', { epoch: odd, ttl: TTL })).toBe('stale');
    }
    await admin.del('pzk:{nonce}:epoch');
    expect(await stores.nonces.consume('nonce', { epoch: '', ttl: TTL })).toBe('stale');
  });

  it('[N12] honest: an ordinary key', async () => {
    const epoch = await stores.nonces.epoch();
    expect(await stores.nonces.consume('nonce', { epoch, ttl: TTL })).toBe('consumed');
  });

  it('[L7] of 200 consumes over two connections exactly one wins', async () => {
    const other = redisStores({ client: server.connect(redisClientOptions), ...PATIENCE });
    const epoch = await stores.nonces.epoch();
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        (index % 2 === 0 ? stores : other).nonces.consume('one', { epoch, ttl: TTL }),
      ),
    );
    expect(results.filter((result) => result === 'consumed')).toHaveLength(1);
  });

  it('[L7] honest: 200 consumes of distinct nonces all win', async () => {
    const epoch = await stores.nonces.epoch();
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        stores.nonces.consume(`nonce ${index}`, { epoch, ttl: TTL }),
      ),
    );
    expect(new Set(results)).toEqual(new Set(['consumed']));
  });

  it('refuses what was issued before the database was emptied', async () => {
    const epoch = await stores.nonces.epoch();
    await stores.nonces.consume('nonce', { epoch, ttl: TTL });
    await admin.flushall();
    expect(await stores.nonces.consume('nonce', { epoch, ttl: TTL })).toBe('stale');
    const next = await stores.nonces.epoch();
    expect(next).not.toBe(epoch);
    expect(await stores.nonces.consume('nonce', { epoch, ttl: TTL })).toBe('stale');
  });

  it('takes corrupt rows for a failure', async () => {
    await stores.sessions.put('id', session, TTL);
    await stores.budgets.add('key', TTL);
    const [row] = await admin.keys('pzk:session:*');
    const [sum] = await admin.keys('pzk:budget:*');
    for (const text of [
      '',
      'null',
      '[]',
      '{}',
      '{',
      JSON.stringify({ ...session, more: 1 }),
      JSON.stringify({ ...session, authTime: '1' }),
      JSON.stringify({ ...session, keyProtection: 'other' }),
    ]) {
      await admin.set(row ?? '', text);
      await expect(stores.sessions.get('id')).rejects.toMatchObject(unavailable);
    }
    for (const text of ['', 'x', '-1', '1.5', '1e3', '9'.repeat(30)]) {
      await admin.set(sum ?? '', text);
      await expect(stores.budgets.read('key')).rejects.toMatchObject(unavailable);
    }
    await admin.del(row ?? '');
    await admin.lpush(row ?? '', 'x');
    await expect(stores.sessions.get('id')).rejects.toMatchObject(unavailable);
  });

  it('keeps prefixes apart', async () => {
    const other = redisStores({ client, prefix: 'other:', ...PATIENCE });
    expect(await stores.replays.record('jti', TTL)).toBe(true);
    expect(await other.replays.record('jti', TTL)).toBe(true);
    expect((await admin.keys('other:*')).length).toBe(1);
  });
});

describe('clients', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());

  it('connects a lazy client and waits for one that is connecting', async () => {
    for (const lazyConnect of [true, false]) {
      const client = server.connect({ ...redisClientOptions, lazyConnect });
      expect(await redisStores({ client, ...PATIENCE }).budgets.read('none')).toBe(0);
    }
  });

  it('rejects at once on a client that was closed', async () => {
    const client = server.connect(redisClientOptions);
    const { budgets } = redisStores({ client, ...PATIENCE });
    await budgets.read('none');
    client.disconnect();
    await expect(budgets.read('none')).rejects.toMatchObject(unavailable);
  });

  it('does not execute later what timed out while there was no connection', async () => {
    const other = await startRedis();
    try {
      const client = other.connect({ retryStrategy: () => 100 });
      const { budgets } = redisStores({ client, timeout: 100 });
      const patient = redisStores({ client, ...PATIENCE });
      await patient.budgets.add('key', TTL);
      await other.kill();
      await expect.poll(() => client.status).not.toBe('ready');
      await expect(budgets.add('key', TTL)).rejects.toMatchObject(unavailable);
      await other.restart();
      await expect.poll(() => client.status).toBe('ready');
      expect(await patient.budgets.read('key')).toBe(0);
    } finally {
      await other.stop();
    }
  });

  it('works with stringNumbers, RESP2, a key prefix and pipelining of the client', async () => {
    for (const options of [
      { stringNumbers: true },
      { protocol: 2 as const },
      { keyPrefix: 'app:' },
      { enableAutoPipelining: true },
    ]) {
      const client = server.connect({ ...redisClientOptions, ...options });
      const { nonces, replays, revocations, budgets } = redisStores({
        client,
        prefix: `${Object.keys(options)[0]}:`,
        ...PATIENCE,
      });
      const epoch = await nonces.epoch();
      expect(await nonces.consume('nonce', { epoch, ttl: TTL })).toBe('consumed');
      expect(await nonces.consume('nonce', { epoch, ttl: TTL })).toBe('replayed');
      expect(await replays.record('jti', TTL)).toBe(true);
      await revocations.revoke(['id'], TTL);
      expect(await revocations.isRevoked(['id'])).toBe(true);
      expect(await budgets.add('budget', TTL)).toBe(1);
    }
  });

  it('works for a user who may do no more than docs/redis.md says', async () => {
    const guide = readFileSync(new URL('../../../../docs/redis.md', import.meta.url), 'utf8');
    const lines = guide.match(/^ACL SETUSER .*$/gm) ?? [];
    expect(lines).toHaveLength(2);
    const admin = server.connect();
    for (const line of lines) await admin.call('ACL', ...line.split(' ').slice(1));
    const client = server.connect({ ...redisClientOptions, username: 'pzk', password: 'password' });
    const stores = redisStores({ client, ...PATIENCE });
    const epoch = await stores.nonces.epoch();
    expect(await Promise.all(everyOperation(stores, epoch))).toHaveLength(10);
    await expect(client.flushall()).rejects.toThrow('NOPERM');
    await expect(client.get('other')).rejects.toThrow('NOPERM');
  });

  it.each(['', 'a b', 'a{b}', 'a*', 'x'.repeat(65)])('refuses the prefix "%s"', (prefix) => {
    expect(() => redisStores({ client: server.connect(), prefix })).toThrow(TypeError);
  });

  it.each([0, -1, 1.5, Number.NaN, 60_001])('refuses the timeout %s', (timeout) => {
    expect(() => redisStores({ client: server.connect(), timeout })).toThrow(TypeError);
  });
});
