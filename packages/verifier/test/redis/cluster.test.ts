import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { redisClusterOptions, redisStores } from '../../src/redis/index.js';
import type { ShortLivedStores } from '../../src/stores/short-lived-stores.js';
import { type CuttingProxy, startCuttingProxy } from './cutting-proxy.js';
import {
  everyOperation,
  expectAllUnavailable,
  PATIENCE,
  TTL,
  unavailable,
  within2s,
} from './expectations.js';
import { type RedisCluster, startCluster, type TestClusterOptions } from './start-cluster.js';
import type { RedisServer } from './start-redis.js';

/** Any key of the slot of the nonces, and any of the slot of the revocations. */
const NONCES = 'pzk:{nonce}:epoch';
const REVOCATIONS = 'pzk:{revocation}:any';

/** Waits for a failover: until the stores answer again. */
async function answering(stores: () => ShortLivedStores): Promise<string> {
  let epoch = '';
  await expect
    .poll(
      async () => {
        epoch = await stores().nonces.epoch();
        await stores().revocations.revoke(['answering'], TTL);
        return 'answers';
      },
      { timeout: 60_000, interval: 100 },
    )
    .toBe('answers');
  return epoch;
}

/** A replica that misses what its master writes from now on. */
async function cutReplica(cluster: RedisCluster, master: RedisServer): Promise<RedisServer> {
  const replica = await cluster.replicaOf(master);
  replica.signal('SIGSTOP');
  // Else the writes wait in the buffer of the connection and arrive after all.
  await cluster.admin(master).call('CLIENT', 'KILL', 'TYPE', 'replica');
  return replica;
}

