import assert from 'node:assert/strict';
import type { VaultResetRow } from '../stores/vault-stores.js';
import {
  assertRow,
  type ConformanceCase,
  type CreateStore,
  PARALLEL,
  randomId,
  spoil,
} from './conformance-case.js';
import {
  agentRow,
  creationTime,
  deviceRow,
  invitationRow,
  pairingRow,
  vaultRow,
} from './sample-rows.js';
import {
  ask,
  enrolOwner,
  invite,
  release,
  type VaultOwner,
  type VaultStores,
  writeAfter,
} from './vault-fixture.js';

/** When a reset of these cases may be carried out. Milliseconds. */
const DUE = creationTime(100);

function resetRow(account: string, over: Partial<VaultResetRow> = {}): VaultResetRow {
  return { account, requestedAt: creationTime(0), effectiveAt: DUE, ...over };
}

/** An enrolment that carries a reset out. */
function resetBy(account: string, at = DUE) {
  const device = deviceRow({ account });
  const vault = vaultRow(account, device.id);
  return { device, vault, onlyFirst: false, resets: { at } };
}

/** What a reset store has to do together with the device store that carries resets out. */
export function vaultResetStoreConformance(
  create: CreateStore<VaultStores>,
): readonly ConformanceCase[] {
  return [...rowCases(create), ...enrolmentCases(create)];
}

function rowCases(create: CreateStore<VaultStores>): readonly ConformanceCase[] {
  return [
    {
      name: 'resets: the first wish stands until it is cancelled',
      run: async () => {
        const { resets } = await create();
        const account = randomId();
        assert.equal(await resets.get(account), undefined);
        assert.equal(await resets.cancel(account), false);
        const first = resetRow(account);
        assertRow(await resets.request(first), first);
        const second = resetRow(account, { requestedAt: 1, effectiveAt: 2 });
        assertRow(await resets.request(second), first);
        assertRow(await resets.get(account), first);
        assert.equal(await resets.get(randomId()), undefined);
        assert.equal(await resets.cancel(account), true);
        assert.equal(await resets.cancel(account), false);
        assert.equal(await resets.get(account), undefined);
        assertRow(await resets.request(second), second);
      },
    },
    {
      name: 'resets: of 200 parallel wishes all get the same one',
      run: async () => {
        const { resets } = await create();
        const account = randomId();
        const given = await Promise.all(
          Array.from({ length: PARALLEL }, (_, index) =>
            resets.request(resetRow(account, { effectiveAt: DUE + index })),
          ),
        );
        const stored = await resets.get(account);
        for (const row of given) assertRow(row, stored);
      },
    },
    {
      name: 'resets: neither writer nor reader can change what is stored',
      run: async () => {
        const { resets } = await create();
        const row = resetRow(randomId());
        const expected = structuredClone(row);
        spoil(await resets.request(row));
        spoil(row);
        spoil(await resets.get(expected.account));
        assertRow(await resets.get(expected.account), expected);
      },
    },
  ];
}

/** An owner with something in every store. */
async function richOwner(stores: VaultStores): Promise<VaultOwner> {
  const owner = await enrolOwner(stores);
  const { account, vault } = owner;
  const joining = deviceRow({ account });
  const write = writeAfter(vault, {
    joins: { device: joining },
    next: { recoveryKey: randomId() },
    agents: [agentRow({ account }), agentRow({ account })],
  });
  assert.equal(await stores.vaults.write(write), 'written');
  return { ...owner, vault: write.next };
}

