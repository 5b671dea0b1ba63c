import assert from 'node:assert/strict';
import type { AuditStore } from '../stores/audit-store.js';
import {
  assertRow,
  type ConformanceCase,
  type CreateStore,
  race,
  spoil,
} from './conformance-case.js';
import { auditRow } from './sample-rows.js';

/** What an {@link AuditStore} has to do. `create` gives an empty store each time. */
export function auditStoreConformance(create: CreateStore<AuditStore>): readonly ConformanceCase[] {
  return [
    {
      name: 'audit: entries are added in order, without a gap and never twice',
      run: async () => {
        const store = await create();
        assert.equal(await store.last(), undefined);
        const rows = [auditRow(1), auditRow(2), auditRow(3)] as const;
        assert.equal(await store.append([rows[1]]), false);
        assert.equal(await store.append(rows.slice(0, 2)), true);
        assert.equal(await store.append([auditRow(2)]), false);
        assert.equal(await store.append([auditRow(4)]), false);
        assert.equal(await store.append([rows[2], auditRow(5)]), false);
        assert.equal(await store.append([rows[2]]), true);
        assertRow(await store.last(), rows[2]);
        assertRow(await store.list({ after: 0, limit: 10 }), rows);
        assertRow(await store.list({ after: 1, limit: 1 }), [rows[1]]);
        assertRow(await store.list({ after: 3, limit: 10 }), []);
      },
    },
    {
      name: 'audit: entries of an account are found, newest first, before a time',
      run: async () => {
        const store = await create();
        const rows = [
          { ...auditRow(1), at: 10, account: 'a' },
          { ...auditRow(2), at: 20, account: 'b' },
          { ...auditRow(3), at: 20, account: 'a' },
          { ...auditRow(4), at: 30 },
          { ...auditRow(5), at: 20, account: 'a' },
        ] as const;
        await store.append(rows);
        assertRow(await store.listByAccount('a', { limit: 10 }), [rows[4], rows[2], rows[0]]);
        assertRow(await store.listByAccount('a', { limit: 1 }), [rows[4]]);
        assertRow(await store.listByAccount('a', { before: 20, limit: 10 }), [rows[0]]);
        assertRow(await store.listByAccount('', { limit: 10 }), []);
        assertRow(await store.list({ after: 0, limit: 10 }), rows);
      },
    },
    {
      name: 'audit: of 200 parallel additions at one place exactly one is taken',
      run: async () => {
        const store = await create();
        const rows = Array.from({ length: 200 }, () => [auditRow(1), auditRow(2)]);
        const results = await race((index) => store.append(rows[index] ?? []));
        assert.equal(results.filter((added) => added === true).length, 1);
        assertRow(await store.list({ after: 0, limit: 10 }), rows[results.indexOf(true)]);
      },
    },
    {
      name: 'audit: neither writer nor reader can change what is stored',
      run: async () => {
        const store = await create();
        const row = auditRow(1);
        const expected = structuredClone(row);
        await store.append([row]);
        spoil(row);
        spoil(await store.last());
        assertRow(await store.list({ after: 0, limit: 1 }), [expected]);
      },
    },
  ];
}
