import assert from 'node:assert/strict';
import { RELEASE_SPAN } from '../stores/release-rules.js';
import type { ReleaseRow } from '../stores/vault-stores.js';
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
import { creationTime, releaseRow } from './sample-rows.js';
import {
  ask,
  assertKeptOrRefused,
  enrolOwner,
  NO_LIMITS,
  release,
  type VaultStores,
} from './vault-fixture.js';

const HOUR = 3_600_000;

/** What a release store has to do together with the vault store that releases. */
export function releaseStoreConformance(
  create: CreateStore<VaultStores>,
): readonly ConformanceCase[] {
  return [
    ...insertCases(create),
    ...listCases(create),
    ...settleCases(create),
    ...sealedCases(create),
  ];
}

function insertCases(create: CreateStore<VaultStores>): readonly ConformanceCase[] {
  return [
    {
      name: 'releases: a request is read back as written; a known id is refused, also at a limit',
      run: async () => {
        const { releases } = await create();
        const row = releaseRow({ slot: 'O\'Brien"; -- \u{1f5dd} e\u0301' });
        assert.equal(await releases.insert(row, NO_LIMITS), 'added');
        assertRow(await releases.get(row.id), row);
        const { account, agent } = row;
        for (const again of [row, releaseRow({ id: row.id }), releaseRow({ ...row, slot: '' })]) {
          assert.equal(await releases.insert(again, NO_LIMITS), 'known');
        }
        const limits = { ...NO_LIMITS, waitingOfAgent: 1 };
        assert.equal(await releases.insert(row, limits), 'known');
        assert.equal(await releases.insert(releaseRow({ account, agent }), limits), 'limited');
        assertRow(await releases.get(row.id), row);
        assert.equal(await releases.get(randomId()), undefined);
      },
    },
    {
      name: 'releases: those that wait are limited for an agent and for an account',
      run: async () => {
        const { releases } = await create();
        const [account, agent, other] = [randomId(), randomId(), randomId()];
        const limits = { ...NO_LIMITS, waitingOfAgent: 2, waitingOfAccount: 3 };
        const insert = (over: Partial<ReleaseRow>) =>
          releases.insert(releaseRow({ account, ...over }), limits);
        assert.equal(await insert({ agent }), 'added');
        assert.equal(await insert({ agent }), 'added');
        const refused = releaseRow({ account, agent });
        assert.equal(await releases.insert(refused, limits), 'limited');
        assert.equal(await releases.get(refused.id), undefined);
        assert.equal(await insert({ agent: other }), 'added');
        assert.equal(await insert({ agent: other }), 'limited');
        assert.equal(await insert({ agent: randomId() }), 'limited');
        // An agent of this id in another account is another agent.
        assert.equal(await insert({ agent, account: randomId() }), 'added');
      },
    },
    {
      name: 'releases: what expired or was settled does not wait any more',
      run: async () => {
        const { releases } = await create();
        const [account, agent] = [randomId(), randomId()];
        const limits = { ...NO_LIMITS, waitingOfAgent: 1 };
        const first = releaseRow({ account, agent });
        await releases.insert(first, limits);
        const at = (time: number) => releaseRow({ account, agent, at: time });
        assert.equal(await releases.insert(at(first.expiresAt - 1), limits), 'limited');
        const second = at(first.expiresAt);
        assert.equal(await releases.insert(second, limits), 'added');
        assert.equal(await releases.insert(at(second.at), limits), 'limited');
        const settled = { from: 'waiting', to: 'cancelled', at: second.at } as const;
        await releases.settle(second.id, settled);
        assert.equal(await releases.insert(at(second.at), limits), 'added');
      },
    },
    {
      name: 'releases: those of the last hour are limited for an agent, whatever became of them',
      run: async () => {
        const { releases } = await create();
        const [account, agent] = [randomId(), randomId()];
        const limits = { ...NO_LIMITS, hourlyOfAgent: 3 };
        const start = creationTime(0);
        const insert = async (time: number, of = agent) => {
          const row = releaseRow({ account, agent: of, at: time });
          const result = await releases.insert(row, limits);
          await releases.settle(row.id, { from: 'waiting', to: 'cancelled', at: time });
          return result;
        };
        for (const time of [start, start + 1_000, start + 2_000]) {
          assert.equal(await insert(time), 'added');
        }
        assert.equal(await insert(start + 3_000), 'limited');
        assert.equal(await insert(start + HOUR - 1), 'limited');
        assert.equal(await insert(start + HOUR - 1, randomId()), 'added');
        assert.equal(await insert(start + HOUR + 1), 'added');
        assert.equal(await insert(start + HOUR + 2), 'limited');
      },
    },
    {
      name: 'releases: what ended before the retention goes with the next request, and nothing else',
      run: async () => {
        const stores = await create();
        const { releases } = stores;
        const [account, agent] = [randomId(), randomId()];
        const start = creationTime(0);
        const add = async (over: Partial<ReleaseRow>) => {
          const row = releaseRow({ account, agent, ...over });
          assert.equal(await releases.insert(row, NO_LIMITS), 'added');
          return row;
        };
        const expired = await add({ at: start });
        const cancelled = await add({ at: start });
        await releases.settle(cancelled.id, { from: 'waiting', to: 'cancelled', at: start + 1 });
        const late = await add({ at: start });
        const ofOther = await add({ at: start, account: randomId() });
        const later = await add({ at: start + 50_000 });
        await releases.settle(late.id, { from: 'waiting', to: 'rejected', at: start + 50_000 });
        const owner = await enrolOwner(stores);
        const { row: released } = await release(stores, owner, { at: start });

        const next = (of: string, at: number, keptSince: number) =>
          releases.insert(releaseRow({ account: of, agent, at }), { ...NO_LIMITS, keptSince });
        // One that is not taken deletes nothing.
        const full = { ...NO_LIMITS, waitingOfAgent: 0, keptSince: start + 40_000 };
        assert.equal(
          await releases.insert(releaseRow({ account, agent, at: start }), full),
          'limited',
        );
        assert.notEqual(await releases.get(expired.id), undefined);
        assert.equal(await next(account, start + 60_000, start + 40_000), 'added');
        for (const { id } of [expired, cancelled]) {
          assert.equal(await releases.get(id), undefined);
        }
        for (const { id } of [late, later, ofOther]) {
          assert.notEqual(await releases.get(id), undefined);
        }
        // Nobody told its end, and it may go on; not for ever.
        assert.equal(await next(owner.account, start + 60_000, start + 40_000), 'added');
        assert.notEqual(await releases.get(released.id), undefined);
        const over = start + RELEASE_SPAN + 60_000;
        assert.equal(await next(owner.account, over + 60_000, over), 'added');
        assert.equal(await releases.get(released.id), undefined);
        const receipts = await releases.listReceipts(owner.account, { after: 0, limit: 10 });
        assert.equal(receipts.length, 1);
      },
    },
    {
      name: 'releases: limits hold under 200 parallel requests',
      run: async () => {
        const { releases } = await create();
        const account = randomId();
        const agents = [randomId(), randomId(), randomId()];
        const limits = { ...NO_LIMITS, waitingOfAgent: 5, waitingOfAccount: 12, hourlyOfAgent: 60 };
        const results = await race((index) =>
          releases.insert(releaseRow({ account, agent: agents[index % 3] ?? '' }), limits),
        );
        assert.equal(results.filter((result) => result === 'added').length, 12);
        assert.equal(results.filter((result) => result === 'limited').length, PARALLEL - 12);
        const rows = await releases.listByAccount(account, { limit: 500 });
        assert.equal(rows.length, 12);
        for (const agent of agents) {
          assert.ok(rows.filter((row) => row.agent === agent).length <= 5);
        }
      },
    },
    {
      name: 'releases: of 200 parallel requests of one id, by several accounts, exactly one is added',
      run: async () => {
        const { releases } = await create();
        const id = randomId();
        const rows = Array.from({ length: PARALLEL }, () => releaseRow({ id }));
        const results = await Promise.all(rows.map((row) => releases.insert(row, NO_LIMITS)));
        assert.equal(results.filter((result) => result === 'added').length, 1);
        assert.equal(results.filter((result) => result === 'known').length, PARALLEL - 1);
        assertRow(await releases.get(id), rows[results.indexOf('added')]);
      },
    },
    {
      name: 'releases: odd ids are kept apart, or refused',
      run: async () => {
        const { releases } = await create();
        await assertKeptOrRefused(oddKeys(), {
          insert: (id) => releases.insert(releaseRow({ id, slot: id }), NO_LIMITS),
          get: (id) => releases.get(id),
          of: (row) => row.slot,
        });
      },
    },
    {
      name: 'releases: neither writer nor reader can change what is stored',
      run: async () => {
        const { releases } = await create();
        const row = releaseRow();
        const expected = structuredClone(row);
        await releases.insert(row, NO_LIMITS);
        spoil(row);
        spoil(await releases.get(expected.id));
        spoil(await releases.listByAccount(expected.account, { limit: 5 }));
        spoil(await releases.listChanged(expected, 0));
        assertRow(await releases.get(expected.id), expected);
        assertRow(await releases.listByAccount(expected.account, { limit: 5 }), [expected]);
      },
    },
  ];
}

