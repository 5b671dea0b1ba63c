import assert from 'node:assert/strict';
import type { DeviceStore } from '../stores/durable-stores.js';
import {
  assertRow,
  type ConformanceCase,
  type CreateStore,
  race,
  randomId,
  spoil,
} from './conformance-case.js';
import { creationTime, deviceRow, keypairRow } from './sample-rows.js';

/** What a {@link DeviceStore} has to do; what it writes of vaults is in `vaultStoreConformance`. */
export function deviceStoreConformance(
  create: CreateStore<DeviceStore>,
): readonly ConformanceCase[] {
  return [...enrollCases(create), ...counterCases(create), ...revocationCases(create)];
}

function enrollCases(create: CreateStore<DeviceStore>): readonly ConformanceCase[] {
  return [
    {
      name: 'devices: an enrolled passkey and an enrolled key pair are found as they were written',
      run: async () => {
        const store = await create();
        const [passkey, keypair] = [deviceRow(), keypairRow()];
        assert.equal(await store.enroll({ device: passkey, onlyFirst: true }), 'enrolled');
        assert.equal(await store.enroll({ device: keypair, onlyFirst: true }), 'enrolled');
        assertRow(await store.get(passkey.id), passkey);
        assertRow(await store.findByCredentialId(passkey.credentialId), passkey);
        assertRow(await store.get(keypair.id), keypair);
        assertRow(await store.findByJkt(keypair.account, keypair.jkt), keypair);
        assert.equal(await store.get(randomId()), undefined);
        assert.equal(await store.findByCredentialId(randomId()), undefined);
        assert.equal(await store.findByJkt(randomId(), keypair.jkt), undefined);
      },
    },
    {
      name: 'devices: of 200 parallel first enrolments of one account exactly one wins',
      run: async () => {
        const store = await create();
        const account = randomId();
        const results = await race(() =>
          store.enroll({ device: deviceRow({ account }), onlyFirst: true }),
        );
        assert.equal(results.filter((result) => result === 'enrolled').length, 1);
        assert.equal(results.filter((result) => result === 'not_first').length, 199);
        assert.equal((await store.listByAccount(account)).length, 1);
      },
    },
    {
      name: 'devices: of 200 parallel enrolments of one credential exactly one wins',
      run: async () => {
        const store = await create();
        const credentialId = randomId();
        const results = await race(() =>
          store.enroll({ device: deviceRow({ credentialId }), onlyFirst: false }),
        );
        assert.equal(results.filter((result) => result === 'enrolled').length, 1);
        assert.equal(results.filter((result) => result === 'known').length, 199);
      },
    },
    {
      name: 'devices: a revoked device still counts as the first one',
      run: async () => {
        const store = await create();
        const account = randomId();
        const first = deviceRow({ account });
        await store.enroll({ device: first, onlyFirst: true });
        await store.revoke(first.id, 1_000);
        const second = deviceRow({ account });
        assert.equal(await store.enroll({ device: second, onlyFirst: true }), 'not_first');
        assert.equal(await store.get(second.id), undefined);
        assert.equal(await store.findByCredentialId(second.credentialId), undefined);
        assert.equal(await store.enroll({ device: second, onlyFirst: false }), 'enrolled');
      },
    },
    {
      name: 'devices: a known credential is refused for every account, also when it is revoked',
      run: async () => {
        const store = await create();
        const first = deviceRow();
        await store.enroll({ device: first, onlyFirst: true });
        const again = deviceRow({ credentialId: first.credentialId });
        assert.equal(await store.enroll({ device: again, onlyFirst: true }), 'known');
        await store.revoke(first.id, 1_000);
        assert.equal(await store.enroll({ device: again, onlyFirst: true }), 'known');
        assert.equal(await store.get(again.id), undefined);
        assert.equal((await store.findByCredentialId(first.credentialId))?.id, first.id);
      },
    },
    {
      name: 'devices: a key pair is unique within its account only',
      run: async () => {
        const store = await create();
        const first = keypairRow();
        const { account, jkt } = first;
        await store.enroll({ device: first, onlyFirst: false });
        const again = keypairRow({ account, jkt });
        assert.equal(await store.enroll({ device: again, onlyFirst: false }), 'known');
        const elsewhere = keypairRow({ jkt });
        assert.equal(await store.enroll({ device: elsewhere, onlyFirst: false }), 'enrolled');
        assert.equal((await store.findByJkt(account, jkt))?.id, first.id);
        assert.equal((await store.findByJkt(elsewhere.account, jkt))?.id, elsewhere.id);
      },
    },
    {
      name: 'devices: empty credential ids and thumbprints are no identity',
      run: async () => {
        const store = await create();
        const account = randomId();
        for (const device of [
          keypairRow({ account }),
          keypairRow({ account }),
          deviceRow({ account }),
          deviceRow({ account }),
        ]) {
          assert.equal(await store.enroll({ device, onlyFirst: false }), 'enrolled');
        }
        assert.equal(await store.findByCredentialId(''), undefined);
        assert.equal(await store.findByJkt(account, ''), undefined);
      },
    },
    {
      name: 'devices: those of one account are listed in order of creation, revoked ones included',
      run: async () => {
        const store = await create();
        const account = randomId();
        const devices = [0, 1, 2].map((index) =>
          deviceRow({ account, createdAt: creationTime(index) }),
        );
        for (const device of devices) await store.enroll({ device, onlyFirst: false });
        await store.enroll({ device: deviceRow(), onlyFirst: false });
        await store.revoke(devices[1]?.id ?? '', 1_000);
        assertRow(
          (await store.listByAccount(account)).map(({ id }) => id),
          devices.map(({ id }) => id),
        );
        assertRow(await store.listByAccount(randomId()), []);
      },
    },
    {
      name: 'devices: neither writer nor reader can change what is stored',
      run: async () => {
        const store = await create();
        const device = deviceRow();
        const expected = structuredClone(device);
        await store.enroll({ device, onlyFirst: true });
        spoil(device);
        assertRow(await store.get(expected.id), expected);
        spoil(await store.get(expected.id));
        spoil(await store.findByCredentialId(expected.credentialId));
        spoil(await store.listByAccount(expected.account));
        assertRow(await store.get(expected.id), expected);
        assertRow(await store.listByAccount(expected.account), [expected]);
      },
    },
  ];
}