function enrolmentCases(create: CreateStore<VaultStores>): readonly ConformanceCase[] {
  return [
    {
      name: 'resets: the enrolment puts its vault in the place of the old one and ends the rest',
      run: async () => {
        const stores = await create();
        const { devices, vaults, agents, releases, invitations, pairings, resets } = stores;
        const owner = await richOwner(stores);
        const { account } = owner;
        const released = await release(stores, owner);
        const agent = agentRow({ account });
        const before = await vaults.get(account);
        assert.ok(before);
        const recoveryKey = randomId();
        await vaults.write(writeAfter(before, { agents: [agent], next: { recoveryKey } }));
        const revoked = deviceRow({ account });
        await devices.enroll({ device: revoked, onlyFirst: false });
        await devices.revoke(revoked.id, 1_000);
        const waiting = await ask(stores, account);
        const invitation = await invite(stores, account, deviceRow({ account }));
        const open = invitationRow({ account });
        await invitations.insert(open, 0);
        const pairing = pairingRow({ account });
        await pairings.insert(pairing, 0);
        await resets.request(resetRow(account));

        const at = DUE + 5;
        const enrollment = resetBy(account, at);
        assert.equal(await devices.enroll(enrollment), 'enrolled');
        assertRow(await vaults.get(account), enrollment.vault);
        assert.equal(await vaults.findByRecoveryKey(recoveryKey), undefined);
        for (const row of await devices.listByAccount(account)) {
          const expected = { [revoked.id]: 1_000, [enrollment.device.id]: undefined };
          assert.equal(row.revokedAt, row.id in expected ? expected[row.id] : at);
        }
        assert.equal((await devices.listByAccount(account)).length, 4);
        assert.equal(await agents.findByJkt(agent.jkt), undefined);
        assert.equal(await invitations.get(invitation), undefined);
        assert.equal(await invitations.get(open.id), undefined);
        assert.equal(await pairings.get(pairing.id), undefined);
        assert.equal(await releases.get(waiting.id), undefined);
        const ended = { ...released.row, status: 'ended', changedAt: at };
        assertRow(await releases.get(released.row.id), ended);
        assert.equal(await releases.takeSealed(released.row.id, at), undefined);
        const receipts = [{ number: 1, receipt: released.released.receipt }];
        assertRow(await releases.listReceipts(account, { after: 0, limit: 10 }), receipts);
        assert.equal(await resets.get(account), undefined);
        assert.equal(await resets.cancel(account), false);
        assert.equal(await devices.enroll(resetBy(account, at)), 'no_reset');

        // The new vault is one like any other.
        const other = agentRow({ account, key: agent.key, jkt: agent.jkt });
        const next = writeAfter(enrollment.vault, { agents: [other], next: { recoveryKey } });
        assert.equal(await vaults.write(next), 'written');
        const again = await release(stores, { ...owner, vault: next.next });
        assertRow(await releases.listReceipts(account, { after: 1, limit: 10 }), [
          { number: 2, receipt: again.released.receipt },
        ]);
      },
    },
    {
      name: 'resets: without one that waits and is due nothing is written',
      run: async () => {
        const stores = await create();
        const { account, vault } = await richOwner(stores);
        const before = await stores.devices.listByAccount(account);
        const attempts = [resetBy(account), resetBy(account, DUE - 1), resetBy(account)];
        const [none, early, cancelled] = attempts;
        assert.ok(none && early && cancelled);
        assert.equal(await stores.devices.enroll(none), 'no_reset');
        await stores.resets.request(resetRow(account));
        assert.equal(await stores.devices.enroll(early), 'no_reset');
        assertRow(await stores.resets.get(account), resetRow(account));
        await stores.resets.cancel(account);
        await stores.resets.request(resetRow(randomId()));
        assert.equal(await stores.devices.enroll(cancelled), 'no_reset');
        assertRow(await stores.vaults.get(account), vault);
        assertRow(await stores.devices.listByAccount(account), before);
        for (const { device } of attempts) {
          assert.equal(await stores.devices.get(device.id), undefined);
          assert.equal(await stores.devices.findByCredentialId(device.credentialId), undefined);
        }
      },
    },
    {
      name: 'resets: an enrolment that is refused leaves the reset and all else',
      run: async () => {
        const stores = await create();
        const { account, device, vault } = await richOwner(stores);
        await stores.resets.request(resetRow(account));
        const { credentialId } = device;
        const thief = resetBy(account);
        const known = { ...thief, device: { ...thief.device, credentialId } };
        assert.equal(await stores.devices.enroll(known), 'known');
        const late = { ...resetBy(account), onlyFirst: true };
        assert.equal(await stores.devices.enroll(late), 'not_first');
        assertRow(await stores.vaults.get(account), vault);
        assertRow(await stores.devices.get(device.id), device);
        assertRow(await stores.resets.get(account), resetRow(account));
        assert.equal(await stores.devices.enroll(resetBy(account)), 'enrolled');
      },
    },
    {
      name: 'resets: a vault whose id another account has is refused, one with the old id is taken',
      run: async () => {
        const stores = await create();
        const [owner, other] = [await richOwner(stores), await enrolOwner(stores)];
        const { account, vault } = owner;
        await stores.resets.request(resetRow(account));
        const enrollment = resetBy(account);
        const { vaultId } = other.vault;
        const taken = { ...enrollment, vault: { ...enrollment.vault, vaultId } };
        assert.equal(await stores.devices.enroll(taken), 'known');
        assertRow(await stores.vaults.get(account), vault);
        assertRow(await stores.vaults.get(other.account), other.vault);
        assertRow(await stores.resets.get(account), resetRow(account));
        assert.equal(await stores.devices.get(taken.device.id), undefined);
        const own = { ...enrollment, vault: { ...enrollment.vault, vaultId: vault.vaultId } };
        assert.equal(await stores.devices.enroll(own), 'enrolled');
        assertRow(await stores.vaults.get(account), own.vault);
      },
    },
    {
      name: 'resets: other accounts, and enrolments that do not reset, are left alone',
      run: async () => {
        const stores = await create();
        const [one, two] = [await richOwner(stores), await richOwner(stores)];
        const { account: bystander } = two;
        const invited = invitationRow({ account: bystander });
        const pairing = pairingRow({ account: bystander });
        await stores.invitations.insert(invited, 0);
        await stores.pairings.insert(pairing, 0);
        const waiting = await ask(stores, two.account);
        const devices = await stores.devices.listByAccount(two.account);
        for (const { account } of [one, two]) await stores.resets.request(resetRow(account));
        assert.equal(await stores.devices.enroll(resetBy(one.account)), 'enrolled');
        assertRow(await stores.vaults.get(two.account), two.vault);
        assertRow(await stores.devices.listByAccount(two.account), devices);
        assert.notEqual(await stores.invitations.get(invited.id), undefined);
        assert.notEqual(await stores.pairings.get(pairing.id), undefined);
        assertRow(await stores.releases.get(waiting.id), waiting);
        const { resets: _, ...plain } = resetBy(two.account);
        assert.equal(await stores.devices.enroll(plain), 'enrolled');
        assertRow(await stores.vaults.get(two.account), two.vault);
        assertRow(await stores.resets.get(two.account), resetRow(two.account));
      },
    },
    {
      name: 'resets: of a cancellation and the enrolment at once exactly one succeeds',
      run: async () => {
        const stores = await create();
        for (let round = 0; round < 10; round++) {
          const { account, vault } = await enrolOwner(stores);
          await stores.resets.request(resetRow(account));
          const enrollment = resetBy(account);
          const [enrolled, cancelled] = await Promise.all([
            stores.devices.enroll(enrollment),
            stores.resets.cancel(account),
          ]);
          assert.equal(enrolled, cancelled ? 'no_reset' : 'enrolled');
          assertRow(await stores.vaults.get(account), cancelled ? vault : enrollment.vault);
        }
      },
    },
    {
      name: 'resets: of 50 enrolments that reset at once exactly one does, whatever is written beside',
      run: async () => {
        const stores = await create();
        const { account, vault } = await richOwner(stores);
        await stores.resets.request(resetRow(account));
        const attempts = Array.from({ length: 50 }, () => resetBy(account));
        const writes = Array.from({ length: 10 }, () =>
          writeAfter(vault, {
            joins: { device: deviceRow({ account }) },
            agents: [agentRow({ account })],
          }),
        );
        const [results] = await Promise.all([
          Promise.all(attempts.map((attempt) => stores.devices.enroll(attempt))),
          Promise.all(writes.map((write) => stores.vaults.write(write))),
          Promise.all(Array.from({ length: 10 }, () => ask(stores, account))),
        ]);
        assert.equal(results.filter((result) => result === 'enrolled').length, 1);
        assert.equal(results.filter((result) => result === 'no_reset').length, 49);
        const winner = attempts[results.indexOf('enrolled')];
        assertRow(await stores.vaults.get(account), winner?.vault);
        const active = (await stores.devices.listByAccount(account)).filter(
          ({ revokedAt }) => revokedAt === undefined,
        );
        assertRow(active, [winner?.device]);
        for (const { agents } of writes) {
          assert.equal(await stores.agents.findByJkt(agents[0]?.jkt ?? ''), undefined);
        }
      },
    },
    {
      name: 'resets: an account without a vault gets the one that comes',
      run: async () => {
        const stores = await create();
        const device = deviceRow();
        const { account } = device;
        await stores.devices.enroll({ device, onlyFirst: true });
        await stores.resets.request(resetRow(account));
        const enrollment = resetBy(account);
        assert.equal(await stores.devices.enroll(enrollment), 'enrolled');
        assertRow(await stores.vaults.get(account), enrollment.vault);
        assert.equal((await stores.devices.get(device.id))?.revokedAt, DUE);
      },
    },
    {
      name: 'resets: no vault, or one that begins with a recovery code, is refused',
      run: async () => {
        const stores = await create();
        const { account, vault } = await enrolOwner(stores);
        await stores.resets.request(resetRow(account));
        const enrollment = resetBy(account);
        const { vault: brought, ...bare } = enrollment;
        await assert.rejects(stores.devices.enroll(bare), TypeError);
        const coded = { ...brought, recoveryKey: randomId() };
        await assert.rejects(stores.devices.enroll({ ...bare, vault: coded }), TypeError);
        assertRow(await stores.vaults.get(account), vault);
        assert.equal(await stores.devices.get(bare.device.id), undefined);
        assertRow(await stores.resets.get(account), resetRow(account));
      },
    },
  ];
}
