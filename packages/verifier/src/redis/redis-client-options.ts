import type { RedisOptions } from 'ioredis';

/**
 * Options that we recommend for the client: it then fails fast, sends nothing twice and gives up a
 * connection that is silent. Use them for a client that PZK-Auth has for itself.
 *
 * With the defaults of ioredis the stores hold too, since they bound every command themselves. But
 * ioredis then repeats what was on its way when a connection broke: a nonce may be reported as
 * replayed where 503 would be right, and a budget may count twice.
 *
 * @example
 * ```ts
 * const client = new Redis(process.env.REDIS_URL, redisClientOptions);
 * const cluster = new Cluster(nodes, { redisOptions: redisClientOptions });
 * ```
 */
export const redisClientOptions = Object.freeze({
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  /** Milliseconds. */
  connectTimeout: 2_000,
  /** Milliseconds without data while answers are outstanding. */
  socketTimeout: 2_000,
} satisfies RedisOptions);
