import assert from 'node:assert/strict';
import {
  assertRow,
  type ConformanceCase,
  type CreateStore,
  PARALLEL,
  race,
  randomId,
  spoil,
} from './conformance-case.js';
import {
  agentRow,
  deviceRow,
  invitationRow,
  invitedDevice,
  recipientRow,
  releaseRow,
  vaultRow,
} from './sample-rows.js';
import {
  ask,
  enrolOwner,
  invite,
  releaseOf,
  type VaultStores,
  writeAfter,
} from './vault-fixture.js';

/** What a vault store has to do together with the stores that are written with it. */
export function vaultStoreConformance(
  create: CreateStore<VaultStores>,
): readonly ConformanceCase[] {
  return [
    ...creationCases(create),
    ...writeCases(create),
    ...joinCases(create),
    ...uniqueCases(create),
    ...releaseCases(create),
    ...pinCases(create),
    ...historyCases(create),
  ];
}

function creationCases(create: CreateStore<VaultStores>): readonly ConformanceCase[] {
  return [
    {
      name: 'vaults: created with the device and read back as written',
      run: async () => {
        const { devices, vaults } = await create();
        const device = deviceRow();
        const vault = vaultRow(device.account, device.id);
        assert.equal(await vaults.get(device.account), undefined);
        assert.equal(await devices.enroll({ device, vault, onlyFirst: true }), 'enrolled');
        assertRow(await vaults.get(device.account), vault);
        assert.equal(await vaults.get(randomId()), undefined);
      },
    },
    {
      name: 'vaults: an existing vault is never replaced',
      run: async () => {
        const { devices, vaults } = await create();
        const [first, second] = [deviceRow(), deviceRow()];
        const { account } = first;
        const vault = vaultRow(account, first.id);
        await devices.enroll({ device: first, vault, onlyFirst: true });
        const other = vaultRow(account, second.id);
        const enrollment = { device: { ...second, account }, vault: other, onlyFirst: false };
        assert.equal(await devices.enroll(enrollment), 'enrolled');
        assertRow(await vaults.get(account), vault);
      },
    },
    {
      name: 'vaults: a later device brings one where the account has none',
      run: async () => {
        const { devices, vaults } = await create();
        const first = deviceRow();
        const { account } = first;
        await devices.enroll({ device: first, onlyFirst: true });
        const second = deviceRow({ account });
        const vault = vaultRow(account, second.id);
        await devices.enroll({ device: second, vault, onlyFirst: false });
        assertRow(await vaults.get(account), vault);
      },
    },
    {
      name: 'vaults: a refused enrolment writes none',
      run: async () => {
        const { devices, vaults } = await create();
        const first = deviceRow();
        await devices.enroll({ device: first, onlyFirst: true });
        const late = deviceRow({ account: first.account });
        const notFirst = { device: late, vault: vaultRow(first.account, late.id), onlyFirst: true };
        assert.equal(await devices.enroll(notFirst), 'not_first');
        assert.equal(await vaults.get(first.account), undefined);
        const thief = deviceRow({ credentialId: first.credentialId });
        const known = { device: thief, vault: vaultRow(thief.account, thief.id), onlyFirst: true };
        assert.equal(await devices.enroll(known), 'known');
        assert.equal(await vaults.get(thief.account), undefined);
      },
    },
    {
      name: 'vaults: of 200 parallel accounts with a vault of one id exactly one is enrolled',
      run: async () => {
        const { devices, vaults } = await create();
        const vaultId = randomId();
        const attempts = Array.from({ length: 200 }, () => {
          const device = deviceRow();
          return {
            device,
            vault: vaultRow(device.account, device.id, { vaultId }),
            onlyFirst: true,
          };
        });
        const results = await Promise.all(attempts.map((attempt) => devices.enroll(attempt)));
        assert.equal(results.filter((result) => result === 'enrolled').length, 1);
        assert.equal(results.filter((result) => result === 'known').length, 199);
        for (const [index, { device, vault }] of attempts.entries()) {
          const isWinner = results[index] === 'enrolled';
          assertRow(await vaults.get(device.account), isWinner ? vault : undefined);
          assertRow(await devices.get(device.id), isWinner ? device : undefined);
        }
      },
    },
    {
      name: 'vaults: of 200 parallel first enrolments the vault is that of the winning device',
      run: async () => {
        const { devices, vaults } = await create();
        const account = randomId();
        const attempts = Array.from({ length: 200 }, () => {
          const device = deviceRow({ account });
          return { device, vault: vaultRow(account, device.id), onlyFirst: true };
        });
        const results = await Promise.all(attempts.map((attempt) => devices.enroll(attempt)));
        assertRow(await vaults.get(account), attempts[results.indexOf('enrolled')]?.vault);
      },
    },
    {
      name: 'vaults: of 200 parallel later devices exactly one vault stays',
      run: async () => {
        const { devices, vaults } = await create();
        const account = randomId();
        const results = await race(() => {
          const device = deviceRow({ account });
          return devices.enroll({ device, vault: vaultRow(account, device.id), onlyFirst: false });
        });
        assert.ok(results.every((result) => result === 'enrolled'));
        const vault = await vaults.get(account);
        assert.equal(vault?.recipients.length, 1);
        assert.notEqual(await devices.get(vault?.recipients[0]?.device ?? ''), undefined);
      },
    },
    {
      name: 'vaults: neither writer nor reader can change what is stored',
      run: async () => {
        const { devices, vaults } = await create();
        const device = deviceRow();
        const vault = vaultRow(device.account, device.id);
        const expected = structuredClone(vault);
        await devices.enroll({ device, vault, onlyFirst: true });
        spoil(vault);
        assertRow(await vaults.get(expected.account), expected);
        spoil(await vaults.get(expected.account));
        assertRow(await vaults.get(expected.account), expected);
      },
    },
  ];
}

