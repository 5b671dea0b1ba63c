import assert from 'node:assert/strict';
import { assertRow, type ConformanceCase, type CreateStore, randomId } from './conformance-case.js';
import { agentRow } from './sample-rows.js';
import { enrolOwner, type VaultStores, writeAfter } from './vault-fixture.js';

/** What an agent store has to do together with the vault store that writes agents. */
export function agentStoreConformance(
  create: CreateStore<VaultStores>,
): readonly ConformanceCase[] {
  return [
    {
      name: 'agents: those that a write lists are found, others of the account are not any more',
      run: async () => {
        const stores = await create();
        const { account, vault } = await enrolOwner(stores);
        const bystander = await enrolOwner(stores);
        const untouched = agentRow({ account: bystander.account });
        await stores.vaults.write(writeAfter(bystander.vault, { agents: [untouched] }));
        const [one, two, three] = [
          agentRow({ account }),
          agentRow({ account }),
          agentRow({ account }),
        ];
        const first = writeAfter(vault, { agents: [one, two] });
        assert.equal(await stores.vaults.write(first), 'written');
        assertRow(await stores.agents.findByJkt(one.jkt), one);
        assertRow(await stores.agents.findByJkt(two.jkt), two);
        assert.equal(await stores.agents.findByJkt(three.jkt), undefined);
        assert.equal(await stores.agents.findByJkt(''), undefined);
        const second = writeAfter(first.next, { agents: [three, two] });
        assert.equal(await stores.vaults.write(second), 'written');
        assert.equal(await stores.agents.findByJkt(one.jkt), undefined);
        assertRow(await stores.agents.findByJkt(two.jkt), two);
        assertRow(await stores.agents.findByJkt(three.jkt), three);
        await stores.vaults.write(writeAfter(second.next));
        assert.equal(await stores.agents.findByJkt(two.jkt), undefined);
        assertRow(await stores.agents.findByJkt(untouched.jkt), untouched);
      },
    },
    {
      name: 'agents: one may get another name, another id, or another key',
      run: async () => {
        const stores = await create();
        const { account, vault } = await enrolOwner(stores);
        const agent = agentRow({ account });
        const first = writeAfter(vault, { agents: [agent] });
        await stores.vaults.write(first);
        const renamed = { ...agent, name: 'Agent ☃ "2"', id: randomId() };
        const second = writeAfter(first.next, { agents: [renamed] });
        assert.equal(await stores.vaults.write(second), 'written');
        assertRow(await stores.agents.findByJkt(agent.jkt), renamed);
        const rekeyed = agentRow({ account, id: renamed.id });
        const third = writeAfter(second.next, { agents: [rekeyed] });
        assert.equal(await stores.vaults.write(third), 'written');
        assert.equal(await stores.agents.findByJkt(agent.jkt), undefined);
        assertRow(await stores.agents.findByJkt(rekeyed.jkt), rekeyed);
      },
    },
    {
      name: 'agents: a key of another account, or one that is there twice, is refused',
      run: async () => {
        const stores = await create();
        const [one, two] = [await enrolOwner(stores), await enrolOwner(stores)];
        const agent = agentRow({ account: one.account });
        const holder = writeAfter(one.vault, { agents: [agent] });
        await stores.vaults.write(holder);
        const own = agentRow({ account: two.account });
        const current = writeAfter(two.vault, { agents: [own] });
        await stores.vaults.write(current);
        const { account } = two;
        const added = agentRow({ account });
        for (const agents of [
          [{ ...agent, account }],
          [added, { ...agent, account }],
          [{ ...agent, account }, added],
          [added, { ...added, id: randomId() }],
          [own, { ...added, jkt: own.jkt }],
        ]) {
          const thief = writeAfter(current.next, { agents });
          assert.equal(await stores.vaults.write(thief), 'known');
        }
        assertRow(await stores.vaults.get(account), current.next);
        assertRow(await stores.agents.findByJkt(agent.jkt), agent);
        assertRow(await stores.agents.findByJkt(own.jkt), own);
        assert.equal(await stores.agents.findByJkt(added.jkt), undefined);
        // Once it is given up there, it is free.
        await stores.vaults.write(writeAfter(holder.next));
        const heir = writeAfter(current.next, { agents: [{ ...agent, account }] });
        assert.equal(await stores.vaults.write(heir), 'written');
        assert.equal((await stores.agents.findByJkt(agent.jkt))?.account, account);
      },
    },
    {
      name: 'agents: of many accounts that add one key at once exactly one is written',
      run: async () => {
        const stores = await create();
        const owners = await Promise.all(Array.from({ length: 20 }, () => enrolOwner(stores)));
        const agent = agentRow();
        const results = await Promise.all(
          owners.map(({ account, vault }) =>
            stores.vaults.write(writeAfter(vault, { agents: [{ ...agent, account }] })),
          ),
        );
        assert.equal(results.filter((result) => result === 'written').length, 1);
        assert.equal(results.filter((result) => result === 'known').length, 19);
        const holder = owners[results.indexOf('written')];
        assert.equal((await stores.agents.findByJkt(agent.jkt))?.account, holder?.account);
      },
    },
    {
      name: 'agents: accounts that add the same keys in another order, or take over theirs, all end',
      run: async () => {
        const stores = await create();
        const [one, two] = [await enrolOwner(stores), await enrolOwner(stores)];
        const shared = Array.from({ length: 16 }, () => agentRow());
        const of = (account: string) => shared.map((agent) => ({ ...agent, account }));
        const both = await Promise.all([
          stores.vaults.write(writeAfter(one.vault, { agents: of(one.account) })),
          stores.vaults.write(writeAfter(two.vault, { agents: of(two.account).reverse() })),
        ]);
        assertRow([...both].sort(), ['known', 'written']);

        const [left, right] = [await enrolOwner(stores), await enrolOwner(stores)];
        const [mine, yours] = [agentRow(), agentRow()];
        const a = writeAfter(left.vault, { agents: [{ ...mine, account: left.account }] });
        const b = writeAfter(right.vault, { agents: [{ ...yours, account: right.account }] });
        await Promise.all([stores.vaults.write(a), stores.vaults.write(b)]);
        const swapped = await Promise.all([
          stores.vaults.write(
            writeAfter(a.next, { agents: [{ ...yours, account: left.account }] }),
          ),
          stores.vaults.write(
            writeAfter(b.next, { agents: [{ ...mine, account: right.account }] }),
          ),
        ]);
        assertRow(swapped, ['known', 'known']);
      },
    },
  ];
}
