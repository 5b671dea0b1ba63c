import assert from 'node:assert/strict';
import type { PairingStore } from '../stores/vault-stores.js';
import {
  assertRow,
  type ConformanceCase,
  type CreateStore,
  oddKeys,
  race,
  randomId,
  spoil,
} from './conformance-case.js';
import { pairingRow } from './sample-rows.js';
import { assertKeptOrRefused } from './vault-fixture.js';

const DAY = 86_400_000;

/** What a {@link PairingStore} has to do. */
export function pairingStoreConformance(
  create: CreateStore<PairingStore>,
): readonly ConformanceCase[] {
  return [
    {
      name: 'pairings: read back as written; a known id is refused',
      run: async () => {
        const store = await create();
        const row = pairingRow();
        assert.equal(await store.insert(row, 0), true);
        assertRow(await store.get(row.id), row);
        assert.equal(await store.insert(pairingRow({ id: row.id }), 0), false);
        assertRow(await store.get(row.id), row);
        assert.equal(await store.get(randomId()), undefined);
      },
    },
    {
      name: 'pairings: each step adds what it brings and keeps the rest',
      run: async () => {
        const store = await create();
        const row = pairingRow();
        await store.insert(row, 0);
        const steps = [
          ['open', 'committed', { name: 'Agent \u{1f916}', commitment: randomId() }],
          ['committed', 'answered', { identityKey: randomId(), nonceB: randomId() }],
          ['answered', 'revealed', { agentKey: randomId(), nonceA: randomId() }],
          ['revealed', 'ended', {}],
        ] as const;
        let expected = row;
        for (const [from, to, step] of steps) {
          assert.equal(await store.advance(row.id, { from, to, step }, 0), true);
          expected = { ...expected, ...step, status: to };
          assertRow(await store.get(row.id), expected);
          assert.equal(await store.advance(row.id, { from, to, step }, 0), false);
        }
        assertRow(await store.get(row.id), expected);
      },
    },
    {
      name: 'pairings: no step from another status, after the end of time, or of an unknown one',
      run: async () => {
        const store = await create();
        const row = pairingRow();
        await store.insert(row, 0);
        const step = { name: 'x', commitment: 'x' };
        for (const from of ['committed', 'answered', 'revealed', 'ended'] as const) {
          assert.equal(await store.advance(row.id, { from, to: 'ended', step }, 0), false);
        }
        const change = { from: 'open', to: 'committed', step } as const;
        assert.equal(await store.advance(row.id, change, row.expiresAt), false);
        assert.equal(await store.advance(randomId(), change, 0), false);
        assertRow(await store.get(row.id), row);
        assert.equal(await store.advance(row.id, change, row.expiresAt - 1), true);
      },
    },
    {
      name: 'pairings: of 200 that take one step at once exactly one does',
      run: async () => {
        const store = await create();
        const row = pairingRow();
        await store.insert(row, 0);
        const results = await race((index) =>
          store.advance(
            row.id,
            { from: 'open', to: 'committed', step: { commitment: `${index}`, name: `n${index}` } },
            0,
          ),
        );
        assert.equal(results.filter((done) => done === true).length, 1);
        const stored = await store.get(row.id);
        assert.equal(stored?.commitment, `${results.indexOf(true)}`);
        assert.equal(stored?.name, `n${results.indexOf(true)}`);
      },
    },
    {
      name: 'pairings: deleted when they expired more than a day ago, not before',
      run: async () => {
        const store = await create();
        const old = pairingRow({ expiresAt: 1_000 });
        const young = pairingRow({ expiresAt: 2_000 });
        await store.insert(old, 0);
        await store.insert(young, 0);
        await store.insert(pairingRow(), 1_000 + DAY);
        assertRow(await store.get(old.id), old);
        await store.insert(pairingRow(), 1_001 + DAY);
        assert.equal(await store.get(old.id), undefined);
        assertRow(await store.get(young.id), young);
      },
    },
    {
      name: 'pairings: odd ids are kept apart, or refused',
      run: async () => {
        const store = await create();
        await assertKeptOrRefused(oddKeys(), {
          insert: (id) => store.insert(pairingRow({ id, device: id }), 0),
          get: (id) => store.get(id),
          of: (row) => row.device,
        });
      },
    },
    {
      name: 'pairings: neither writer nor reader can change what is stored',
      run: async () => {
        const store = await create();
        const row = pairingRow();
        const expected = structuredClone(row);
        await store.insert(row, 0);
        spoil(row);
        spoil(await store.get(expected.id));
        assertRow(await store.get(expected.id), expected);
      },
    },
  ];
}
