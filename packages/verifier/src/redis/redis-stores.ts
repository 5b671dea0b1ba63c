import { assertOptionNames } from '../option-names.js';
import type {
  BudgetStore,
  ReplayStore,
  SessionStore,
  ShortLivedStores,
} from '../stores/short-lived-stores.js';
import { assertTimeToLive } from '../stores/time-to-live.js';
import { createSend, type RedisClient, type Send, unavailable } from './bounded-client.js';
import { createKeyNames, type KeyNames } from './key-names.js';
import { redisNonceStore } from './nonce-store.js';
import { parseCount } from './parse-count.js';
import { redisRevocationStore } from './revocation-store.js';
import { ADD_SCRIPT } from './scripts.js';
import { formatSessionRow, parseSessionRow } from './session-json.js';
import { assertReadsFromMaster } from './topology.js';

/** Options of {@link redisStores}. */
export interface RedisStoresOptions {
  /**
   * A client of ioredis 5.4 or newer: `Redis` (one server, also behind Sentinel) with
   * {@link redisClientOptions}, or `Cluster` with {@link redisClusterOptions}. It stays the caller's to
   * close. It reads from masters only.
   */
  readonly client: RedisClient;
  /** What the names of all keys begin with: letters, digits and `: . _ -`. Default `pzk:`. */
  readonly prefix?: string | undefined;
  /** Milliseconds until a command has failed. Default 500. */
  readonly timeout?: number | undefined;
  /**
   * How many replicas must hold a revocation before it is acknowledged (`WAIT`). With 1 or more a
   * failover to a replica in step forgets no acknowledged revocation; with too few replicas in step
   * `revoke` fails, and what it wrote stays. Default 0: the master's answer is enough.
   */
  readonly revocationReplicas?: number | undefined;
  /**
   * Accept a Redis that evicts records when its memory is full. A nonce whose record is evicted can
   * be used again, and a revoked token works again. Default `false`: then no challenge is issued.
   */
  readonly dangerouslyAllowEviction?: boolean | undefined;
}

/** All of them: the compiler checks it. */
const OPTIONS = Object.keys({
  client: true,
  prefix: true,
  timeout: true,
  revocationReplicas: true,
  dangerouslyAllowEviction: true,
} satisfies Record<keyof RedisStoresOptions, true>);

function replayStore(send: Send, names: KeyNames): ReplayStore {
  return Object.freeze<ReplayStore>({
    record: async (key, ttl) => {
      assertTimeToLive(ttl);
      const answer = await send((client) => client.set(names.replay(key), '1', 'PX', ttl, 'NX'));
      if (answer !== 'OK' && answer !== null) throw unavailable('Redis gave an unknown answer.');
      return answer === 'OK';
    },
  });
}

function sessionStore(send: Send, names: KeyNames): SessionStore {
  return Object.freeze<SessionStore>({
    get: async (id) => {
      const text = await send((client) => client.get(names.session(id)));
      return text === null ? undefined : parseSessionRow(text);
    },
    put: async (id, row, ttl) => {
      assertTimeToLive(ttl);
      const text = formatSessionRow(row);
      await send((client) => client.set(names.session(id), text, 'PX', ttl));
    },
    touch: async (id, ttl) => {
      assertTimeToLive(ttl);
      return parseCount(await send((client) => client.pexpire(names.session(id), ttl))) === 1;
    },
    delete: async (id) => {
      await send((client) => client.del(names.session(id)));
    },
  });
}

function budgetStore(send: Send, names: KeyNames): BudgetStore {
  return Object.freeze<BudgetStore>({
    add: async (key, ttl, amount = 1) => {
      assertTimeToLive(ttl);
      const name = names.budget(key);
      return parseCount(await send((client) => client.eval(ADD_SCRIPT, 1, name, ttl, amount)));
    },
    read: async (key) => {
      const answer = await send((client) => client.get(names.budget(key)));
      return answer === null ? 0 : parseCount(answer);
    },
  });
}

/**
 * The short-lived stores in Redis (6.2 or newer) or Valkey, on one server, behind Sentinel or in a
 * Cluster, shared by all processes that use the same servers and prefix. They fail closed: whatever
 * Redis cannot answer within the timeout rejects with `store_unavailable`, and nothing that may have
 * been executed is tried again.
 *
 * Needs: a user that may run `INFO` and scripts; `maxmemory-policy noeviction` where memory is
 * bounded. Replication of Redis is asynchronous: a failover may lose the last writes. For nonces the
 * epoch answers that, for revocations `revocationReplicas`; a `jti` of the last moments may be
 * forgotten. docs/redis.md has the topologies and what each can lose.
 *
 * @example One server
 * ```ts
 * import { Redis } from 'ioredis';
 * import { redisClientOptions, redisStores } from '@pzk-auth/verifier/redis';
 *
 * const client = new Redis(process.env.REDIS_URL, redisClientOptions);
 * const stores = { ...durable, ...redisStores({ client }) };
 * ```
 *
 * @example Cluster
 * ```ts
 * const client = new Cluster(nodes, redisClusterOptions);
 * const stores = { ...durable, ...redisStores({ client, revocationReplicas: 1 }) };
 * ```
 *
 * @throws TypeError if an option is malformed, or the client may read from replicas
 */
export function redisStores(options: RedisStoresOptions): ShortLivedStores {
  assertOptionNames('redisStores', options, OPTIONS);
  const { client, prefix = 'pzk:', timeout = 500, dangerouslyAllowEviction = false } = options;
  const { revocationReplicas: replicas = 0 } = options;
  if (typeof client?.eval !== 'function') throw new TypeError('client is a client of ioredis.');
  if (!Number.isSafeInteger(timeout) || timeout < 1 || timeout > 60_000) {
    throw new TypeError('timeout is a number of milliseconds from 1 to 60,000.');
  }
  if (!Number.isSafeInteger(replicas) || replicas < 0 || replicas > 16) {
    throw new TypeError('revocationReplicas is a whole number from 0 to 16.');
  }
  assertReadsFromMaster(client);
  const names = createKeyNames(prefix);
  const send = createSend(client, timeout);
  return Object.freeze<ShortLivedStores>({
    nonces: redisNonceStore({ send, names, allowEviction: dangerouslyAllowEviction }),
    replays: replayStore(send, names),
    revocations: redisRevocationStore({ send, names, replicas, timeout }),
    sessions: sessionStore(send, names),
    budgets: budgetStore(send, names),
  });
}
