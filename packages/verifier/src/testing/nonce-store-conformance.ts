import assert from 'node:assert/strict';
import type { NonceStore } from '../stores/short-lived-stores.js';
import {
  advance,
  type ConformanceCase,
  type ConformanceOptions,
  type CreateStore,
  LONG,
  oddKeys,
  PAST_SHORT,
  race,
  randomId,
  SHORT,
} from './conformance-case.js';

/** What a {@link NonceStore} has to do. */
export function nonceStoreConformance(
  create: CreateStore<NonceStore>,
  options: ConformanceOptions = {},
): readonly ConformanceCase[] {
  return [
    {
      name: 'nonces: of 200 parallel consumes exactly one wins',
      run: async () => {
        const store = await create();
        const key = randomId();
        const epoch = await store.epoch();
        const results = await race(() => store.consume(key, { epoch, ttl: LONG }));
        assert.equal(results.filter((result) => result === 'consumed').length, 1);
        assert.equal(results.filter((result) => result === 'replayed').length, results.length - 1);
      },
    },
    {
      name: 'nonces: a consumed key stays consumed, other keys are free',
      run: async () => {
        const store = await create();
        const [first, second] = [randomId(), randomId()];
        const epoch = await store.epoch();
        assert.equal(await store.consume(first, { epoch, ttl: LONG }), 'consumed');
        assert.equal(await store.consume(first, { epoch, ttl: LONG }), 'replayed');
        assert.equal(await store.consume(second, { epoch, ttl: LONG }), 'consumed');
        assert.equal(await store.consume(first, { epoch, ttl: LONG }), 'replayed');
      },
    },
    {
      name: 'nonces: the record lasts for its lifetime, and a replay does not prolong or shorten it',
      run: async () => {
        const store = await create();
        const [short, long] = [randomId(), randomId()];
        const epoch = await store.epoch();
        assert.equal(await store.consume(short, { epoch, ttl: SHORT }), 'consumed');
        assert.equal(await store.consume(long, { epoch, ttl: LONG }), 'consumed');
        assert.equal(await store.consume(short, { epoch, ttl: LONG }), 'replayed');
        assert.equal(await store.consume(long, { epoch, ttl: SHORT }), 'replayed');
        await advance(options, PAST_SHORT);
        assert.equal(await store.consume(short, { epoch, ttl: LONG }), 'consumed');
        assert.equal(await store.consume(long, { epoch, ttl: LONG }), 'replayed');
      },
    },
    {
      name: 'nonces: another epoch is stale and writes nothing',
      run: async () => {
        const store = await create();
        const key = randomId();
        const epoch = await store.epoch();
        const others = [
          '',
          epoch.slice(0, -1),
          `${epoch}A`,
          epoch.startsWith('0') ? `1${epoch.slice(1)}` : `0${epoch.slice(1)}`,
          '*',
        ];
        for (const other of others) {
          assert.equal(await store.consume(key, { epoch: other, ttl: LONG }), 'stale');
        }
        assert.equal(await store.consume(key, { epoch, ttl: LONG }), 'consumed');
        assert.equal(await store.consume(key, { epoch: others[3] ?? '', ttl: LONG }), 'stale');
      },
    },
    {
      name: 'nonces: the epoch is short, of URL-safe characters, and stays while nothing is lost',
      run: async () => {
        const store = await create();
        const epoch = await store.epoch();
        assert.match(epoch, /^[A-Za-z0-9_-]{1,64}$/);
        await store.consume(randomId(), { epoch, ttl: LONG });
        assert.equal(await store.epoch(), epoch);
      },
    },
    {
      name: 'nonces: odd keys are kept apart',
      run: async () => {
        const store = await create();
        const epoch = await store.epoch();
        const keys = oddKeys();
        for (const key of keys) {
          assert.equal(await store.consume(key, { epoch, ttl: LONG }), 'consumed');
        }
        for (const key of keys) {
          assert.equal(await store.consume(key, { epoch, ttl: LONG }), 'replayed');
        }
      },
    },
    {
      name: 'nonces: a lifetime that is no positive integer is refused',
      run: async () => {
        const store = await create();
        const epoch = await store.epoch();
        for (const ttl of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
          await assert.rejects(async () => store.consume(randomId(), { epoch, ttl }));
        }
      },
    },
  ];
}
