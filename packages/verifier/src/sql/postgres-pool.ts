import type { EventEmitter } from 'node:events';
import type { PostgresPool, PostgresPoolClient } from 'kysely';

/** Milliseconds: later than a server's own limit, sooner than the engine stops waiting (2 s). */
export const ANSWER_TIMEOUT = 1_900;

/** A pool of `pg` 8. */
export type PgPool = PostgresPool;

/** Whatever of `pg` emits. */
type Emitter = Partial<Pick<EventEmitter, 'on'>>;

async function importPg() {
  try {
    return (await import('pg')).default;
  } catch (cause) {
    throw new Error('postgresDatabase needs the package pg: npm install pg.', { cause });
  }
}

/** A pool of our own, with time limits. */
export async function createPool(connectionString: string): Promise<PgPool> {
  const { Pool } = await importPg();
  return new Pool({
    connectionString,
    application_name: 'pzk-auth',
    // A connection attempt and a statement fail before the engine stops waiting for them (2 s).
    connectionTimeoutMillis: 1_500,
    statement_timeout: 1_800,
    idle_in_transaction_session_timeout: 5_000,
    keepAlive: true,
  });
}

const heard = new WeakSet<object>();

function listen(client: object & Emitter): void {
  if (heard.has(client)) return;
  heard.add(client);
  client.on?.('error', () => {});
}

/**
 * A connection that breaks raises `error` besides failing its query, and an event that nobody listens
 * to ends the process. The pool hands on those of idle connections, and listens to no other. They are
 * listened to from `connect` on, which the pool emits while it still handles what the server sent: the
 * end of a connection may stand in the same packet as its beginning. Calls see the failure themselves.
 */
export function listenToClients(pool: PgPool & Emitter): PgPool {
  pool.on?.('error', () => {});
  pool.on?.('connect', listen);
  return pool;
}

/**
 * A connection that gives up, together with its statement. The limits of the server do not reach us
 * over a network that has swallowed the connection, and `pg` would wait until the operating system
 * notices, which takes a quarter of an hour: meanwhile such connections would fill the pool.
 */
function watchClient(client: PostgresPoolClient, timeout: number): PostgresPoolClient {
  let lost: Error | undefined;
  async function query<T>(work: () => Promise<T>): Promise<T> {
    // Also of the ROLLBACK that follows.
    if (lost !== undefined) throw lost;
    if (timeout === Number.POSITIVE_INFINITY) return work();
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        lost = new Error('PostgreSQL did not answer in time.');
        reject(lost);
      }, timeout);
    });
    try {
      return await Promise.race([work(), deadline]);
    } finally {
      clearTimeout(timer);
    }
  }
  return {
    query: ((text: string, values: readonly unknown[]) =>
      query(() => client.query(text, values))) as PostgresPoolClient['query'],
    // Closed rather than put back, where the answer may still come.
    release: (destroy) => client.release(destroy === true || lost !== undefined),
  };
}

/** A pool as Kysely uses it: it hands out watched connections, and is ended by its owner. */
export function watchPool(pool: PgPool, timeout: number): PostgresPool {
  return {
    options: pool.options,
    connect: async () => {
      const client = await pool.connect();
      // One that the application's pool had before.
      listen(client);
      return watchClient(client, timeout);
    },
    end: async () => {},
  };
}
