import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, type ClusterOptions, type Redis } from 'ioredis';
import { type RedisServer, type StartRedisOptions, startRedis } from './start-redis.js';

const SLOTS = 16_384;
const MASTERS = 3;

/** Fails over within 5 seconds: quick enough for a test, and no pause of a busy machine is taken for a fault. */
const NODE_OPTIONS = [
  ...['--cluster-enabled', 'yes', '--cluster-node-timeout', '3000'],
  ...['--cluster-replica-validity-factor', '0', '--repl-diskless-sync-delay', '0'],
];

/** Options of a client, with the shapes of answers that ioredis has by default. */
export type TestClusterOptions = Omit<ClusterOptions, 'redisOptions'> & {
  readonly redisOptions?: Omit<NonNullable<ClusterOptions['redisOptions']>, 'replyMapping'>;
};

/** A Redis Cluster of this test's own: three masters, each with one replica. */
export interface RedisCluster {
  /** Closed with the Cluster. */
  connect(options?: TestClusterOptions): Cluster;
  readonly ports: readonly number[];
  /** A connection to one node, for what the test itself does there. */
  admin(node: RedisServer): Redis;
  /** The master that owns the slot of a key. */
  ownerOf(key: string): Promise<RedisServer>;
  replicaOf(master: RedisServer): Promise<RedisServer>;
  /** A master other than this one. */
  otherMaster(master: RedisServer): Promise<RedisServer>;
  /** Moves the slot of a key with all its records; stops before the last step if told so. */
  moveSlot(key: string, to: RedisServer, options?: { readonly half?: boolean }): Promise<void>;
  /** Ends a move that stopped half-way. */
  endMove(key: string, to: RedisServer): Promise<void>;
  /** Until all nodes run, agree, and each master has its replica in step. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 90_000;
  while (!(await isTrue().catch(() => false))) {
    if (performance.now() > deadline) throw new Error('The Cluster does not settle.');
    await sleep(25);
  }
}

/** Starts a Cluster on free ports of the loopback. */
export async function startCluster(options: StartRedisOptions = {}): Promise<RedisCluster> {
  const started = await Promise.allSettled(
    Array.from({ length: 2 * MASTERS }, () => startRedis(NODE_OPTIONS, options)),
  );
  const nodes = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const clusters: Cluster[] = [];
  const admins = new Map(nodes.map((node) => [node, node.connect({ enableReadyCheck: false })]));

  function admin(node: RedisServer): Redis {
    const client = admins.get(node);
    if (client === undefined) throw new Error('This node is not of the Cluster.');
    return client;
  }
  async function call<T = string>(node: RedisServer, ...args: (string | number)[]): Promise<T> {
    return (await admin(node).call('CLUSTER', ...args.map(String))) as T;
  }

  async function stop(): Promise<void> {
    for (const cluster of clusters) cluster.disconnect();
    await Promise.all(nodes.map((node) => node.stop()));
  }

  async function idOf(node: RedisServer): Promise<string> {
    return call(node, 'MYID');
  }
  async function replicationOf(node: RedisServer): Promise<string> {
    return admin(node).info('replication');
  }
  async function masters(): Promise<RedisServer[]> {
    const roles = await Promise.all(
      nodes.map(async (node) => {
        if (!node.running()) return false;
        return (await replicationOf(node)).includes('role:master');
      }),
    );
    return nodes.filter((_, index) => roles[index]);
  }
  async function slotOf(key: string): Promise<number> {
    const [first] = nodes.filter((node) => node.running());
    if (first === undefined) throw new Error('No node runs.');
    return Number(await call(first, 'KEYSLOT', key));
  }
  async function ownerOf(key: string): Promise<RedisServer> {
    const slot = await slotOf(key);
    for (const master of await masters()) {
      const own = (await call(master, 'NODES')).split('\n').find((line) => /myself/.test(line));
      const ranges = own?.split(' ').slice(8) ?? [];
      for (const range of ranges) {
        const [from, to = from] = range.split('-').map(Number);
        if (from !== undefined && to !== undefined && from <= slot && slot <= to) return master;
      }
    }
    throw new Error('No master owns the slot.');
  }

  async function settled(): Promise<void> {
    await until(async () => {
      const states = await Promise.all(
        nodes.map(async (node) => {
          const [state, replication, known] = await Promise.all([
            call(node, 'INFO'),
            replicationOf(node),
            call(node, 'NODES'),
          ]);
          return (
            state.includes('cluster_state:ok') &&
            state.includes(`cluster_known_nodes:${nodes.length}`) &&
            !/fail|handshake|noaddr/.test(known) &&
            /master_link_status:up|state=online/.test(replication)
          );
        }),
      );
      return states.every(Boolean) && (await masters()).length === MASTERS;
    });
  }

  async function form(): Promise<void> {
    const [first] = nodes;
    if (first === undefined || nodes.length < 2 * MASTERS) throw new Error('A node did not start.');
    await Promise.all(nodes.map((node, index) => call(node, 'SET-CONFIG-EPOCH', index + 1)));
    for (const [index, node] of nodes.slice(0, MASTERS).entries()) {
      const from = Math.floor((SLOTS * index) / MASTERS);
      const to = Math.floor((SLOTS * (index + 1)) / MASTERS);
      await call(node, 'ADDSLOTS', ...Array.from({ length: to - from }, (_, i) => from + i));
    }
    for (const node of nodes.slice(1)) await call(node, 'MEET', '127.0.0.1', first.port);
    await until(async () => {
      const known = await Promise.all(nodes.map((node) => call(node, 'NODES')));
      return known.every(
        (text) => text.trim().split('\n').length === nodes.length && !/handshake/.test(text),
      );
    });
    for (const [index, node] of nodes.slice(MASTERS).entries()) {
      const master = nodes[index];
      if (master !== undefined) await call(node, 'REPLICATE', await idOf(master));
    }
    await settled();
  }

  await form().catch(async (failure: unknown) => {
    await stop();
    throw failure;
  });

  async function endMove(key: string, to: RedisServer): Promise<void> {
    const slot = await slotOf(key);
    const id = await idOf(to);
    const from = await ownerOf(key);
    for (;;) {
      const keys = await call<string[]>(from, 'GETKEYSINSLOT', slot, 100);
      if (keys.length === 0) break;
      const move = ['127.0.0.1', `${to.port}`, '', '0', '5000', 'KEYS', ...keys];
      await admin(from).call('MIGRATE', ...move);
    }
    await call(to, 'SETSLOT', slot, 'NODE', id);
    await call(from, 'SETSLOT', slot, 'NODE', id);
  }

  return {
    connect: (clusterOptions = {}) => {
      const startup = nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
      const cluster = new Cluster(startup, clusterOptions);
      // Faults are what the tests are about: their errors arrive at the commands.
      cluster.on('error', () => {});
      clusters.push(cluster);
      return cluster;
    },
    ports: nodes.map(({ port }) => port),
    admin,
    ownerOf,
    replicaOf: async (master) => {
      const id = await idOf(master);
      for (const node of nodes) {
        if (node === master || !node.running()) continue;
        const own = (await call(node, 'NODES')).split('\n').find((line) => /myself/.test(line));
        if (own?.includes(` ${id} `)) return node;
      }
      throw new Error('The master has no replica.');
    },
    otherMaster: async (master) => {
      const other = (await masters()).find((node) => node !== master);
      if (other === undefined) throw new Error('There is no other master.');
      return other;
    },
    moveSlot: async (key, to, { half = false } = {}) => {
      const slot = await slotOf(key);
      const from = await ownerOf(key);
      await call(to, 'SETSLOT', slot, 'IMPORTING', await idOf(from));
      await call(from, 'SETSLOT', slot, 'MIGRATING', await idOf(to));
      if (!half) await endMove(key, to);
    },
    endMove,
    settled,
    stop,
  };
}
