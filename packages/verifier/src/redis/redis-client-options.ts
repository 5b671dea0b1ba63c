import type { ClusterOptions, RedisOptions } from 'ioredis';

/** What holds for every connection. */
const connectionOptions = {
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  /** Milliseconds. */
  connectTimeout: 2_000,
  /** Milliseconds without data while answers are outstanding. */
  socketTimeout: 2_000,
} satisfies RedisOptions;

/** A server that was demoted: whoever has taken over is found by connecting anew. */
function isDemoted(error: Error): boolean {
  return /^READONLY |pzk: the server is no master/.test(error.message);
}

/**
 * Options that we recommend for a client of one server, also behind Sentinel or a name that moves to
 * a promoted replica: it then fails fast, sends nothing twice, gives up a connection that is silent,
 * and leaves a server that is no master any more. Use them for a client that PZK-Auth has for itself.
 *
 * With the defaults of ioredis the stores hold too, since they bound every command themselves. But
 * ioredis then repeats what was on its way when a connection broke: a nonce may be reported as
 * replayed where 503 would be right, and a budget may count twice.
 *
 * @example
 * ```ts
 * const client = new Redis(process.env.REDIS_URL, redisClientOptions);
 * const guarded = new Redis({ ...redisClientOptions, sentinels, name: 'mymaster' });
 * ```
 */
export const redisClientOptions = Object.freeze({
  ...connectionOptions,
  enableOfflineQueue: false,
  // `true` connects anew and does not send the command again (`2` would).
  reconnectOnError: isDemoted,
  // `true` can end the client for good: a message of Sentinel that arrives while it connects anew
  // makes ioredis give up. A demoted master closes its connections or answers READONLY.
  failoverDetector: false,
  /** Milliseconds. */
  sentinelCommandTimeout: 1_000,
} satisfies RedisOptions);

/**
 * Options that we recommend for a client of a Cluster. It follows MOVED, ASK and TRYAGAIN, which all
 * say that nothing was executed, and gives up before the default timeout of the stores has passed.
 * What was on its way when a connection broke is not sent again: whether it was executed is unknown.
 *
 * @example
 * ```ts
 * const client = new Cluster([{ host: '10.0.0.1', port: 6379 }], redisClusterOptions);
 * const secured = new Cluster(nodes, {
 *   ...redisClusterOptions,
 *   redisOptions: { ...redisClusterOptions.redisOptions, username, password, tls: {} },
 * });
 * ```
 */
export const redisClusterOptions = Object.freeze({
  enableOfflineQueue: false,
  enableReadyCheck: true,
  scaleReads: 'master',
  maxRedirections: 5,
  /** 0: not at all. "Connection is closed" is said of commands that were sent, too. */
  retryDelayOnFailover: 0,
  /** 0: not at all. */
  retryDelayOnClusterDown: 0,
  /** Milliseconds. */
  retryDelayOnTryAgain: 50,
  /** Milliseconds. */
  slotsRefreshTimeout: 1_000,
  /** Milliseconds. A master that hangs answers no MOVED: its successor is learned from the others. */
  slotsRefreshInterval: 2_000,
  redisOptions: Object.freeze(connectionOptions),
} satisfies ClusterOptions);
