import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
import { freePort } from '../harness/free-port.js';

/** A redis-server of this test's own. */
export interface RedisServer {
  readonly port: number;
  /** Of its files. */
  readonly directory: string;
  running(): boolean;
  /** A new connection, closed with the server. Fault tests talk to Redis directly through one. */
  connect(options?: Omit<RedisOptions, 'replyMapping'>): Redis;
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** Ends the process at once, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again, empty, on the same port. */
  restart(): Promise<void>;
  /** Closes all connections, ends the process and removes its directory. */
  stop(): Promise<void>;
}

/** So many above its own is the port on which a node of a Cluster speaks with the others. */
const CLUSTER_BUS = 10_000;

/** How a server is started. */
export interface StartRedisOptions {
  /** Default: `redis-server`, or what `REDIS_SERVER` says. */
  readonly program?: string;
  /** Start as a Sentinel, with this configuration. */
  readonly sentinel?: string;
}

/** Starts a server on a free port of the loopback, without persistence. */
export async function startRedis(
  extra: readonly string[] = [],
  { program = process.env.REDIS_SERVER ?? 'redis-server', sentinel }: StartRedisOptions = {},
): Promise<RedisServer> {
  const port = await freePort(CLUSTER_BUS);
  const directory = await mkdtemp(join(tmpdir(), 'pzk-redis-'));
  const clients: Redis[] = [];
  let child = await launch().catch(async (failure: unknown) => {
    await rm(directory, { recursive: true, force: true });
    throw failure;
  });

  /** Sentinel keeps its state in its file, and takes no options of a server of data. */
  async function kindArguments(): Promise<string[]> {
    if (sentinel === undefined) {
      return ['--save', '', '--appendonly', 'no', '--enable-debug-command', 'yes', ...extra];
    }
    const file = join(directory, 'sentinel.conf');
    await writeFile(file, sentinel);
    return ['--sentinel'];
  }

  async function launch(): Promise<ChildProcess> {
    const kind = await kindArguments();
    const started = spawn(
      program,
      [
        ...(sentinel === undefined ? [] : [join(directory, 'sentinel.conf')]),
        ...['--port', `${port}`, '--bind', '127.0.0.1', '--dir', directory],
        ...kind,
      ],
      { stdio: 'ignore' },
    );
    let failure: Error | undefined;
    started.once('error', (cause) => {
      failure = new Error('redis-server does not start; `npm run setup` installs it.', { cause });
    });
    const probe = new Redis(port, '127.0.0.1', { retryStrategy: () => 20 });
    probe.on('error', () => {});
    try {
      for (;;) {
        if (failure !== undefined) throw failure;
        if (started.exitCode !== null) throw new Error('redis-server ended at once');
        if (probe.status === 'ready') return started;
        await sleep(5);
      }
    } finally {
      probe.disconnect();
    }
  }

  async function kill(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  return {
    port,
    directory,
    running: () => child.exitCode === null && child.signalCode === null,
    connect: (options = {}) => {
      const client = new Redis(port, '127.0.0.1', options);
      // Faults are what the tests are about: their errors arrive at the commands.
      client.on('error', () => {});
      clients.push(client);
      return client;
    },
    signal: (signal) => {
      child.kill(signal);
    },
    kill,
    restart: async () => {
      await kill();
      child = await launch();
    },
    stop: async () => {
      for (const client of clients) client.disconnect();
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