function counterCases(create: CreateStore<DeviceStore>): readonly ConformanceCase[] {
  async function enrolled(counter: number, counterNonce: string) {
    const store = await create();
    const device = deviceRow({ counter, counterNonce });
    await store.enroll({ device, onlyFirst: true });
    return { store, device };
  }
  return [
    {
      name: 'devices: a greater counter is taken, an equal one from the same nonce only',
      run: async () => {
        const { store, device } = await enrolled(5, 'nonce-a');
        assert.equal(await store.advanceCounter(device.id, 5, 'nonce-b'), false);
        assert.equal(await store.advanceCounter(device.id, 5, 'nonce-a'), true);
        assert.equal(await store.advanceCounter(device.id, 4, 'nonce-a'), false);
        assert.equal(await store.advanceCounter(device.id, 0, 'nonce-a'), false);
        assertRow(await store.get(device.id), device);
        assert.equal(await store.advanceCounter(device.id, 7, 'nonce-b'), true);
        assert.equal(await store.advanceCounter(device.id, 7, 'nonce-a'), false);
        assert.equal(await store.advanceCounter(device.id, 7, 'nonce-b'), true);
        assertRow(await store.findByCredentialId(device.credentialId), {
          ...device,
          counter: 7,
          counterNonce: 'nonce-b',
        });
        assert.equal(await store.advanceCounter(randomId(), 8, 'nonce-c'), false);
      },
    },
    {
      name: 'devices: an authenticator without a counter (always 0) passes, and may start to count',
      run: async () => {
        const { store, device } = await enrolled(0, 'nonce-a');
        assert.equal(await store.advanceCounter(device.id, 0, 'nonce-b'), true);
        assert.equal(await store.advanceCounter(device.id, 0, 'nonce-c'), true);
        assert.equal(await store.advanceCounter(device.id, 1, 'nonce-d'), true);
        assert.equal(await store.advanceCounter(device.id, 0, 'nonce-e'), false);
      },
    },
    {
      name: 'devices: of 200 parallel exchanges with one counter exactly one wins',
      run: async () => {
        const { store, device } = await enrolled(1, 'nonce');
        const results = await race((index) => store.advanceCounter(device.id, 2, `nonce-${index}`));
        assert.equal(results.filter((advanced) => advanced === true).length, 1);
        const stored = await store.get(device.id);
        assert.equal(stored?.counterNonce, `nonce-${results.indexOf(true)}`);
      },
    },
    {
      name: 'devices: the counter never goes back under parallel exchanges',
      run: async () => {
        const { store, device } = await enrolled(1, 'nonce');
        await race((index) => store.advanceCounter(device.id, 201 - index, `nonce-${index}`));
        assert.equal((await store.get(device.id))?.counter, 201);
      },
    },
    {
      name: 'devices: the counter holds all of its 32 bits',
      run: async () => {
        const { store, device } = await enrolled(0x7fff_ffff, 'nonce-a');
        assert.equal(await store.advanceCounter(device.id, 0xffff_ffff, 'nonce-b'), true);
        assert.equal((await store.get(device.id))?.counter, 0xffff_ffff);
      },
    },
  ];
}

function revocationCases(create: CreateStore<DeviceStore>): readonly ConformanceCase[] {
  return [
    {
      name: 'devices: revoking keeps the first time and everything else',
      run: async () => {
        const store = await create();
        const device = deviceRow();
        await store.enroll({ device, onlyFirst: true });
        assert.equal(await store.revoke(device.id, 1_000), true);
        assert.equal(await store.revoke(device.id, 2_000), true);
        assertRow(await store.get(device.id), { ...device, revokedAt: 1_000 });
        assertRow(await store.findByCredentialId(device.credentialId), {
          ...device,
          revokedAt: 1_000,
        });
        assert.equal(await store.revoke(randomId(), 1_000), false);
      },
    },
    {
      name: 'devices: a revocation and a counter set in parallel both stay',
      run: async () => {
        const store = await create();
        const device = deviceRow({ counter: 1 });
        await store.enroll({ device, onlyFirst: true });
        await Promise.all([
          store.advanceCounter(device.id, 2, 'nonce'),
          store.revoke(device.id, 1_000),
          store.advanceCounter(device.id, 3, 'nonce'),
        ]);
        const stored = await store.get(device.id);
        assert.equal(stored?.revokedAt, 1_000);
        assert.equal(stored?.counter, 3);
      },
    },
  ];
}
