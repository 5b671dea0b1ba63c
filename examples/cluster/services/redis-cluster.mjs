// A Redis Cluster on this machine: three masters, each with a replica.
import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findRedisServer } from '../../../scripts/lib/find-programs.mjs';
import { adopt, endProcess, freePort, isRunning, until } from './processes.mjs';

const MASTERS = 3;
const SLOTS = 16_384;

export async function startRedisCluster(directory) {
  const found = findRedisServer();
  if (found === undefined) throw new Error('No redis-server; `npm run setup` installs it.');
  const nodes = [];
  for (let index = 0; index < 2 * MASTERS; index++) {
    const port = await freePort();
    const home = join(directory, `redis-${port}`);
    await mkdir(home);
    const node = { port, home, child: launch(port, home), admin: undefined };
    node.admin = new Redis(port, '127.0.0.1', {
      retryStrategy: () => 100,
      maxRetriesPerRequest: 0,
    });
    node.admin.on('error', () => {});
    nodes.push(node);
  }

  function launch(port, home) {
    const options = [
      ...['--port', port, '--bind', '127.0.0.1', '--dir', home, '--save', '', '--appendonly', 'no'],
      ...['--maxmemory', '256mb', '--maxmemory-policy', 'noeviction'],
      ...['--cluster-enabled', 'yes', '--cluster-replica-validity-factor', 0],
      // For a demonstration on one machine: a network needs 5,000 and more.
      ...['--cluster-node-timeout', 1_000, '--repl-diskless-sync-delay', 0],
    ];
    return adopt(spawn(found.path, options.map(String), { stdio: 'ignore' }));
  }

  const call = (node, ...args) => node.admin.call('CLUSTER', ...args.map(String));
  const running = () => nodes.filter(({ child }) => isRunning(child));

  async function form() {
    await until(() => nodes.every(({ admin }) => admin.status === 'ready'), 'Redis starts');
    await Promise.all(nodes.map((node, index) => call(node, 'SET-CONFIG-EPOCH', index + 1)));
    for (let index = 0; index < MASTERS; index++) {
      const from = Math.floor((SLOTS * index) / MASTERS);
      const to = Math.floor((SLOTS * (index + 1)) / MASTERS);
      await call(
        nodes[index],
        'ADDSLOTS',
        ...Array.from({ length: to - from }, (_, i) => from + i),
      );
    }
    for (const node of nodes.slice(1)) await call(node, 'MEET', '127.0.0.1', nodes[0].port);
    await until(async () => {
      const known = await Promise.all(nodes.map((node) => call(node, 'NODES')));
      return known.every((text) => text.trim().split('\n').length === nodes.length);
    }, 'the nodes of Redis know each other');
    for (let index = 0; index < MASTERS; index++) {
      const id = await call(nodes[index], 'MYID');
      await until(
        () => call(nodes[MASTERS + index], 'REPLICATE', id).then(() => true),
        'a replica follows its master',
      );
    }
    await settled();
  }

  /** Until every node runs and agrees, and each master has its replica in step. */
  async function settled() {
    await until(async () => {
      const states = await Promise.all(
        nodes.map(async (node) => {
          const [state, known, replication] = await Promise.all([
            call(node, 'INFO'),
            call(node, 'NODES'),
            node.admin.info('replication'),
          ]);
          const linked = /master_link_status:up|state=online,offset=\d+,lag=[01]\b/.test(
            replication,
          );
          return state.includes('cluster_state:ok') && !/fail|handshake/.test(known) && linked;
        }),
      );
      return states.every(Boolean);
    }, 'Redis Cluster settles');
  }

  async function masterOf(key) {
    const [first] = running();
    const slot = Number(await call(first, 'KEYSLOT', key));
    for (const node of running()) {
      const own = (await call(node, 'NODES')).split('\n').find((line) => line.includes('myself'));
      if (!own?.includes('master')) continue;
      for (const range of own.split(' ').slice(8)) {
        const [from, to = from] = range.split('-').map(Number);
        if (from <= slot && slot <= to) return node;
      }
    }
    throw new Error('No master owns the slot.');
  }

  async function stop() {
    for (const { admin } of nodes) admin.disconnect();
    await Promise.all(nodes.map(({ child }) => endProcess(child)));
  }

  try {
    await form();
  } catch (failure) {
    await stop();
    throw failure;
  }
  return {
    nodes: nodes.map(({ port }) => `127.0.0.1:${port}`),
    masterOf,
    settled,
    kill: (node) => endProcess(node.child),
    restart: (node) => {
      node.child = launch(node.port, node.home);
    },
    stop,
  };
}
