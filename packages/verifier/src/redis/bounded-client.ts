import { PzkError } from '@pzk-auth/protocol';
import type { Cluster, Redis } from 'ioredis';
import { watchNodes } from './cluster-nodes.js';
import { isCluster } from './topology.js';

/** A client of ioredis, for one server (also behind Sentinel) or for a Cluster. */
export type RedisClient = Redis | Cluster;

/** Commands that may wait for an answer at once; a Redis that hangs must not fill our memory. */
const MAX_PENDING = 10_000;

/** Sends one command; answers or throws `store_unavailable`, within the timeout. */
export type Send = <T>(command: (client: RedisClient) => Promise<T>) => Promise<T>;

/**
 * Bounds what ioredis would do patiently. A command is sent once, and only on a connection that is
 * ready, so it never waits in the offline queue; where there is none, one is awaited for as long as
 * the timeout lasts. Every failure (also LOADING, READONLY, OOM, CLUSTERDOWN) is `store_unavailable`,
 * and nothing that may have been executed is tried again. MOVED, ASK and TRYAGAIN say that nothing was
 * executed; there the client of a Cluster goes on to the server that it was told.
 *
 * A command that timed out may still be executed: a nonce is then used up without a token.
 */
export function createSend(client: RedisClient, timeout: number): Send {
  let pending = 0;
  let ready: Promise<void> | undefined;
  const nodes = isCluster(client) ? watchNodes(client) : undefined;

  const isReady = () => client.status === 'ready' && nodes?.connected !== false;

  function whenReady(): Promise<void> {
    if (client.status === 'wait') client.connect().catch(() => {});
    // One listener for all who wait.
    ready ??= becomeReady().finally(() => {
      ready = undefined;
    });
    return ready;
  }

  async function becomeReady(): Promise<void> {
    while (!isReady()) {
      if (client.status !== 'ready') {
        await new Promise<void>((resolve) => {
          client.once('ready', resolve);
        });
      }
      await nodes?.connect();
    }
  }

  return async (command) => {
    if (client.status === 'end') throw unavailable('The connection to Redis has been closed.');
    if (pending >= MAX_PENDING) throw unavailable('Too many commands wait for Redis.');

    let timer: NodeJS.Timeout | undefined;
    let late = false;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        late = true;
        reject(unavailable('Redis did not answer in time.'));
      }, timeout);
    });
    const answer = async () => {
      if (!isReady()) await whenReady();
      if (late) throw unavailable('Redis was not ready in time.');
      return command(client);
    };

    pending++;
    const answered = answer().finally(() => pending--);
    try {
      return await Promise.race([answered, deadline]);
    } catch (cause) {
      if (cause instanceof PzkError) throw cause;
      throw unavailable('Redis failed.', cause);
    } finally {
      clearTimeout(timer);
      // After the timeout nobody listens any more.
      answered.catch(() => {});
    }
  };
}

/** The one error of these stores. */
export function unavailable(message: string, cause?: unknown): PzkError {
  return new PzkError('store_unavailable', message, { cause });
}