function writeCases(create: CreateStore<VaultStores>): readonly ConformanceCase[] {
  return [
    {
      name: 'vaults: a write replaces the vault that its writer read',
      run: async () => {
        const { vaults, ...stores } = await create();
        const { account, device, vault } = await enrolOwner({ vaults, ...stores });
        const successions = [1, 2].map((counter) => ({
          old_identity_key: randomId(),
          identity_key: randomId(),
          counter,
          previous: randomId(),
          by: randomId(),
          signature: randomId(),
        }));
        const recipients = [recipientRow(device.id), recipientRow('')];
        const next = { recipients, successions, slots: [], recoveryKey: randomId() };
        const first = writeAfter(vault, { next });
        assert.equal(await vaults.write(first), 'written');
        assertRow(await vaults.get(account), first.next);
        const second = writeAfter(first.next, { next: { recoveryKey: undefined } });
        assert.equal(await vaults.write(second), 'written');
        assertRow(await vaults.get(account), second.next);
      },
    },
    {
      name: 'vaults: a write that names another etag changes nothing',
      run: async () => {
        const stores = await create();
        const { vaults } = stores;
        const { account, vault } = await enrolOwner(stores);
        const kept = agentRow({ account });
        const current = writeAfter(vault, { agents: [kept], next: { recoveryKey: randomId() } });
        await vaults.write(current);
        const joining = deviceRow({ account });
        const invitation = await invite(stores, account, joining);
        const request = await ask(stores, account);
        const agent = agentRow({ account });
        const recoveryKey = randomId();
        for (const expected of [vault.etag, '', randomId(), `${current.next.etag} `]) {
          const late = writeAfter(current.next, {
            expected,
            next: { recoveryKey },
            agents: [agent],
            joins: { device: joining, invitation },
            release: releaseOf(request),
          });
          assert.equal(await vaults.write(late), 'conflict');
        }
        assertRow(await vaults.get(account), current.next);
        assert.equal(await vaults.findByRecoveryKey(recoveryKey), undefined);
        assert.equal(await stores.devices.get(joining.id), undefined);
        assert.equal(await stores.devices.findByCredentialId(joining.credentialId), undefined);
        assert.equal((await stores.invitations.get(invitation))?.ended, false);
        assertRow(await stores.agents.findByJkt(kept.jkt), kept);
        assert.equal(await stores.agents.findByJkt(agent.jkt), undefined);
        assertRow(await stores.releases.get(request.id), request);
        assertRow(await stores.releases.listReceipts(account, { after: 0, limit: 10 }), []);
      },
    },
    {
      name: 'vaults: an account without a vault, or with that of another, is not written',
      run: async () => {
        const stores = await create();
        const { vault } = await enrolOwner(stores);
        const other = await enrolOwner(stores);
        const nobody = vaultRow(randomId(), randomId(), { etag: vault.etag });
        assert.equal(await stores.vaults.write(writeAfter(nobody)), 'conflict');
        assert.equal(await stores.vaults.get(nobody.account), undefined);
        const stray = writeAfter(other.vault, { expected: vault.etag });
        assert.equal(await stores.vaults.write(stray), 'conflict');
        assertRow(await stores.vaults.get(other.account), other.vault);
      },
    },
    {
      name: 'vaults: of 200 parallel writes exactly one is written, with all that belongs to it',
      run: async () => {
        const stores = await create();
        const { account, vault } = await enrolOwner(stores);
        const attempts = Array.from({ length: PARALLEL }, () => {
          const joins = { device: deviceRow({ account }) };
          const next = { recoveryKey: randomId() };
          return writeAfter(vault, { joins, next, agents: [agentRow({ account })] });
        });
        const results = await Promise.all(attempts.map((write) => stores.vaults.write(write)));
        assert.equal(results.filter((result) => result === 'written').length, 1);
        assert.equal(results.filter((result) => result === 'conflict').length, PARALLEL - 1);
        const winner = attempts[results.indexOf('written')];
        assertRow(await stores.vaults.get(account), winner?.next);
        assert.equal((await stores.devices.listByAccount(account)).length, 2);
        for (const { agents, next } of attempts) {
          const wins = next === winner?.next;
          const agent = await stores.agents.findByJkt(agents[0]?.jkt ?? '');
          assert.equal(agent !== undefined, wins);
          const found = await stores.vaults.findByRecoveryKey(next.recoveryKey ?? '');
          assert.equal(found !== undefined, wins);
        }
      },
    },
    {
      name: 'vaults: writers that read anew after a conflict lose nothing',
      run: async () => {
        const stores = await create();
        const { account } = await enrolOwner(stores);
        await Promise.all(
          Array.from({ length: 10 }, async () => {
            for (;;) {
              const vault = await stores.vaults.get(account);
              assert.ok(vault);
              const slots = [...vault.slots, { id: randomId(), blob: randomId() }];
              if (
                (await stores.vaults.write(writeAfter(vault, { next: { slots } }))) === 'written'
              ) {
                return;
              }
            }
          }),
        );
        assert.equal((await stores.vaults.get(account))?.slots.length, 11);
      },
    },
    {
      name: 'vaults: agents and devices of another account are refused',
      run: async () => {
        const stores = await create();
        const { account, vault } = await enrolOwner(stores);
        const [agent, device] = [agentRow(), deviceRow()];
        await assert.rejects(
          stores.vaults.write(writeAfter(vault, { agents: [agent] })),
          TypeError,
        );
        await assert.rejects(
          stores.vaults.write(writeAfter(vault, { joins: { device } })),
          TypeError,
        );
        assertRow(await stores.vaults.get(account), vault);
        assert.equal(await stores.agents.findByJkt(agent.jkt), undefined);
        assert.equal(await stores.devices.get(device.id), undefined);
      },
    },
    {
      name: 'vaults: neither writer nor reader can change what was written',
      run: async () => {
        const stores = await create();
        const { account, vault } = await enrolOwner(stores);
        const write = writeAfter(vault, {
          next: { recoveryKey: randomId() },
          agents: [agentRow({ account })],
        });
        const expected = structuredClone(write);
        await stores.vaults.write(write);
        spoil(write);
        const recoveryKey = expected.next.recoveryKey ?? '';
        spoil(await stores.vaults.get(account));
        spoil(await stores.vaults.findByRecoveryKey(recoveryKey));
        assertRow(await stores.vaults.get(account), expected.next);
        assertRow(await stores.vaults.findByRecoveryKey(recoveryKey), expected.next);
        const [agent] = expected.agents;
        assertRow(await stores.agents.findByJkt(agent?.jkt ?? ''), agent);
      },
    },
    {
      name: 'vaults: as large as they may be, and with any text',
      run: async () => {
        const stores = await create();
        const { account, vault } = await enrolOwner(stores);
        const slots = Array.from({ length: 128 }, () => ({
          id: randomId(),
          blob: 'A'.repeat(11_000),
        }));
        const odd = 'O\'Brien"; -- \\ \u{1f5dd} e\u0301 \u2028';
        const next = {
          slots,
          manifest: odd,
          etag: `${odd} 1`,
          recoveryKey: `${odd} ${randomId()}`,
        };
        const write = writeAfter(vault, { next });
        assert.equal(await stores.vaults.write(write), 'written');
        assertRow(await stores.vaults.get(account), write.next);
        assertRow(await stores.vaults.findByRecoveryKey(next.recoveryKey), write.next);
        const normal = next.recoveryKey.normalize('NFC');
        assert.equal(await stores.vaults.findByRecoveryKey(normal), undefined);
        assert.equal(await stores.vaults.write(writeAfter(write.next)), 'written');
      },
    },
  ];
}

