import assert from 'node:assert/strict';
import type { SigningKeyStore } from '../stores/durable-stores.js';
import {
  assertRow,
  type ConformanceCase,
  type CreateStore,
  race,
  spoil,
} from './conformance-case.js';
import { signingKeyRow } from './sample-rows.js';

/** What a {@link SigningKeyStore} has to do. `create` gives an empty store each time. */
export function signingKeyStoreConformance(
  create: CreateStore<SigningKeyStore>,
): readonly ConformanceCase[] {
  return [
    {
      name: 'signing keys: the first is taken, a second first is not',
      run: async () => {
        const store = await create();
        assertRow(await store.list(), []);
        const row = signingKeyRow();
        assert.equal(await store.insertFirst(row), true);
        assert.equal(await store.insertFirst(signingKeyRow()), false);
        assertRow(await store.list(), [row]);
      },
    },
    {
      name: 'signing keys: of 200 processes that start at once exactly one sets the key',
      run: async () => {
        const store = await create();
        const rows = Array.from({ length: 200 }, () => signingKeyRow());
        const results = await race((index) => store.insertFirst(rows[index] ?? signingKeyRow()));
        assert.equal(results.filter((inserted) => inserted === true).length, 1);
        assertRow(await store.list(), [rows[results.indexOf(true)]]);
      },
    },
    {
      name: 'signing keys: further ones stand in the order in which they become active',
      run: async () => {
        const store = await create();
        const first = signingKeyRow();
        const last = signingKeyRow({ activeFrom: first.activeFrom + 2_000 });
        const middle = signingKeyRow({ activeFrom: first.activeFrom + 1_000 });
        await store.insertFirst(first);
        await store.insert(last);
        await store.insert(middle);
        await assert.rejects(store.insert(signingKeyRow({ kid: first.kid })));
        assertRow(await store.list(), [first, middle, last]);
        assert.equal(await store.remove(middle.kid), true);
        assert.equal(await store.remove(middle.kid), false);
        assertRow(await store.list(), [first, last]);
      },
    },
    {
      name: 'signing keys: neither writer nor reader can change what is stored',
      run: async () => {
        const store = await create();
        const row = signingKeyRow();
        const expected = structuredClone(row);
        await store.insertFirst(row);
        spoil(row);
        assertRow(await store.list(), [expected]);
        spoil(await store.list());
        assertRow(await store.list(), [expected]);
      },
    },
  ];
}