describe.each([
  {
    title: 'the recommended client options',
    clientOptions: redisClusterOptions as TestClusterOptions,
  },
  { title: 'the default client options of ioredis', clientOptions: {} },
])('faults of a Cluster, with $title', ({ clientOptions }) => {
  let cluster: RedisCluster;
  let client: Cluster;
  let stores: ShortLivedStores;
  /** With the default time limit, for what has to be refused in time. */
  let hasty: ShortLivedStores;
  const freshStores = () => redisStores({ client, ...PATIENCE });
  beforeAll(async () => {
    cluster = await startCluster();
  });
  beforeEach(async () => {
    await cluster.settled();
    client = cluster.connect(clientOptions);
    stores = freshStores();
    hasty = redisStores({ client });
    await answering(() => hasty);
  });
  afterAll(() => cluster?.stop());

  it('[N8] MOVED: a nonce from before its slot got another owner is stale', async () => {
    const epoch = await stores.nonces.epoch();
    expect(await stores.nonces.consume('moved', { epoch, ttl: TTL })).toBe('consumed');
    const from = await cluster.ownerOf(NONCES);
    await cluster.moveSlot(NONCES, await cluster.otherMaster(from));
    for (const nonce of ['moved', 'moved, unused']) {
      expect(await stores.nonces.consume(nonce, { epoch, ttl: TTL })).toBe('stale');
    }
  });

  it('[N8] honest: MOVED is followed, and nonces of the new owner serve once', async () => {
    const from = await cluster.ownerOf(NONCES);
    await cluster.moveSlot(NONCES, await cluster.otherMaster(from));
    const epoch = await freshStores().nonces.epoch();
    expect(await stores.nonces.consume('after', { epoch, ttl: TTL })).toBe('consumed');
    expect(await stores.nonces.consume('after', { epoch, ttl: TTL })).toBe('replayed');
  });

  it('[N8] MOVED: an epoch does not return with its slot', async () => {
    const from = await cluster.ownerOf(NONCES);
    const before = await freshStores().nonces.epoch();
    const to = await cluster.otherMaster(from);
    await cluster.moveSlot(NONCES, to);
    const meanwhile = await freshStores().nonces.epoch();
    await cluster.moveSlot(NONCES, from);
    const after = await freshStores().nonces.epoch();
    expect(new Set([before, meanwhile, after]).size).toBe(3);
    expect(await stores.nonces.consume('old', { epoch: before, ttl: TTL })).toBe('stale');
  });

  it('[N8] MOVED: nothing is consumed while its slot is half moved (ASK, TRYAGAIN)', async () => {
    const epoch = await stores.nonces.epoch();
    expect(await stores.nonces.consume('early', { epoch, ttl: TTL })).toBe('consumed');
    const to = await cluster.otherMaster(await cluster.ownerOf(NONCES));
    await cluster.moveSlot(NONCES, to, { half: true });
    await expectAllUnavailable([
      hasty.nonces.consume('half', { epoch, ttl: TTL }),
      hasty.nonces.consume('half', { epoch, ttl: TTL }),
    ]);
    expect(await stores.nonces.consume('early', { epoch, ttl: TTL })).toBe('replayed');
    await cluster.endMove(NONCES, to);
    for (const nonce of ['early', 'half']) {
      expect(await stores.nonces.consume(nonce, { epoch, ttl: TTL })).toBe('stale');
    }
  });

  it('refuses what was issued before the owner of the nonces was emptied', async () => {
    const epoch = await stores.nonces.epoch();
    expect(await stores.nonces.consume('emptied', { epoch, ttl: TTL })).toBe('consumed');
    await cluster.admin(await cluster.ownerOf(NONCES)).flushall();
    expect(await stores.nonces.consume('emptied', { epoch, ttl: TTL })).toBe('stale');
    expect(await freshStores().nonces.epoch()).not.toBe(epoch);
  });

  it('[N8] one master that would evict records', async () => {
    const other = await cluster.otherMaster(await cluster.ownerOf(NONCES));
    const admin = cluster.admin(other);
    await admin.config('SET', 'maxmemory', '100mb');
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await expect(freshStores().nonces.epoch()).rejects.toMatchObject(unavailable);
    await admin.config('SET', 'maxmemory-policy', 'noeviction');
    await expect(freshStores().nonces.epoch()).resolves.toBeTypeOf('string');
    await admin.config('SET', 'maxmemory', '0');
  });

  it('[N7] a master that is killed before the consume: nothing until the failover', async () => {
    const epoch = await stores.nonces.epoch();
    const master = await cluster.ownerOf(NONCES);
    await master.kill();
    await expectAllUnavailable([
      hasty.nonces.consume('killed', { epoch, ttl: TTL }),
      hasty.nonces.consume('killed', { epoch, ttl: TTL }),
    ]);
    const next = await answering(() => redisStores({ client }));
    expect(next).not.toBe(epoch);
    expect(await stores.nonces.consume('killed', { epoch, ttl: TTL })).toBe('stale');
    await master.restart();
  });

  it('[N7] a master that is killed during 200 consumes of one nonce', async () => {
    const epoch = await stores.nonces.epoch();
    const master = await cluster.ownerOf(NONCES);
    const race = Array.from({ length: 200 }, (_, index) =>
      sleep(index % 20).then(() => hasty.nonces.consume('race', { epoch, ttl: TTL })),
    );
    const killed = sleep(10).then(() => master.kill());
    const results = await within2s(Promise.allSettled(race));
    await killed;
    const consumed = results.filter(
      (one) => one.status === 'fulfilled' && one.value === 'consumed',
    );
    expect(consumed.length).toBeLessThanOrEqual(1);
    for (const one of results) {
      if (one.status === 'rejected') expect(one.reason).toMatchObject(unavailable);
      else expect(['consumed', 'replayed', 'stale']).toContain(one.value);
    }
    await answering(() => redisStores({ client }));
    expect(await stores.nonces.consume('race', { epoch, ttl: TTL })).toBe('stale');
    await master.restart();
  });

  it('[N7] honest: a Cluster that runs', async () => {
    const epoch = await stores.nonces.epoch();
    expect(await Promise.all(everyOperation(stores, epoch))).toHaveLength(10);
  });

  it('[N9] a promoted replica that missed the consume refuses the nonce', async () => {
    const epoch = await stores.nonces.epoch();
    const master = await cluster.ownerOf(NONCES);
    const replica = await cutReplica(cluster, master);
    expect(await stores.nonces.consume('missed', { epoch, ttl: TTL })).toBe('consumed');
    const records = (await cluster.admin(master).keys('pzk:{nonce}:*')).filter(
      (key) => key !== NONCES,
    );
    await master.kill();
    replica.signal('SIGCONT');
    await answering(() => redisStores({ client }));
    const promoted = await cluster.ownerOf(NONCES);
    expect(promoted.port).toBe(replica.port);
    const kept = await cluster.admin(promoted).keys('pzk:{nonce}:*');
    expect(records.filter((key) => !kept.includes(key))).not.toHaveLength(0);
    expect(await stores.nonces.consume('missed', { epoch, ttl: TTL })).toBe('stale');
    await master.restart();
  });

  it('[N9] honest: after the failover new nonces serve, once', async () => {
    const master = await cluster.ownerOf(NONCES);
    await master.kill();
    const epoch = await answering(() => redisStores({ client }));
    expect(await stores.nonces.consume('new', { epoch, ttl: TTL })).toBe('consumed');
    expect(await stores.nonces.consume('new', { epoch, ttl: TTL })).toBe('replayed');
    await master.restart();
  });
});

