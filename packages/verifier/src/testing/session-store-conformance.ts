import assert from 'node:assert/strict';
import type { SessionStore } from '../stores/short-lived-stores.js';
import {
  advance,
  assertRow,
  type ConformanceCase,
  type ConformanceOptions,
  type CreateStore,
  LONG,
  oddKeys,
  PAST_SHORT,
  randomId,
  SHORT,
  spoil,
} from './conformance-case.js';
import { sessionRow } from './sample-rows.js';

/** What a {@link SessionStore} has to do. */
export function sessionStoreConformance(
  create: CreateStore<SessionStore>,
  options: ConformanceOptions = {},
): readonly ConformanceCase[] {
  return [
    {
      name: 'sessions: a row is read back as it was written, and replaced as a whole',
      run: async () => {
        const store = await create();
        const id = randomId();
        assert.equal(await store.get(id), undefined);
        const first = sessionRow();
        await store.put(id, first, LONG);
        assertRow(await store.get(id), first);
        const second = sessionRow({ device: '', amr: [], keyProtection: 'none' });
        await store.put(id, second, LONG);
        assertRow(await store.get(id), second);
        assert.equal(await store.get(randomId()), undefined);
      },
    },
    {
      name: 'sessions: a deleted row is gone and cannot be touched',
      run: async () => {
        const store = await create();
        const id = randomId();
        await store.put(id, sessionRow(), LONG);
        await store.delete(id);
        assert.equal(await store.get(id), undefined);
        assert.equal(await store.touch(id, LONG), false);
        assert.equal(await store.get(id), undefined);
        await store.delete(id);
      },
    },
    {
      name: 'sessions: a row expires; touch prolongs, and does not bring back what is gone',
      run: async () => {
        const store = await create();
        const [idle, touched] = [randomId(), randomId()];
        const row = sessionRow();
        await store.put(idle, row, SHORT);
        await store.put(touched, row, SHORT);
        assert.equal(await store.touch(touched, LONG), true);
        await advance(options, PAST_SHORT);
        assert.equal(await store.get(idle), undefined);
        assert.equal(await store.touch(idle, LONG), false);
        assert.equal(await store.get(idle), undefined);
        assertRow(await store.get(touched), row);
      },
    },
    {
      name: 'sessions: the lifetime of a replaced row is that of the new one',
      run: async () => {
        const store = await create();
        const [shortened, prolonged] = [randomId(), randomId()];
        await store.put(shortened, sessionRow(), LONG);
        await store.put(shortened, sessionRow(), SHORT);
        await store.put(prolonged, sessionRow(), SHORT);
        await store.put(prolonged, sessionRow(), LONG);
        await advance(options, PAST_SHORT);
        assert.equal(await store.get(shortened), undefined);
        assert.notEqual(await store.get(prolonged), undefined);
      },
    },
    {
      name: 'sessions: neither writer nor reader can change what is stored',
      run: async () => {
        const store = await create();
        const id = randomId();
        const row = sessionRow();
        const expected = structuredClone(row);
        await store.put(id, row, LONG);
        spoil(row);
        assertRow(await store.get(id), expected);
        spoil(await store.get(id));
        assertRow(await store.get(id), expected);
      },
    },
    {
      name: 'sessions: odd ids and odd text are kept as they are',
      run: async () => {
        const store = await create();
        const ids = oddKeys();
        for (const id of ids) await store.put(id, sessionRow({ account: id }), LONG);
        for (const id of ids) assert.equal((await store.get(id))?.account, id);
      },
    },
  ];
}