function historyCases(create: CreateStore<VaultStores>): readonly ConformanceCase[] {
  const node = (level: number, position: number) => ({ level, position, hash: randomId() });
  const sorted = (nodes: Awaited<ReturnType<VaultStores['vaults']['findHistory']>>) =>
    [...nodes].sort((a, b) => a.level - b.level || a.position - b.position);
  return [
    {
      name: 'vaults: what the history gains is found by its place, of this account alone',
      run: async () => {
        const { vaults, ...stores } = await create();
        const { account, vault } = await enrolOwner({ vaults, ...stores });
        const other = await enrolOwner({ vaults, ...stores });
        const [leaf, second, top] = [node(0, 0), node(0, 1), node(1, 0)];
        const far = node(52, 2 ** 53 - 1);
        const first = writeAfter(vault, { history: [leaf] });
        await vaults.write(first);
        await vaults.write(writeAfter(first.next, { history: [second, top, far] }));
        await vaults.write(writeAfter(other.vault, { history: [node(0, 0)] }));
        assert.deepEqual(await vaults.findHistory(account, []), []);
        assertRow(await vaults.findHistory(account, [leaf]), [leaf]);
        const absent = [
          { level: 1, position: 1 },
          { level: 2, position: 0 },
        ];
        assertRow(await vaults.findHistory(account, absent), []);
        const found = await vaults.findHistory(account, [far, ...absent, top, leaf]);
        assertRow(sorted(found), [leaf, top, far]);
        assertRow(await vaults.findHistory(randomId(), [leaf, second, top]), []);
        const of = await vaults.findHistory(other.account, [leaf]);
        assert.notEqual(of[0]?.hash, leaf.hash);
      },
    },
    {
      name: 'vaults: a write that is refused adds nothing to the history',
      run: async () => {
        const stores = await create();
        const { account, vault } = await enrolOwner(stores);
        const [first, second] = [node(0, 0), node(0, 1)];
        await stores.vaults.write(writeAfter(vault, { history: [first] }));
        const late = writeAfter(vault, { history: [node(0, 0), second] });
        assert.equal(await stores.vaults.write(late), 'conflict');
        const current = await stores.vaults.get(account);
        assert.ok(current);
        const credentialId = (await stores.devices.listByAccount(account))[0]?.credentialId ?? '';
        const device = deviceRow({ account, credentialId });
        const known = writeAfter(current, { joins: { device }, history: [second] });
        assert.equal(await stores.vaults.write(known), 'known');
        assertRow(await stores.vaults.findHistory(account, [first, second]), [first]);
      },
    },
    {
      name: 'vaults: one that replaces another begins without history',
      run: async () => {
        const stores = await create();
        const { account, vault } = await enrolOwner(stores);
        const leaf = node(0, 0);
        await stores.vaults.write(writeAfter(vault, { history: [leaf] }));
        const device = deviceRow({ account });
        const next = vaultRow(account, device.id);
        await stores.resets.request({ account, requestedAt: 1, effectiveAt: 2 });
        const resets = { at: 3 };
        const enrollment = { device, vault: next, onlyFirst: false, resets };
        assert.equal(await stores.devices.enroll(enrollment), 'enrolled');
        assertRow(await stores.vaults.findHistory(account, [leaf]), []);
        const again = node(0, 0);
        await stores.vaults.write(writeAfter(next, { history: [again] }));
        assertRow(await stores.vaults.findHistory(account, [leaf]), [again]);
      },
    },
  ];
}

