// All of it: Redis Cluster, PostgreSQL, three API processes, the proxy.
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProxy } from '../proxy.mjs';
import { startPostgres } from './postgres.mjs';
import { endProcess, freePort, isRunning } from './processes.mjs';
import { startRedisCluster } from './redis-cluster.mjs';

const API = fileURLToPath(new URL('../api.mjs', import.meta.url));
const INSTANCES = 3;

/**
 * Starts everything; `environment` is added to that of the API processes, which `pzk-auth` needs, too.
 */
export async function startDeployment({ port, environment = {} } = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'pzk-cluster-'));
  // PostgreSQL may run as another user.
  await chmod(directory, 0o755);
  const started = [{ stop: () => rm(directory, { recursive: true, force: true }) }];
  async function stop() {
    for (const part of started.splice(0).reverse()) await part.stop();
  }

  try {
    const postgres = await startPostgres(directory);
    started.push(postgres);
    const redis = await startRedisCluster(directory);
    started.push(redis);

    const issuer = `http://localhost:${port ?? (await freePort())}`;
    const shared = {
      ...process.env,
      ISSUER: issuer,
      REDIS_NODES: redis.nodes.join(','),
      DATABASE_URL: postgres.url,
      PZK_SECRET: randomBytes(32).toString('base64url'),
      ...environment,
    };
    const instances = [];
    for (let index = 0; index < INSTANCES; index++) {
      const instance = await createInstance(shared);
      instances.push(instance);
      started.push(instance);
      await instance.start();
    }
    const proxy = await startProxy({
      port: Number(new URL(issuer).port),
      instances: instances.map(({ address }) => address),
    });
    started.push(proxy);
    return {
      issuer,
      instances,
      redis,
      databaseUrl: postgres.url,
      secret: shared.PZK_SECRET,
      environment: shared,
      stop,
    };
  } catch (failure) {
    await stop();
    throw failure;
  }
}

async function createInstance(shared) {
  const port = await freePort();
  let child;
  return {
    address: `127.0.0.1:${port}`,
    running: () => child !== undefined && isRunning(child),
    start: async () => {
      child = fork(API, {
        env: { ...shared, PORT: `${port}` },
        stdio: ['ignore', 'inherit', process.env.PZK_QUIET ? 'ignore' : 'inherit', 'ipc'],
      });
      const ended = once(child, 'exit').then(([code]) => {
        throw new Error(`An API process ended with ${code}.`);
      });
      ended.catch(() => {});
      await Promise.race([once(child, 'message'), ended]);
    },
    kill: () => endProcess(child),
    stop: async () => {
      if (child !== undefined) await endProcess(child);
    },
  };
}
