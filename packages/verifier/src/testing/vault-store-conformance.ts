import assert from 'node:assert/strict';
import type { DurableStores } from '../stores/durable-stores.js';
import {
  assertRow,
  type ConformanceCase,
  type CreateStore,
  race,
  randomId,
  spoil,
} from './conformance-case.js';
import { deviceRow, vaultRow } from './sample-rows.js';

/** What a vault store has to do together with the device store that creates the vaults. */
export function vaultStoreConformance(
  create: CreateStore<Pick<DurableStores, 'devices' | 'vaults'>>,
): readonly ConformanceCase[] {
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
