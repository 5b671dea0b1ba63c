import assert from 'node:assert/strict';
import type { BudgetStore } from '../stores/short-lived-stores.js';
import {
  advance,
  type ConformanceCase,
  type ConformanceOptions,
  type CreateStore,
  LONG,
  oddKeys,
  PARALLEL,
  PAST_SHORT,
  race,
  randomId,
  SHORT,
} from './conformance-case.js';

/** What a {@link BudgetStore} has to do. */
export function budgetStoreConformance(
  create: CreateStore<BudgetStore>,
  options: ConformanceOptions = {},
): readonly ConformanceCase[] {
  return [
    {
      name: 'budgets: 200 parallel additions are all counted, each sum once',
      run: async () => {
        const store = await create();
        const key = randomId();
        const sums = await race(() => store.add(key, LONG));
        assert.equal(new Set(sums).size, PARALLEL);
        assert.equal(Math.max(...sums), PARALLEL);
        assert.equal(await store.read(key), PARALLEL);
      },
    },
    {
      name: 'budgets: reading adds nothing and an unknown key has 0',
      run: async () => {
        const store = await create();
        const key = randomId();
        assert.equal(await store.read(key), 0);
        assert.equal(await store.read(key), 0);
        assert.equal(await store.add(key, LONG), 1);
        assert.equal(await store.read(key), 1);
        assert.equal(await store.add(key, LONG), 2);
      },
    },
    {
      name: 'budgets: the window starts with the first addition; later ones do not prolong it',
      run: async () => {
        const store = await create();
        const key = randomId();
        assert.equal(await store.add(key, SHORT), 1);
        assert.equal(await store.add(key, LONG), 2);
        await advance(options, PAST_SHORT);
        assert.equal(await store.read(key), 0);
        assert.equal(await store.add(key, LONG), 1);
      },
    },
    {
      name: 'budgets: what is given back is there again, never more, and starts no window',
      run: async () => {
        const store = await create();
        const key = randomId();
        assert.equal(await store.add(key, LONG, -1), 0);
        assert.equal(await store.add(key, LONG, 3), 3);
        assert.equal(await store.add(key, LONG, -2), 1);
        assert.equal(await store.add(key, LONG, -5), 0);
        assert.equal(await store.read(key), 0);
        const sums = await race((index) => store.add(key, LONG, index % 2 === 0 ? 2 : 1));
        assert.equal(Math.max(...sums), PARALLEL * 1.5);
        await race(() => store.add(key, LONG, -1));
        assert.equal(await store.read(key), PARALLEL * 0.5);
      },
    },
    {
      name: 'budgets: giving back does not prolong the window',
      run: async () => {
        const store = await create();
        const key = randomId();
        await store.add(key, SHORT, 2);
        assert.equal(await store.add(key, LONG, -1), 1);
        await advance(options, PAST_SHORT);
        assert.equal(await store.read(key), 0);
      },
    },
    {
      name: 'budgets: odd keys are kept apart',
      run: async () => {
        const store = await create();
        for (const key of oddKeys()) assert.equal(await store.add(key, LONG), 1);
      },
    },
  ];
}
