import { PzkError } from '@pzk-auth/protocol';
import type { Cluster, Redis } from 'ioredis';

/** A client of ioredis, for one server (also behind Sentinel) or for a Cluster. */
export type RedisClient = Redis | Cluster;

/** Commands that may wait for an answer at once; a Redis that hangs must not fill our memory. */
const MAX_PENDING = 10_000;

/** Sends one command; answers or throws `store_unavailable`, within the timeout. */
export type Send = <T>(command: (client: RedisClient) => Promise<T>) => Promise<T>;

/**
 * Bounds what ioredis would do patiently. A command is sent once, and only on a connection that is
 * ready, so it never waits in the offline queue; where there is none, one is awaited for as long as
 * the timeout lasts. Every failure (also LOADING, READONLY, MOVED, OOM) is `store_unavailable`, and
 * nothing is tried again.
 *
 * A command that timed out may still be executed: a nonce is then used up without a token.
 */
export function createSend(client: RedisClient, timeout: number): Send {
  let pending = 0;
  let ready: Promise<void> | undefined;

  function whenReady(): Promise<void> {
    if (client.status === 'wait') client.connect().catch(() => {});
    // One listener for all who wait.
    ready ??= new Promise((resolve) => {
      client.once('ready', () => {
        ready = undefined;
        resolve();
      });
    });
    return ready;
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
      if (client.status !== 'ready') await whenReady();
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