describe('a master that hangs', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster?.stop());

  it('[N8] is given up by the recommended client, whose other commands go on', async () => {
    const client = cluster.connect(redisClusterOptions);
    const freshStores = () => redisStores({ client });
    const stores = redisStores({ client, ...PATIENCE });
    const epoch = await answering(freshStores);
    const master = await cluster.ownerOf(NONCES);
    master.signal('SIGSTOP');
    await expectAllUnavailable([freshStores().nonces.consume('hung', { epoch, ttl: TTL })]);
    const next = await answering(freshStores);
    expect(await stores.nonces.consume('hung', { epoch, ttl: TTL })).toBe('stale');
    expect(await stores.nonces.consume('hung', { epoch: next, ttl: TTL })).toBe('consumed');
    master.signal('SIGCONT');
    await cluster.settled();
    // Neither does the late command, executed or not, revive the old epoch.
    expect(await stores.nonces.consume('hung', { epoch, ttl: TTL })).toBe('stale');
  });
});

describe('revocations over a failover', () => {
  let cluster: RedisCluster;
  let client: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  beforeEach(async () => {
    await cluster.settled();
    client = cluster.connect(redisClusterOptions);
    // A replica that has just come back answers WAIT about a second later.
    await answering(() => redisStores({ client, revocationReplicas: 1 }));
  });
  afterAll(() => cluster?.stop());

  it('[D28] what replicas hold before it is acknowledged is still in force afterwards', async () => {
    const { revocations } = redisStores({ client, revocationReplicas: 1, ...PATIENCE });
    const master = await cluster.ownerOf(REVOCATIONS);
    const acknowledged: string[] = [];
    let killed: Promise<void> | undefined;
    const flood = Array.from({ length: 300 }, async (_, index) => {
      await sleep(index);
      await revocations.revoke([`flood ${index}`], TTL);
      acknowledged.push(`flood ${index}`);
      // In the middle, however fast this machine is.
      if (acknowledged.length === 50) killed = master.kill();
    });
    await Promise.allSettled(flood);
    expect(killed).toBeDefined();
    await killed;
    await answering(() => redisStores({ client }));
    const patient = redisStores({ client, ...PATIENCE }).revocations;
    for (const id of acknowledged) expect(await patient.isRevoked([id])).toBe(true);
    await master.restart();
  });

  it('[D28] honest: what was not revoked is not, before and after a failover', async () => {
    const { revocations } = redisStores({ client, revocationReplicas: 1, ...PATIENCE });
    await revocations.revoke(['one'], TTL);
    expect(await revocations.isRevoked(['two'])).toBe(false);
    const master = await cluster.ownerOf(REVOCATIONS);
    await master.kill();
    await answering(() => redisStores({ client }));
    expect(await revocations.isRevoked(['two'])).toBe(false);
    expect(await revocations.isRevoked(['two', 'one'])).toBe(true);
    await master.restart();
  });

  it('acknowledges nothing without the replicas, though it is in force', async () => {
    const { revocations } = redisStores({ client, revocationReplicas: 1 });
    const master = await cluster.ownerOf(REVOCATIONS);
    const replica = await cluster.replicaOf(master);
    // Connected, and silent: this is what WAIT is for.
    replica.signal('SIGSTOP');
    await expect(within2s(revocations.revoke(['silent'], TTL))).rejects.toMatchObject(unavailable);
    await cluster.admin(master).call('CLIENT', 'KILL', 'TYPE', 'replica');
    await expect(within2s(revocations.revoke(['gone'], TTL))).rejects.toMatchObject(unavailable);
    const patient = redisStores({ client, revocationReplicas: 1, ...PATIENCE });
    expect(await patient.revocations.isRevoked(['silent'])).toBe(true);
    expect(await patient.revocations.isRevoked(['gone'])).toBe(true);
    replica.signal('SIGCONT');
    await cluster.settled();
    await patient.revocations.revoke(['back'], TTL);
  });

  it('may forget, without revocationReplicas, what the replica missed', async () => {
    const { revocations } = redisStores({ client, ...PATIENCE });
    const master = await cluster.ownerOf(REVOCATIONS);
    const replica = await cutReplica(cluster, master);
    await revocations.revoke(['forgotten'], TTL);
    expect(await revocations.isRevoked(['forgotten'])).toBe(true);
    await master.kill();
    replica.signal('SIGCONT');
    await answering(() => redisStores({ client }));
    expect(await revocations.isRevoked(['forgotten'])).toBe(false);
    await master.restart();
  });

  it.each([-1, 1.5, 17, Number.NaN])('refuses %s replicas', (revocationReplicas) => {
    expect(() => redisStores({ client, revocationReplicas })).toThrow(TypeError);
  });

  it('refuses a client that reads from replicas', () => {
    for (const scaleReads of ['slave', 'all'] as const) {
      const reader = cluster.connect({ ...redisClusterOptions, scaleReads });
      expect(() => redisStores({ client: reader })).toThrow(TypeError);
    }
  });
});