function joinCases(create: CreateStore<VaultStores>): readonly ConformanceCase[] {
  return [
    {
      name: 'vaults: a device joins with the write, and its invitation ends',
      run: async () => {
        const stores = await create();
        const { account, vault } = await enrolOwner(stores);
        const device = deviceRow({ account });
        const invitation = await invite(stores, account, device);
        const write = writeAfter(vault, { joins: { device, invitation } });
        assert.equal(await stores.vaults.write(write), 'written');
        assertRow(await stores.devices.get(device.id), device);
        assertRow(await stores.devices.findByCredentialId(device.credentialId), device);
        assert.equal((await stores.devices.listByAccount(account)).length, 2);
        assert.equal((await stores.invitations.get(invitation))?.ended, true);
        const again = writeAfter(write.next, { joins: { device, invitation } });
        assert.equal(await stores.vaults.write(again), 'conflict');
        assertRow(await stores.vaults.get(account), write.next);
      },
    },
    {
      name: 'vaults: a device joins without an invitation',
      run: async () => {
        const stores = await create();
        const { account, vault } = await enrolOwner(stores);
        const device = deviceRow({ account });
        const write = writeAfter(vault, { joins: { device } });
        assert.equal(await stores.vaults.write(write), 'written');
        assertRow(await stores.devices.get(device.id), device);
        assert.equal(
          await stores.devices.enroll({ device: deviceRow({ account }), onlyFirst: true }),
          'not_first',
        );
      },
    },
    {
      name: 'vaults: a joining device that is known is refused, and its invitation goes on',
      run: async () => {
        const stores = await create();
        const { account, device: own, vault } = await enrolOwner(stores);
        const elsewhere = deviceRow();
        const revoked = deviceRow({ account });
        for (const device of [elsewhere, revoked]) {
          await stores.devices.enroll({ device, onlyFirst: false });
        }
        await stores.devices.revoke(revoked.id, 1_000);
        for (const { credentialId } of [own, elsewhere, revoked]) {
          const device = deviceRow({ account, credentialId });
          const invitation = await invite(stores, account, device);
          const agents = [agentRow({ account })];
          const write = writeAfter(vault, { joins: { device, invitation }, agents });
          assert.equal(await stores.vaults.write(write), 'known');
          assertRow(await stores.vaults.get(account), vault);
          assert.equal(await stores.devices.get(device.id), undefined);
          assert.notEqual((await stores.devices.findByCredentialId(credentialId))?.id, device.id);
          assert.equal((await stores.invitations.get(invitation))?.ended, false);
          assert.equal(await stores.agents.findByJkt(agents[0]?.jkt ?? ''), undefined);
        }
      },
    },
    {
      name: 'vaults: an invitation that this device has not joined, or that is ended, lets none in',
      run: async () => {
        const stores = await create();
        const { account, vault } = await enrolOwner(stores);
        const device = deviceRow({ account });
        const open = invitationRow({ account });
        await stores.invitations.insert(open, 0);
        const ended = await invite(stores, account, device);
        await stores.invitations.end(ended);
        const ofOther = await invite(stores, randomId(), device);
        const byOther = invitationRow({ account });
        await stores.invitations.insert(byOther, 0);
        await stores.invitations.join(byOther.id, invitedDevice(deviceRow({ account })), 0);
        for (const invitation of [open.id, ended, ofOther, byOther.id, randomId(), '']) {
          const write = writeAfter(vault, { joins: { device, invitation } });
          assert.equal(await stores.vaults.write(write), 'conflict');
        }
        assertRow(await stores.vaults.get(account), vault);
        assert.equal(await stores.devices.get(device.id), undefined);
        assert.equal(await stores.devices.findByCredentialId(device.credentialId), undefined);
        assertRow(await stores.invitations.get(open.id), open);
        assert.equal((await stores.invitations.get(ofOther))?.ended, false);
        assert.equal((await stores.invitations.get(byOther.id))?.ended, false);
      },
    },
    {
      name: 'vaults: of an invitation that ends and a write that uses it exactly one succeeds',
      run: async () => {
        const stores = await create();
        for (let round = 0; round < 10; round++) {
          const { account, vault } = await enrolOwner(stores);
          const device = deviceRow({ account });
          const invitation = await invite(stores, account, device);
          const [written, ended] = await Promise.all([
            stores.vaults.write(writeAfter(vault, { joins: { device, invitation } })),
            stores.invitations.end(invitation),
          ]);
          assert.equal(written, ended ? 'conflict' : 'written');
          assert.equal((await stores.devices.get(device.id)) !== undefined, !ended);
        }
      },
    },
    {
      name: 'vaults: of an enrolment and writes in parallel with one credential exactly one succeeds',
      run: async () => {
        const stores = await create();
        const owners = await Promise.all(Array.from({ length: 10 }, () => enrolOwner(stores)));
        const credentialId = randomId();
        const results = await Promise.all(
          owners.map(({ account, vault }, index) => {
            const device = deviceRow({ account, credentialId });
            return index % 2 === 0
              ? stores.vaults.write(writeAfter(vault, { joins: { device } }))
              : stores.devices.enroll({
                  device,
                  vault: vaultRow(account, device.id),
                  onlyFirst: false,
                });
          }),
        );
        assert.equal(results.filter((result) => result === 'known').length, 9);
      },
    },
  ];
}