function listCases(create: CreateStore<VaultStores>): readonly ConformanceCase[] {
  return [
    {
      name: 'releases: those of an account are listed newest first, page by page',
      run: async () => {
        const { releases } = await create();
        const account = randomId();
        const rows = [0, 1, 2, 3, 4].map((index) =>
          releaseRow({ account, at: creationTime(index) }),
        );
        const [a, b, c, d, e] = rows;
        for (const row of [c, a, e, b, d]) {
          await releases.insert(row as ReleaseRow, NO_LIMITS);
        }
        await releases.insert(releaseRow(), NO_LIMITS);
        assertRow(await releases.listByAccount(account, { limit: 10 }), [e, d, c, b, a]);
        assertRow(await releases.listByAccount(account, { limit: 2 }), [e, d]);
        const second = { before: d?.at, limit: 2 };
        assertRow(await releases.listByAccount(account, second), [c, b]);
        assertRow(await releases.listByAccount(account, { before: b?.at, limit: 2 }), [a]);
        assertRow(await releases.listByAccount(account, { before: a?.at, limit: 2 }), []);
        assertRow(await releases.listByAccount(randomId(), { limit: 2 }), []);
      },
    },
    {
      name: 'releases: what changed for an agent is listed in order of the change, at most 100',
      run: async () => {
        const { releases } = await create();
        const [account, agent] = [randomId(), randomId()];
        const rows = Array.from({ length: 102 }, (_, index) =>
          releaseRow({ account, agent, at: creationTime(index) }),
        );
        await Promise.all(rows.map((row) => releases.insert(row, NO_LIMITS)));
        await releases.insert(releaseRow({ account }), NO_LIMITS);
        await releases.insert(releaseRow({ agent }), NO_LIMITS);
        assertRow(await releases.listChanged({ account, agent }, 0), rows.slice(0, 100));
        const after = creationTime(99);
        assertRow(await releases.listChanged({ account, agent }, after), rows.slice(100));
        const change = { from: 'waiting', to: 'cancelled', at: creationTime(200) } as const;
        assert.equal(await releases.settle(rows[0]?.id ?? '', change), true);
        const ids = (await releases.listChanged({ account, agent }, after)).map(({ id }) => id);
        assertRow(ids, [rows[100]?.id, rows[101]?.id, rows[0]?.id]);
        assertRow(await releases.listChanged({ account, agent }, creationTime(200)), []);
      },
    },
    {
      name: 'releases: receipts are listed from a number on, those of each account by themselves',
      run: async () => {
        const stores = await create();
        const [owner, other] = [await enrolOwner(stores), await enrolOwner(stores)];
        const receipts: unknown[] = [];
        for (let number = 1; number <= 4; number++) {
          const { released } = await release(stores, owner);
          receipts.push({ number, receipt: released.receipt });
        }
        const { released } = await release(stores, other);
        const list = (after: number, limit: number, { account } = owner) =>
          stores.releases.listReceipts(account, { after, limit });
        assertRow(await list(0, 10), receipts);
        assertRow(await list(1, 2), receipts.slice(1, 3));
        assertRow(await list(3, 10), receipts.slice(3));
        assertRow(await list(4, 10), []);
        assertRow(await list(0, 10, other), [{ number: 1, receipt: released.receipt }]);
        assertRow(await stores.releases.listReceipts(randomId(), { after: 0, limit: 10 }), []);
      },
    },
  ];
}

