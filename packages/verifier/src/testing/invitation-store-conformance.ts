import assert from 'node:assert/strict';
import type { InvitationStore } from '../stores/vault-stores.js';
import {
  assertRow,
  type ConformanceCase,
  type CreateStore,
  oddKeys,
  PARALLEL,
  race,
  randomId,
  spoil,
} from './conformance-case.js';
import { deviceRow, invitationRow, invitedDevice } from './sample-rows.js';
import { assertKeptOrRefused } from './vault-fixture.js';

const DAY = 86_400_000;

/** What an {@link InvitationStore} has to do; how a write uses one is in `vaultStoreConformance`. */
export function invitationStoreConformance(
  create: CreateStore<InvitationStore>,
): readonly ConformanceCase[] {
  return [
    {
      name: 'invitations: read back as written; a known id is refused',
      run: async () => {
        const store = await create();
        const row = invitationRow();
        assert.equal(await store.insert(row, 0), true);
        assertRow(await store.get(row.id), row);
        assert.equal(await store.insert(invitationRow({ id: row.id }), 0), false);
        assertRow(await store.get(row.id), row);
        assert.equal(await store.get(randomId()), undefined);
      },
    },
    {
      name: 'invitations: one device joins, in time',
      run: async () => {
        const store = await create();
        const row = invitationRow();
        await store.insert(row, 0);
        const invited = invitedDevice(deviceRow({ account: row.account }));
        assert.equal(await store.join(row.id, invited, row.expiresAt), false);
        assert.equal(await store.join(randomId(), invited, 0), false);
        assertRow(await store.get(row.id), row);
        assert.equal(await store.join(row.id, invited, row.expiresAt - 1), true);
        assertRow(await store.get(row.id), { ...row, joined: invited });
        const second = invitedDevice(deviceRow({ account: row.account }));
        assert.equal(await store.join(row.id, second, 0), false);
        assert.equal(await store.join(row.id, invited, 0), false);
        assertRow(await store.get(row.id), { ...row, joined: invited });
      },
    },
    {
      name: 'invitations: a joined one is found by account and recipient, until it ends',
      run: async () => {
        const store = await create();
        const [row, open] = [invitationRow(), invitationRow()];
        const invited = invitedDevice(deviceRow({ account: row.account }));
        for (const one of [row, open]) await store.insert(one, 0);
        const find = (account: string) => store.findJoined(account, invited.recipient);
        assert.equal(await find(row.account), undefined);
        await store.join(row.id, invited, 0);
        assertRow(await find(row.account), { ...row, joined: invited });
        assert.equal(await find(open.account), undefined);
        assert.equal(await store.findJoined(row.account, randomId()), undefined);
        await store.end(row.id);
        assert.equal(await find(row.account), undefined);
      },
    },
    {
      name: 'invitations: of 200 devices that join at once exactly one does',
      run: async () => {
        const store = await create();
        const row = invitationRow();
        await store.insert(row, 0);
        const invited = Array.from({ length: PARALLEL }, () => invitedDevice(deviceRow()));
        const results = await Promise.all(invited.map((one) => store.join(row.id, one, 0)));
        assert.equal(results.filter((joined) => joined === true).length, 1);
        assertRow(await store.get(row.id), { ...row, joined: invited[results.indexOf(true)] });
      },
    },
    {
      name: 'invitations: end once, joined or not, and then let nobody in',
      run: async () => {
        const store = await create();
        const [open, joined] = [invitationRow(), invitationRow()];
        const invited = invitedDevice(deviceRow());
        for (const row of [open, joined]) await store.insert(row, 0);
        await store.join(joined.id, invited, 0);
        for (const { id } of [open, joined]) {
          assert.equal(await store.end(id), true);
          assert.equal(await store.end(id), false);
          assert.equal(await store.join(id, invited, 0), false);
        }
        assertRow(await store.get(open.id), { ...open, ended: true });
        assertRow(await store.get(joined.id), { ...joined, joined: invited, ended: true });
        assert.equal(await store.end(randomId()), false);
        const other = invitationRow();
        await store.insert(other, 0);
        const results = await race(() => store.end(other.id));
        assert.equal(results.filter((ended) => ended === true).length, 1);
      },
    },
    {
      name: 'invitations: deleted when they expired more than a day ago, not before',
      run: async () => {
        const store = await create();
        const old = invitationRow({ expiresAt: 1_000 });
        const young = invitationRow({ expiresAt: 2_000 });
        await store.insert(old, 0);
        await store.insert(young, 0);
        await store.insert(invitationRow(), 1_000 + DAY);
        assertRow(await store.get(old.id), old);
        await store.insert(invitationRow(), 1_001 + DAY);
        assert.equal(await store.get(old.id), undefined);
        assertRow(await store.get(young.id), young);
      },
    },
    {
      name: 'invitations: odd ids are kept apart, or refused',
      run: async () => {
        const store = await create();
        await assertKeptOrRefused(oddKeys(), {
          insert: (id) => store.insert(invitationRow({ id, device: id }), 0),
          get: (id) => store.get(id),
          of: (row) => row.device,
        });
      },
    },
    {
      name: 'invitations: neither writer nor reader can change what is stored',
      run: async () => {
        const store = await create();
        const row = invitationRow();
        const invited = invitedDevice(deviceRow());
        const expected = structuredClone({ ...row, joined: invited });
        await store.insert(row, 0);
        await store.join(row.id, invited, 0);
        spoil(row);
        spoil(invited);
        spoil(await store.get(expected.id));
        assertRow(await store.get(expected.id), expected);
      },
    },
  ];
}