function uniqueCases(create: CreateStore<VaultStores>): readonly ConformanceCase[] {
  return [
    {
      name: 'vaults: found by the recovery key that they have now, and by no other',
      run: async () => {
        const { vaults, ...stores } = await create();
        const { vault } = await enrolOwner({ vaults, ...stores });
        const [first, second] = [randomId(), randomId()];
        const one = writeAfter(vault, { next: { recoveryKey: first } });
        await vaults.write(one);
        assertRow(await vaults.findByRecoveryKey(first), one.next);
        // The same code stays.
        const two = writeAfter(one.next);
        assert.equal(await vaults.write(two), 'written');
        assertRow(await vaults.findByRecoveryKey(first), two.next);
        const three = writeAfter(two.next, { next: { recoveryKey: second } });
        await vaults.write(three);
        assert.equal(await vaults.findByRecoveryKey(first), undefined);
        assertRow(await vaults.findByRecoveryKey(second), three.next);
        await vaults.write(writeAfter(three.next, { next: { recoveryKey: undefined } }));
        assert.equal(await vaults.findByRecoveryKey(second), undefined);
        assert.equal(await vaults.findByRecoveryKey(''), undefined);
      },
    },
    {
      name: 'vaults: the recovery key of another vault is refused, until that gives it up',
      run: async () => {
        const stores = await create();
        const [one, two] = [await enrolOwner(stores), await enrolOwner(stores)];
        const recoveryKey = randomId();
        const holder = writeAfter(one.vault, { next: { recoveryKey } });
        await stores.vaults.write(holder);
        const joining = deviceRow({ account: two.account });
        const thief = writeAfter(two.vault, {
          next: { recoveryKey },
          joins: { device: joining },
          agents: [agentRow({ account: two.account })],
        });
        assert.equal(await stores.vaults.write(thief), 'known');
        assertRow(await stores.vaults.get(two.account), two.vault);
        assert.equal(await stores.devices.get(joining.id), undefined);
        assert.equal(await stores.agents.findByJkt(thief.agents[0]?.jkt ?? ''), undefined);
        assertRow(await stores.vaults.findByRecoveryKey(recoveryKey), holder.next);
        await stores.vaults.write(writeAfter(holder.next, { next: { recoveryKey: undefined } }));
        assert.equal(await stores.vaults.write(thief), 'written');
      },
    },
    {
      name: 'vaults: of many that take one recovery key at once exactly one is written',
      run: async () => {
        const stores = await create();
        const owners = await Promise.all(Array.from({ length: 20 }, () => enrolOwner(stores)));
        const recoveryKey = randomId();
        const results = await Promise.all(
          owners.map(({ vault }) =>
            stores.vaults.write(writeAfter(vault, { next: { recoveryKey } })),
          ),
        );
        assert.equal(results.filter((result) => result === 'written').length, 1);
        assert.equal(results.filter((result) => result === 'known').length, 19);
        const holder = owners[results.indexOf('written')];
        assert.equal(
          (await stores.vaults.findByRecoveryKey(recoveryKey))?.account,
          holder?.account,
        );
      },
    },
  ];
}

