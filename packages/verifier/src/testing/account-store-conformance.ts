import assert from 'node:assert/strict';
import type { AccountStore } from '../stores/durable-stores.js';
import {
  assertRow,
  type ConformanceCase,
  type CreateStore,
  PARALLEL,
  race,
  randomId,
  spoil,
} from './conformance-case.js';
import { accountRow, creationTime } from './sample-rows.js';

/** What an {@link AccountStore} has to do. */
export function accountStoreConformance(
  create: CreateStore<AccountStore>,
): readonly ConformanceCase[] {
  return [
    {
      name: 'accounts: a row is read back as it was written',
      run: async () => {
        const store = await create();
        const [plain, linked] = [accountRow(), accountRow({ user: 'user-1' })];
        await store.insert(plain);
        await store.insert(linked);
        assertRow(await store.get(plain.id), plain);
        assertRow(await store.get(linked.id), linked);
        assert.equal(await store.get(randomId()), undefined);
      },
    },
    {
      name: 'accounts: a known id is refused and the first row stays, also in parallel',
      run: async () => {
        const store = await create();
        const id = randomId();
        const results = await Promise.allSettled(
          Array.from({ length: PARALLEL }, async (_, index) =>
            store.insert(accountRow({ id, user: `user-${index}` })),
          ),
        );
        const winner = results.findIndex(({ status }) => status === 'fulfilled');
        assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
        assert.equal((await store.get(id))?.user, `user-${winner}`);
      },
    },
    {
      name: 'accounts: a link is made once; the same user may repeat it',
      run: async () => {
        const store = await create();
        const account = accountRow();
        await store.insert(account);
        assert.equal(await store.linkUser(account.id, 'first'), true);
        assert.equal(await store.linkUser(account.id, 'first'), true);
        assert.equal(await store.linkUser(account.id, 'second'), false);
        assert.equal((await store.get(account.id))?.user, 'first');
        assert.equal(await store.linkUser(randomId(), 'first'), false);
      },
    },
    {
      name: 'accounts: of 200 users who link themselves in parallel exactly one wins',
      run: async () => {
        const store = await create();
        const account = accountRow();
        await store.insert(account);
        const results = await race((index) => store.linkUser(account.id, `user-${index}`));
        assert.equal(results.filter((linked) => linked === true).length, 1);
        assert.equal((await store.get(account.id))?.user, `user-${results.indexOf(true)}`);
      },
    },
    {
      name: 'accounts: revoking keeps the first time and everything else',
      run: async () => {
        const store = await create();
        const account = accountRow({ user: 'user-1' });
        await store.insert(account);
        assert.equal(await store.revoke(account.id, 1_000), true);
        assert.equal(await store.revoke(account.id, 2_000), true);
        assertRow(await store.get(account.id), { ...account, revokedAt: 1_000 });
        assert.equal(await store.revoke(randomId(), 1_000), false);
      },
    },
    {
      name: 'accounts: those of a user are listed, compared exactly',
      run: async () => {
        const store = await create();
        const user = `aB${randomId()}`;
        const accounts = [0, 1].map((index) => accountRow({ createdAt: creationTime(index) }));
        for (const account of accounts) {
          await store.insert(account);
          await store.linkUser(account.id, user);
        }
        await store.insert(accountRow({ user: user.toLowerCase() }));
        const linked = accounts.map((account) => ({ ...account, user }));
        assertRow(await store.listByUser(user), linked);
        assertRow(await store.listByUser(`${user} `), []);
      },
    },
    {
      name: 'accounts: neither writer nor reader can change what is stored',
      run: async () => {
        const store = await create();
        const account = accountRow();
        const expected = structuredClone(account);
        await store.insert(account);
        spoil(account);
        assertRow(await store.get(expected.id), expected);
        spoil(await store.get(expected.id));
        assertRow(await store.get(expected.id), expected);
      },
    },
  ];
}