function settleCases(create: CreateStore<VaultStores>): readonly ConformanceCase[] {
  return [
    {
      name: 'releases: one that waits is rejected or cancelled, once, with the reason',
      run: async () => {
        const stores = await create();
        const { releases } = stores;
        for (const to of ['rejected', 'cancelled'] as const) {
          const row = await ask(stores, randomId());
          const at = row.at + 5;
          const reason = to === 'rejected' ? 'Not today, "thanks" \u{1f6d1}' : undefined;
          assert.equal(await releases.settle(row.id, { from: 'waiting', to, reason, at }), true);
          const expected = { ...row, status: to, reason: reason ?? '', changedAt: at };
          assertRow(await releases.get(row.id), expected);
          for (const again of ['rejected', 'cancelled'] as const) {
            const change = { from: 'waiting', to: again, at } as const;
            assert.equal(await releases.settle(row.id, change), false);
          }
          const end = { from: 'released', to: 'ended', at } as const;
          assert.equal(await releases.settle(row.id, end), false);
          assertRow(await releases.get(row.id), expected);
        }
        const nobody = { from: 'waiting', to: 'cancelled', at: 1 } as const;
        assert.equal(await releases.settle(randomId(), nobody), false);
      },
    },
    {
      name: 'releases: one that expired is settled no more',
      run: async () => {
        const stores = await create();
        const row = await ask(stores, randomId());
        const late = { from: 'waiting', to: 'rejected', at: row.expiresAt } as const;
        assert.equal(await stores.releases.settle(row.id, late), false);
        assertRow(await stores.releases.get(row.id), row);
        const inTime = { ...late, at: row.expiresAt - 1 };
        assert.equal(await stores.releases.settle(row.id, inTime), true);
      },
    },
    {
      name: 'releases: one that was released ends, whenever, and what is sealed is deleted',
      run: async () => {
        const stores = await create();
        const { row } = await release(stores, await enrolOwner(stores));
        const at = row.expiresAt + HOUR;
        const end = { from: 'released', to: 'ended', at } as const;
        for (const to of ['rejected', 'cancelled'] as const) {
          assert.equal(await stores.releases.settle(row.id, { from: 'waiting', to, at }), false);
        }
        assert.equal(await stores.releases.settle(row.id, end), true);
        assertRow(await stores.releases.get(row.id), { ...row, status: 'ended', changedAt: at });
        assert.equal(await stores.releases.settle(row.id, end), false);
        assert.equal(await stores.releases.takeSealed(row.id, at), undefined);
      },
    },
    {
      name: 'releases: no other way is taken',
      run: async () => {
        const stores = await create();
        const row = await ask(stores, randomId());
        for (const [from, to] of [
          ['waiting', 'ended'],
          ['released', 'rejected'],
          ['released', 'cancelled'],
        ] as const) {
          await assert.rejects(stores.releases.settle(row.id, { from, to, at: row.at }), TypeError);
        }
        assertRow(await stores.releases.get(row.id), row);
      },
    },
    {
      name: 'releases: every change shows, also within one millisecond or with a clock set back',
      run: async () => {
        const stores = await create();
        const { row, released } = await release(stores, await enrolOwner(stores));
        const { account, agent, id } = row;
        const listed = async () => (await stores.releases.get(id))?.changedAt ?? 0;
        let before = await listed();
        assert.equal(before, released.at);
        for (const change of [
          () => stores.releases.takeSealed(id, before),
          () => stores.releases.recordUses(id, 1, before - 5_000),
          () => stores.releases.settle(id, { from: 'released', to: 'ended', at: 0 }),
        ]) {
          assert.ok(await change());
          const after = await listed();
          assert.ok(after > before);
          const changed = await stores.releases.listChanged({ account, agent }, before);
          assert.equal(changed[0]?.id, id);
          before = after;
        }
      },
    },
  ];
}