function releaseCases(create: CreateStore<VaultStores>): readonly ConformanceCase[] {
  return [
    {
      name: 'vaults: a release goes with the write, and its receipt is numbered',
      run: async () => {
        const stores = await create();
        const { account, vault } = await enrolOwner(stores);
        let current = vault;
        const receipts: unknown[] = [];
        for (const number of [1, 2, 3]) {
          const request = await ask(stores, account);
          const release = releaseOf(request);
          const write = writeAfter(current, { release });
          assert.equal(await stores.vaults.write(write), 'written');
          current = write.next;
          assertRow(await stores.releases.get(request.id), {
            ...request,
            status: 'released',
            enc: release.enc,
            ct: release.ct,
            releaseSignature: release.signature,
            changedAt: release.at,
          });
          receipts.push({ number, receipt: release.receipt });
        }
        const range = { after: 0, limit: 10 };
        assertRow(await stores.releases.listReceipts(account, range), receipts);
        assertRow(await stores.vaults.get(account), current);
      },
    },
    {
      name: 'vaults: a request that does not wait is not released, and nothing is written',
      run: async () => {
        const stores = await create();
        const { account, vault } = await enrolOwner(stores);
        const gone = await Promise.all(
          (['rejected', 'cancelled'] as const).map(async (to) => {
            const row = await ask(stores, account);
            await stores.releases.settle(row.id, { from: 'waiting', to, at: row.at });
            return row;
          }),
        );
        const done = await ask(stores, account);
        const first = writeAfter(vault, { release: releaseOf(done) });
        await stores.vaults.write(first);
        const expired = await ask(stores, account);
        const late = { ...releaseOf(expired), at: expired.expiresAt };
        const ofOther = releaseOf(await ask(stores, randomId()));
        const unknown = releaseOf(releaseRow());
        const releases = [...gone, done].map(releaseOf);
        const joining = deviceRow({ account });
        const agent = agentRow({ account });
        for (const release of [...releases, late, ofOther, unknown]) {
          const before = await stores.releases.get(release.request);
          const write = writeAfter(first.next, {
            release,
            agents: [agent],
            joins: { device: joining },
            next: { recoveryKey: randomId() },
          });
          assert.equal(await stores.vaults.write(write), 'conflict');
          assertRow(await stores.releases.get(release.request), before);
        }
        assertRow(await stores.vaults.get(account), first.next);
        assert.equal(await stores.devices.get(joining.id), undefined);
        assert.equal(await stores.agents.findByJkt(agent.jkt), undefined);
        const receipts = await stores.releases.listReceipts(account, { after: 0, limit: 10 });
        assert.equal(receipts.length, 1);
      },
    },
    {
      name: 'vaults: of a release, a rejection and a cancellation at once exactly one succeeds',
      run: async () => {
        const stores = await create();
        for (let round = 0; round < 10; round++) {
          const { account, vault } = await enrolOwner(stores);
          const request = await ask(stores, account);
          const settle = (to: 'rejected' | 'cancelled') =>
            stores.releases.settle(request.id, { from: 'waiting', to, at: request.at });
          const [written, rejected, cancelled] = await Promise.all([
            stores.vaults.write(writeAfter(vault, { release: releaseOf(request) })),
            settle('rejected'),
            settle('cancelled'),
          ]);
          const won = [written === 'written', rejected, cancelled];
          assert.equal(won.filter(Boolean).length, 1);
          const status = ['released', 'rejected', 'cancelled'][won.indexOf(true)];
          assert.equal((await stores.releases.get(request.id))?.status, status);
          const receipts = await stores.releases.listReceipts(account, { after: 0, limit: 10 });
          assert.equal(receipts.length, written === 'written' ? 1 : 0);
          assert.equal(
            (await stores.vaults.get(account))?.etag === vault.etag,
            written !== 'written',
          );
        }
      },
    },
    {
      name: 'vaults: releases while the agent asks again, of the same id and of others, all end',
      run: async () => {
        const stores = await create();
        const { account, vault } = await enrolOwner(stores);
        const limits = {
          waitingOfAgent: 9_999,
          waitingOfAccount: 9_999,
          hourlyOfAgent: 9_999,
          keptSince: 0,
        };
        let current = vault;
        for (let round = 0; round < 5; round++) {
          const request = await ask(stores, account);
          const write = writeAfter(current, { release: releaseOf(request) });
          const [written, ...asked] = await Promise.all([
            stores.vaults.write(write),
            ...Array.from({ length: 10 }, (_, index) =>
              stores.releases.insert(index % 2 === 0 ? request : releaseRow({ account }), limits),
            ),
          ]);
          assert.equal(written, 'written');
          assert.equal(asked.filter((result) => result === 'known').length, 5);
          assert.equal(asked.filter((result) => result === 'added').length, 5);
          current = write.next;
        }
      },
    },
  ];
}

