import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { redisClientOptions, redisStores } from '../../src/redis/index.js';
import {
  everyOperation,
  expectAllUnavailable,
  PATIENCE,
  TTL,
  unavailable,
} from './expectations.js';
import { type RedisServer, startRedis } from './start-redis.js';

const REPLICA_OPTIONS = ['--repl-diskless-sync-delay', '0'];

async function inStep(master: Redis): Promise<void> {
  await expect
    .poll(
      async () => {
        const results = await master.pipeline().set('step', '1').del('step').wait(1, 1_000).exec();
        return results?.at(-1)?.[1];
      },
      { interval: 100 },
    )
    .toBe(1);
}

describe('one master and one replica', () => {
  let master: RedisServer;
  let replica: RedisServer;
  let admin: Redis;
  let other: Redis;
  beforeEach(async () => {
    [master, replica] = await Promise.all([startRedis(REPLICA_OPTIONS), startRedis()]);
    admin = master.connect();
    other = replica.connect();
    await other.replicaof('127.0.0.1', `${master.port}`);
    await inStep(admin);
  });
  afterEach(() => Promise.all([master?.stop(), replica?.stop()]));

  const storesAt = (server: RedisServer) =>
    redisStores({ client: server.connect(redisClientOptions), ...PATIENCE });
  /** With the default time limit, for what has to be refused in time. */
  const hastyAt = (server: RedisServer) =>
    redisStores({ client: server.connect(redisClientOptions) });

  it('[N9] a promoted replica that missed the consume refuses the nonce', async () => {
    const { nonces } = storesAt(master);
    const epoch = await nonces.epoch();
    await inStep(admin);
    await other.replicaof('127.0.0.1', '1');
    expect(await nonces.consume('missed', { epoch, ttl: TTL })).toBe('consumed');
    await master.kill();
    await other.replicaof('NO', 'ONE');
    expect(await other.keys('*')).toEqual(['pzk:{nonce}:epoch']);
    const promoted = storesAt(replica).nonces;
    expect(await promoted.consume('missed', { epoch, ttl: TTL })).toBe('stale');
    expect(await promoted.consume('unused', { epoch, ttl: TTL })).toBe('stale');
  });

  it('[N9] a promoted replica that has everything refuses the nonce, too', async () => {
    const { nonces } = storesAt(master);
    const epoch = await nonces.epoch();
    await nonces.consume('seen', { epoch, ttl: TTL });
    await admin.wait(1, 5_000);
    await other.replicaof('NO', 'ONE');
    expect(await storesAt(replica).nonces.consume('seen', { epoch, ttl: TTL })).toBe('stale');
  });

  it('[N9] honest: nonces of the promoted replica serve, once', async () => {
    await storesAt(master).nonces.epoch();
    await inStep(admin);
    await other.replicaof('NO', 'ONE');
    const { nonces } = storesAt(replica);
    const epoch = await nonces.epoch();
    expect(await nonces.consume('new', { epoch, ttl: TTL })).toBe('consumed');
    expect(await nonces.consume('new', { epoch, ttl: TTL })).toBe('replayed');
  });

  it('[N8] a replica answers nothing that is written', async () => {
    const epoch = await storesAt(master).nonces.epoch();
    await inStep(admin);
    const { nonces, replays, revocations } = hastyAt(replica);
    await expectAllUnavailable([
      nonces.epoch(),
      nonces.consume('nonce', { epoch, ttl: TTL }),
      replays.record('jti', TTL),
      revocations.revoke(['id'], TTL),
    ]);
  });

  it('[N8] a master without its replicas, where min-replicas-to-write demands them', async () => {
    const stores = storesAt(master);
    const epoch = await stores.nonces.epoch();
    await admin.config('SET', 'min-replicas-to-write', '1');
    expect(await stores.nonces.consume('with', { epoch, ttl: TTL })).toBe('consumed');
    await other.replicaof('NO', 'ONE');
    await expect.poll(() => admin.info('replication')).toContain('connected_slaves:0');
    const { nonces, replays, revocations, budgets } = hastyAt(master);
    await expectAllUnavailable([
      nonces.consume('without', { epoch, ttl: TTL }),
      replays.record('jti', TTL),
      revocations.revoke(['id'], TTL),
      budgets.add('budget', TTL),
    ]);
  });

  it('acknowledges a revocation when the replica holds it', async () => {
    const client = master.connect(redisClientOptions);
    // The replica gets half of the timeout; a loaded machine may need it.
    const { revocations } = redisStores({ client, revocationReplicas: 1, ...PATIENCE });
    await revocations.revoke(['id'], TTL);
    await master.kill();
    await other.replicaof('NO', 'ONE');
    expect(await storesAt(replica).revocations.isRevoked(['id'])).toBe(true);
    await expect(
      redisStores({
        client: replica.connect(redisClientOptions),
        revocationReplicas: 1,
      }).revocations.revoke(['alone'], TTL),
    ).rejects.toMatchObject(unavailable);
  });

  it('refuses a client that reads from a replica', () => {
    for (const options of [{ role: 'slave' as const }, { readOnly: true }]) {
      const client = replica.connect({ ...redisClientOptions, ...options, lazyConnect: true });
      expect(() => redisStores({ client })).toThrow(TypeError);
    }
  });
});