function sealedCases(create: CreateStore<VaultStores>): readonly ConformanceCase[] {
  return [
    {
      name: 'releases: what is sealed is given once, and only of a released request',
      run: async () => {
        const stores = await create();
        const { releases } = stores;
        const waiting = await ask(stores, randomId());
        assert.equal(await releases.takeSealed(waiting.id, waiting.at), undefined);
        assert.equal(await releases.takeSealed(randomId(), waiting.at), undefined);
        assertRow(await releases.get(waiting.id), waiting);
        const { row, released } = await release(stores, await enrolOwner(stores));
        const at = released.at + 7;
        const { enc, ct, signature } = released;
        assertRow(await releases.takeSealed(row.id, at), { enc, ct, signature });
        const expected = { ...row, status: 'released', changedAt: at };
        assertRow(await releases.get(row.id), expected);
        assert.equal(await releases.takeSealed(row.id, at), undefined);
        assertRow(await releases.get(row.id), expected);
      },
    },
    {
      name: 'releases: of 200 parallel callers exactly one gets what is sealed',
      run: async () => {
        const stores = await create();
        const { row, released } = await release(stores, await enrolOwner(stores));
        const given = await race(() => stores.releases.takeSealed(row.id, released.at));
        const [only, ...others] = given.filter((sealed) => sealed !== undefined);
        assertRow(others, []);
        const { enc, ct, signature } = released;
        assertRow(only, { enc, ct, signature });
      },
    },
    {
      name: 'releases: of the end and the fetching at once nothing sealed stays behind',
      run: async () => {
        const stores = await create();
        for (let round = 0; round < 10; round++) {
          const { row, released } = await release(stores, await enrolOwner(stores));
          const { at } = released;
          const [ended] = await Promise.all([
            stores.releases.settle(row.id, { from: 'released', to: 'ended', at }),
            stores.releases.takeSealed(row.id, at),
          ]);
          assert.equal(ended, true);
          const stored = await stores.releases.get(row.id);
          assertRow(stored, { ...row, status: 'ended', changedAt: stored?.changedAt });
        }
      },
    },
    {
      name: 'releases: uses and their time are recorded and never go back',
      run: async () => {
        const stores = await create();
        const { releases } = stores;
        const { row } = await release(stores, await enrolOwner(stores));
        const uses = async () => {
          const stored = await releases.get(row.id);
          return [stored?.uses, stored?.lastUsedAt];
        };
        assertRow(await uses(), [0, undefined]);
        const at = row.at + HOUR;
        assert.equal(await releases.recordUses(row.id, 3, at), true);
        assertRow(await uses(), [3, at]);
        assert.equal(await releases.recordUses(row.id, 2, at - 1), true);
        assertRow(await uses(), [3, at]);
        assert.equal(await releases.recordUses(row.id, 2, at + 1), true);
        assertRow(await uses(), [3, at + 1]);
        await releases.settle(row.id, { from: 'released', to: 'ended', at });
        assert.equal(await releases.recordUses(row.id, 4, at), true);
        assertRow(await uses(), [4, at + 1]);
        const results = await race((index) => releases.recordUses(row.id, index, at + index));
        assert.ok(results.every((done) => done === true));
        assertRow(await uses(), [PARALLEL - 1, at + PARALLEL - 1]);
      },
    },
    {
      name: 'releases: no uses of a request that was never released',
      run: async () => {
        const stores = await create();
        const { releases } = stores;
        const waiting = await ask(stores, randomId());
        assert.equal(await releases.recordUses(waiting.id, 1, waiting.at), false);
        assertRow(await releases.get(waiting.id), waiting);
        for (const to of ['rejected', 'cancelled'] as const) {
          const { id, at } = await ask(stores, randomId());
          await releases.settle(id, { from: 'waiting', to, at });
          assert.equal(await releases.recordUses(id, 1, at), false);
        }
        assert.equal(await releases.recordUses(randomId(), 1, 1), false);
      },
    },
  ];
}