describe('an answer that is lost', () => {
  let cluster: RedisCluster;
  let proxies: Map<number, CuttingProxy>;
  beforeAll(async () => {
    cluster = await startCluster();
    const ports = cluster.ports;
    proxies = new Map(
      await Promise.all(ports.map(async (port) => [port, await startCuttingProxy(port)] as const)),
    );
  });
  afterAll(async () => {
    await cluster?.stop();
    for (const proxy of proxies?.values() ?? []) await proxy.stop();
  });

  /** A client that reaches every node through its proxy. */
  function connectThrough(options: TestClusterOptions): Cluster {
    return cluster.connect({
      ...options,
      natMap: (key) => {
        const proxy = proxies.get(Number(key.split(':').at(-1)));
        return proxy === undefined ? null : { host: '127.0.0.1', port: proxy.port };
      },
    });
  }

  async function consumesAt(master: RedisServer): Promise<number> {
    const stats = await cluster.admin(master).info('commandstats');
    return Number(/cmdstat_eval:calls=(\d+)/.exec(stats)?.[1] ?? 0);
  }

  it('[N7] the consume is not sent again and not reported as done', async () => {
    const client = connectThrough(redisClusterOptions);
    const { nonces } = redisStores({ client });
    const epoch = await redisStores({ client, ...PATIENCE }).nonces.epoch();
    const master = await cluster.ownerOf(NONCES);
    await cluster.admin(master).config('RESETSTAT');
    for (const proxy of proxies.values()) proxy.loseAnswers(true);
    await expectAllUnavailable([nonces.consume('lost', { epoch, ttl: TTL })]);
    expect(await consumesAt(master)).toBe(1);
    for (const proxy of proxies.values()) proxy.loseAnswers(false);
    await expect
      .poll(() => nonces.consume('lost', { epoch, ttl: TTL }).catch(() => 'down'))
      .toBe('replayed');
  });

  it('[N7] with the defaults of ioredis it is never reported as done twice', async () => {
    const { nonces } = redisStores({ client: connectThrough({}), timeout: 5_000 });
    const epoch = await nonces.epoch();
    for (const proxy of proxies.values()) proxy.loseAnswers(true);
    const answer = nonces.consume('twice', { epoch, ttl: TTL }).catch(() => 'down');
    await sleep(150);
    for (const proxy of proxies.values()) proxy.loseAnswers(false);
    expect(['replayed', 'down']).toContain(await answer);
    await expect
      .poll(() => nonces.consume('twice', { epoch, ttl: TTL }).catch(() => 'down'))
      .toBe('replayed');
  });

  it('[N7] honest: through the same network, with its answers', async () => {
    const { nonces } = redisStores({ client: connectThrough(redisClusterOptions), ...PATIENCE });
    const epoch = await nonces.epoch();
    expect(await nonces.consume('heard', { epoch, ttl: TTL })).toBe('consumed');
  });
});