describe('a name that moves to the promoted replica', () => {
  it('[N9] the client leaves a server that was demoted', async () => {
    const [old, next] = await Promise.all([startRedis(), startRedis()]);
    try {
      let port = old.port;
      // What a DNS name or a proxy would do: the next connection goes elsewhere.
      const client = old.connect({
        ...redisClientOptions,
        retryStrategy: () => {
          client.options.port = port;
          return 20;
        },
      });
      const stores = redisStores({ client, ...PATIENCE });
      const hasty = redisStores({ client });
      const epoch = await stores.nonces.epoch();
      port = next.port;
      await old.connect().replicaof('127.0.0.1', `${next.port}`);
      await expectAllUnavailable([hasty.nonces.consume('moved', { epoch, ttl: TTL })]);
      await expect
        .poll(() => stores.nonces.consume('moved', { epoch, ttl: TTL }).catch(() => 'down'))
        .toBe('stale');
      expect(await Promise.all(everyOperation(stores, await stores.nonces.epoch()))).toHaveLength(
        10,
      );
    } finally {
      await Promise.all([old.stop(), next.stop()]);
    }
  });
});

describe('Sentinel', () => {
  let master: RedisServer;
  let replica: RedisServer;
  let sentinel: RedisServer;
  let client: Redis;
  beforeEach(async () => {
    [master, replica] = await Promise.all([
      startRedis(REPLICA_OPTIONS),
      startRedis(REPLICA_OPTIONS),
    ]);
    await replica.connect().replicaof('127.0.0.1', `${master.port}`);
    await inStep(master.connect());
    sentinel = await startRedis([], {
      sentinel: `sentinel monitor main 127.0.0.1 ${master.port} 1
sentinel down-after-milliseconds main 3000
sentinel failover-timeout main 2000
`,
    });
    await expect
      .poll(() => sentinel.connect().call('SENTINEL', 'REPLICAS', 'main'))
      .toHaveLength(1);
    client = sentinel.connect({
      ...redisClientOptions,
      sentinels: [{ host: '127.0.0.1', port: sentinel.port }],
      name: 'main',
    });
  });
  afterEach(() => Promise.all([sentinel?.stop(), master?.stop(), replica?.stop()]));

  async function answering(): Promise<string> {
    let epoch = '';
    const ask = async () => {
      epoch = await redisStores({ client }).nonces.epoch();
      return 'answers';
    };
    await expect.poll(ask, { timeout: 90_000, interval: 100 }).toBe('answers');
    return epoch;
  }

  it('[N9] a nonce from before the failover is refused, and nothing is answered during it', async () => {
    const stores = redisStores({ client, ...PATIENCE });
    const epoch = await stores.nonces.epoch();
    expect(await stores.nonces.consume('before', { epoch, ttl: TTL })).toBe('consumed');
    await master.kill();
    await expectAllUnavailable(everyOperation(redisStores({ client }), epoch));
    const next = await answering();
    expect(next).not.toBe(epoch);
    expect(await stores.nonces.consume('before', { epoch, ttl: TTL })).toBe('stale');
    expect(await stores.nonces.consume('unused', { epoch, ttl: TTL })).toBe('stale');
  });

  it('[N9] honest: the client finds the promoted replica by itself', async () => {
    await redisStores({ client, ...PATIENCE }).nonces.epoch();
    await master.kill();
    const epoch = await answering();
    const { nonces } = redisStores({ client, ...PATIENCE });
    expect(await nonces.consume('after', { epoch, ttl: TTL })).toBe('consumed');
    expect(await nonces.consume('after', { epoch, ttl: TTL })).toBe('replayed');
  });
});