function pinCases(create: CreateStore<VaultStores>): readonly ConformanceCase[] {
  return [
    {
      name: 'vaults: a pin is replaced for its recipient alone, and the etag stays',
      run: async () => {
        const stores = await create();
        const { account, vault } = await enrolOwner(stores);
        const recipients = [recipientRow(randomId()), recipientRow(randomId()), recipientRow('')];
        const { next } = writeAfter(vault, { next: { recipients } });
        await stores.vaults.write({ expected: vault.etag, next, history: [], agents: [] });
        const [, second] = recipients;
        const pin = randomId();
        const change = { account, etag: next.etag, recipient: second?.id ?? '', pin };
        assert.equal(await stores.vaults.setPin(change), true);
        const expected = recipients.map((row) => (row === second ? { ...row, pin } : row));
        assertRow(await stores.vaults.get(account), { ...next, recipients: expected });
        assert.equal(await stores.vaults.setPin(change), true);
        assert.equal(await stores.vaults.write(writeAfter(next)), 'written');
      },
    },
    {
      name: 'vaults: no pin is set for another etag, an unknown recipient or an unknown account',
      run: async () => {
        const stores = await create();
        const { account, vault } = await enrolOwner(stores);
        const recipient = vault.recipients[0]?.id ?? '';
        const [etag, pin] = [vault.etag, randomId()];
        for (const change of [
          { account, etag: randomId(), recipient, pin },
          { account, etag: '', recipient, pin },
          { account, etag, recipient: randomId(), pin },
          { account, etag, recipient: '', pin },
          { account: randomId(), etag, recipient, pin },
        ]) {
          assert.equal(await stores.vaults.setPin(change), false);
        }
        assertRow(await stores.vaults.get(account), vault);
      },
    },
    {
      name: 'vaults: pins that are set at once all stay',
      run: async () => {
        const stores = await create();
        const { account, vault } = await enrolOwner(stores);
        const recipients = Array.from({ length: 16 }, () => recipientRow(randomId()));
        const { next } = writeAfter(vault, { next: { recipients } });
        await stores.vaults.write({ expected: vault.etag, next, history: [], agents: [] });
        const pins = recipients.map(() => randomId());
        const results = await Promise.all(
          recipients.map(({ id }, index) =>
            stores.vaults.setPin({
              account,
              etag: next.etag,
              recipient: id,
              pin: pins[index] ?? '',
            }),
          ),
        );
        assert.ok(results.every((done) => done === true));
        const stored = await stores.vaults.get(account);
        assertRow(
          stored?.recipients.map(({ pin }) => pin),
          pins,
        );
      },
    },
  ];
}
