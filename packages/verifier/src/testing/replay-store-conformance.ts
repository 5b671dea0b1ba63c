import assert from 'node:assert/strict';
import type { ReplayStore } from '../stores/short-lived-stores.js';
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

/** What a {@link ReplayStore} has to do. */
export function replayStoreConformance(
  create: CreateStore<ReplayStore>,
  options: ConformanceOptions = {},
): readonly ConformanceCase[] {
  return [
    {
      name: 'replays: of 200 parallel records of one key exactly one is the first',
      run: async () => {
        const store = await create();
        const key = randomId();
        const results = await race(() => store.record(key, LONG));
        assert.equal(results.filter((first) => first === true).length, 1);
        assert.equal(results.filter((first) => first === false).length, results.length - 1);
      },
    },
    {
      name: 'replays: distinct keys are all first',
      run: async () => {
        const store = await create();
        const results = await race(() => store.record(randomId(), LONG));
        assert.ok(results.every((first) => first === true));
      },
    },
    {
      name: 'replays: a record lasts for its lifetime, and a replay does not prolong it',
      run: async () => {
        const store = await create();
        const key = randomId();
        assert.equal(await store.record(key, SHORT), true);
        assert.equal(await store.record(key, LONG), false);
        await advance(options, PAST_SHORT);
        assert.equal(await store.record(key, LONG), true);
        assert.equal(await store.record(key, LONG), false);
      },
    },
    {
      name: 'replays: odd keys are kept apart',
      run: async () => {
        const store = await create();
        const keys = oddKeys();
        for (const key of keys) assert.equal(await store.record(key, LONG), true);
        for (const key of keys) assert.equal(await store.record(key, LONG), false);
      },
    },
    {
      name: 'replays: a lifetime that is no positive integer is refused',
      run: async () => {
        const store = await create();
        for (const ttl of [0, -1, 1.5, Number.NaN]) {
          await assert.rejects(async () => store.record(randomId(), ttl));
        }
      },
    },
  ];
}
