import { randomBytes } from 'node:crypto';
import { PzkError } from '@pzk-auth/protocol';
import type { ConsumeResult, NonceStore } from '../stores/short-lived-stores.js';
import { assertTimeToLive } from '../stores/time-to-live.js';
import { type Send, unavailable } from './bounded-client.js';
import { mayEvict } from './eviction.js';
import type { KeyNames } from './key-names.js';
import { CONSUME_SCRIPT, EPOCH_SCRIPT } from './scripts.js';

/** How long a known epoch is taken for current when a nonce is made. Milliseconds. */
const EPOCH_MAX_AGE = 1_000;

const EPOCH_SHAPE = /^[0-9a-f]{40}-[A-Za-z0-9_-]{22}$/;

/** What the nonce store needs. */
export interface RedisNonceStoreOptions {
  readonly send: Send;
  readonly names: KeyNames;
  readonly allowEviction: boolean;
}

/**
 * The epoch is the replication id of the master that holds the nonces, together with a random marker
 * in the database. A promoted replica, a restarted server, an emptied database and another owner of
 * the Cluster slot each have another one, so whatever was issued before is `stale`: an asynchronous
 * replica may have missed the record of a consume.
 */
export function redisNonceStore({
  send,
  names,
  allowEviction,
}: RedisNonceStoreOptions): NonceStore {
  let known: { readonly epoch: string; readonly until: number } | undefined;
  let asking: Promise<string> | undefined;

  async function askEpoch(): Promise<string> {
    const marker = randomBytes(16).toString('base64url');
    const [answer, evicts] = await Promise.all([
      send((client) => client.eval(EPOCH_SCRIPT, 1, names.epoch, marker)),
      allowEviction ? false : send(mayEvict),
    ]);
    if (evicts) {
      throw new PzkError('store_unavailable', 'Redis may evict live records.', {
        hint: 'Set maxmemory-policy to noeviction, or use a Redis of its own.',
      });
    }
    if (typeof answer !== 'string' || !EPOCH_SHAPE.test(answer)) {
      throw unavailable('Redis gave an unknown answer.');
    }
    // A monotonic clock: a step of the wall clock must not make an old answer young.
    known = { epoch: answer, until: performance.now() + EPOCH_MAX_AGE };
    return answer;
  }

  return Object.freeze<NonceStore>({
    epoch: async () => {
      if (known !== undefined && performance.now() < known.until) return known.epoch;
      asking ??= askEpoch().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    consume: async (key, { epoch, ttl }) => {
      assertTimeToLive(ttl);
      // None of ours, say of the memory store that ran before.
      if (!EPOCH_SHAPE.test(epoch)) return 'stale';
      const answer = await send((client) =>
        client.eval(CONSUME_SCRIPT, 2, names.nonce(key), names.epoch, epoch, ttl),
      );
      if (!isConsumeResult(answer)) throw unavailable('Redis gave an unknown answer.');
      if (answer === 'stale') known = undefined;
      return answer;
    },
  });
}

function isConsumeResult(answer: unknown): answer is ConsumeResult {
  return answer === 'consumed' || answer === 'replayed' || answer === 'stale';
}
