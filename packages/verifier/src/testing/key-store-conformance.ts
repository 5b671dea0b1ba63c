import assert from 'node:assert/strict';
import type { KeyStore } from '../stores/durable-stores.js';
import {
  assertRow,
  type ConformanceCase,
  type CreateStore,
  race,
  randomId,
  spoil,
} from './conformance-case.js';
import { creationTime, keyRow } from './sample-rows.js';

/** What a {@link KeyStore} has to do. */
export function keyStoreConformance(create: CreateStore<KeyStore>): readonly ConformanceCase[] {
  return [
    {
      name: 'keys: a row is found by id and by commitment as it was written',
      run: async () => {
        const store = await create();
        const full = keyRow({ label: 'Laptop, "work" \u{1f5dd}', expiresAt: creationTime(9) });
        const bare = keyRow({ demands: 'none', scopes: [] });
        for (const key of [full, bare]) {
          assert.equal(await store.insert(key), true);
          assertRow(await store.get(key.id), key);
          assertRow(await store.findByCommitment(key.commitment), key);
        }
        assert.equal(await store.get(randomId()), undefined);
        assert.equal(await store.findByCommitment('1'), undefined);
      },
    },
    {
      name: 'keys: a known id or commitment is refused and nothing is written',
      run: async () => {
        const store = await create();
        const key = keyRow();
        await store.insert(key);
        const sameId = keyRow({ id: key.id });
        const sameCommitment = keyRow({ commitment: key.commitment });
        assert.equal(await store.insert(sameId), false);
        assert.equal(await store.insert(sameCommitment), false);
        assertRow(await store.get(key.id), key);
        assertRow(await store.findByCommitment(key.commitment), key);
        assert.equal(await store.findByCommitment(sameId.commitment), undefined);
        assert.equal(await store.get(sameCommitment.id), undefined);
        assertRow(await store.listByAccount(sameCommitment.account), []);
      },
    },
    {
      name: 'keys: the commitment of a revoked key stays taken',
      run: async () => {
        const store = await create();
        const key = keyRow();
        await store.insert(key);
        await store.revoke(key.id, 1_000);
        assert.equal(await store.insert(keyRow({ commitment: key.commitment })), false);
      },
    },
    {
      name: 'keys: of 200 parallel inserts of one commitment exactly one wins',
      run: async () => {
        const store = await create();
        const commitment = keyRow().commitment;
        const keys = Array.from({ length: 200 }, () => keyRow({ commitment }));
        const results = await race((index) => store.insert(keys[index] ?? keyRow()));
        assert.equal(results.filter((inserted) => inserted === true).length, 1);
        assertRow(await store.findByCommitment(commitment), keys[results.indexOf(true)]);
      },
    },
    {
      name: 'keys: those of one account are listed in order of creation, revoked ones included',
      run: async () => {
        const store = await create();
        const account = randomId();
        const keys = [0, 1, 2].map((index) => keyRow({ account, createdAt: creationTime(index) }));
        for (const key of keys) await store.insert(key);
        await store.insert(keyRow());
        await store.revoke(keys[1]?.id ?? '', 1_000);
        const listed = await store.listByAccount(account);
        assertRow(
          listed.map(({ id, revokedAt }) => ({ id, revokedAt })),
          keys.map(({ id }, index) => (index === 1 ? { id, revokedAt: 1_000 } : { id })),
        );
        assertRow(await store.listByAccount(randomId()), []);
      },
    },
    {
      name: 'keys: revoking keeps the first time and everything else',
      run: async () => {
        const store = await create();
        const key = keyRow();
        await store.insert(key);
        assert.equal(await store.revoke(key.id, 1_000), true);
        assert.equal(await store.revoke(key.id, 2_000), true);
        assertRow(await store.get(key.id), { ...key, revokedAt: 1_000 });
        assertRow(await store.findByCommitment(key.commitment), { ...key, revokedAt: 1_000 });
        assert.equal(await store.revoke(randomId(), 1_000), false);
      },
    },
    {
      name: 'keys: an expiry only ever comes nearer',
      run: async () => {
        const store = await create();
        const key = keyRow();
        await store.insert(key);
        assert.equal(await store.expire(key.id, 2_000), true);
        assert.equal(await store.expire(key.id, 3_000), true);
        assertRow(await store.get(key.id), { ...key, expiresAt: 2_000 });
        assert.equal(await store.expire(key.id, 1_000), true);
        assertRow(await store.findByCommitment(key.commitment), { ...key, expiresAt: 1_000 });
        assert.equal(await store.expire(randomId(), 1_000), false);
      },
    },
    {
      name: 'keys: all are listed page by page, in order of their ids by code unit',
      run: async () => {
        const store = await create();
        const ids = ['-a', 'Z', '_b', 'a'].map((text) => `${text}${randomId()}`);
        for (const id of ids) await store.insert(keyRow({ id }));
        const seen: string[] = [];
        for (;;) {
          const after = seen.at(-1);
          const page = await store.list({ limit: 3, ...(after === undefined ? {} : { after }) });
          assert.ok(page.length <= 3);
          if (page.length === 0) break;
          seen.push(...page.map(({ id }) => id));
        }
        assert.deepEqual(seen, [...new Set(seen)].sort());
        assert.ok(ids.every((id) => seen.includes(id)));
      },
    },
    {
      name: 'keys: ids are compared exactly',
      run: async () => {
        const store = await create();
        const key = keyRow({ id: `aB${randomId()}` });
        await store.insert(key);
        for (const id of [key.id.toLowerCase(), key.id.toUpperCase(), `${key.id} `, '%']) {
          assert.equal(await store.get(id), undefined);
        }
        for (const commitment of [`${key.commitment} `, `0${key.commitment}`, '%']) {
          assert.equal(await store.findByCommitment(commitment), undefined);
        }
      },
    },
    {
      name: 'keys: neither writer nor reader can change what is stored',
      run: async () => {
        const store = await create();
        const key = keyRow();
        const expected = structuredClone(key);
        await store.insert(key);
        spoil(key);
        assertRow(await store.get(expected.id), expected);
        spoil(await store.get(expected.id));
        spoil(await store.findByCommitment(expected.commitment));
        spoil(await store.listByAccount(expected.account));
        assertRow(await store.get(expected.id), expected);
        assertRow(await store.listByAccount(expected.account), [expected]);
      },
    },
  ];
}
