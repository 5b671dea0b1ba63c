import { encodeBase64url } from '@pzk-auth/protocol';
import { describe, expect, it } from 'vitest';
import { openVaultExport } from '../../src/index.js';
import { apiKey, user } from '../fake-issuer.js';
import {
  createDevice,
  createFakePlatform,
  enrolledDevice,
  type FakePlatform,
  manifestOf,
  type StoredVault,
} from './fake-platform.js';

async function opened(platform = createFakePlatform()) {
  const device = await enrolledDevice(platform);
  return { platform, device, vault: await device.client.vault.open() };
}

/** Invites a second device, and takes it in under a name. */
async function admit(
  platform: FakePlatform,
  inviting: { client: ReturnType<typeof createDevice>['client'] },
  name?: string,
) {
  const invitation = await inviting.client.vault.invitations.create();
  const joined = createDevice(platform);
  await joined.client.vault.invitations.accept({ code: invitation.fragment, user });
  await invitation.poll();
  await invitation.admit(name === undefined ? {} : { name });
  await joined.client.start();
  return { joined, theirs: await joined.client.vault.open() };
}

const namesOf = (vault: { contents: { members: readonly { name?: string; own: boolean }[] } }) =>
  vault.contents.members.map(({ name }) => name);

const namesSlot = ({ vault }: FakePlatform) =>
  manifestOf(vault as StoredVault).slots.filter(({ kind }) => kind === 'names');

describe('names of devices', () => {
  it('are given at the enrolment and as a device is taken in, and read by all devices', async () => {
    const platform = createFakePlatform();
    const first = createDevice(platform);
    await first.client.enroll({ apiKey, user, deviceName: 'Laptop 鍵' });
    await first.client.vault.open();
    const { theirs } = await admit(platform, first, 'Phone');
    expect(namesOf(theirs)).toEqual(['Laptop 鍵', 'Phone']);
    expect(theirs.contents.members.map(({ own }) => own)).toEqual([false, true]);
    const wire = platform.sent.map(({ body }) => body).join('\n');
    expect(wire).not.toContain('Laptop');
    expect(wire).not.toContain('Phone');
    expect(namesSlot(platform)).toHaveLength(1);
  });

  it('change, and go where they are taken away', async () => {
    const { platform, device, vault } = await opened();
    expect(namesOf(vault)).toEqual([undefined]);
    expect(namesSlot(platform)).toEqual([]);
    const id = vault.contents.members[0]?.id ?? '';
    await vault.nameDevice(id, 'Laptop');
    await vault.nameDevice(id, 'Old laptop');
    expect(namesOf(vault)).toEqual(['Old laptop']);
    expect(namesSlot(platform)).toMatchObject([{ version: 2 }]);
    await device.client.vault.open();
    expect(namesOf(device.client.vault.current)).toEqual(['Old laptop']);
    await vault.nameDevice(id, '');
    expect(namesOf(vault)).toEqual([undefined]);
    expect(namesSlot(platform)).toEqual([]);
  });

  it('are refused for a code, for nobody, and where they cannot be shown', async () => {
    const { platform, device, vault } = await opened();
    const { code, confirm } = await device.client.vault.recovery.create();
    await confirm(code);
    const code_ = vault.contents.members.find(({ kind }) => kind === 'recovery')?.id ?? '';
    const own = vault.contents.members.find((one) => one.own)?.id ?? '';
    const before = platform.vault?.manifest;
    await expect(vault.nameDevice(code_, 'Code')).rejects.toMatchObject({
      code: 'invalid_request',
    });
    const nobody = encodeBase64url(new Uint8Array(16));
    await expect(vault.nameDevice(nobody, 'x')).rejects.toMatchObject({ code: 'not_found' });
    for (const name of [' ', 'a'.repeat(65), 'a\u202eb', 'a\nb']) {
      await expect(vault.nameDevice(own, name)).rejects.toMatchObject({ code: 'invalid_request' });
      const enrolling = createDevice(createFakePlatform());
      await expect(
        enrolling.client.enroll({ apiKey, user, deviceName: name }),
      ).rejects.toMatchObject({ code: 'invalid_request' });
    }
    expect(platform.vault?.manifest).toBe(before);
  });

  it('outlive a change of keys, and those of a device that is out go with the next name', async () => {
    const { platform, device, vault } = await opened();
    const own = vault.contents.members[0]?.id ?? '';
    await vault.nameDevice(own, 'Laptop');
    await admit(platform, device, 'Phone');
    const phone = vault.contents.members.find((one) => !one.own)?.id ?? '';
    const { code, confirm } = await vault.removeDevice(phone);
    await confirm(code);
    expect(namesOf(device.client.vault.current)).toEqual(['Laptop', undefined]);
    await device.client.vault.current.nameDevice(own, 'Desk');
    expect(namesOf(device.client.vault.current)).toEqual(['Desk', undefined]);

    const document = await device.client.vault.export({ code });
    const copy = await openVaultExport({ document, recoveryCode: code });
    const slot = copy.slots.find(({ kind }) => kind === 'names');
    expect(slot).toMatchObject({ name: '', provider: '' });
    await expect(copy.readSlot(slot?.id ?? '')).rejects.toMatchObject({ code: 'not_found' });
    copy.close();
  });

  it('cost nothing else where the server has not kept them, and are written anew', async () => {
    const { platform, device, vault } = await opened();
    const own = vault.contents.members[0]?.id ?? '';
    const secret = await vault.addSecret({ name: 'mail', value: 'mail-password' });
    await vault.nameDevice(own, 'Laptop');
    const [listed] = namesSlot(platform);
    const { slots } = platform.vault as StoredVault;
    slots.set(listed?.id ?? '', encodeBase64url(new Uint8Array(64).fill(3)));
    await device.client.vault.open({ approveReplacedSlots: () => true });
    const { current } = device.client.vault;
    expect(namesOf(current)).toEqual([undefined]);
    expect(current.contents.slots).toContainEqual(
      expect.objectContaining({ kind: 'names', damaged: 'replaced' }),
    );
    expect(await current.readSecret(secret)).toHaveLength(13);
    await current.nameDevice(own, 'Laptop');
    await device.client.vault.open();
    expect(namesOf(device.client.vault.current)).toEqual(['Laptop']);
  });

  it('are no secret that is read, changed or rotated as one', async () => {
    const { platform, vault } = await opened();
    await vault.nameDevice(vault.contents.members[0]?.id ?? '', 'Laptop');
    const id = namesSlot(platform)[0]?.id ?? '';
    await expect(vault.readSecret(id)).rejects.toMatchObject({ code: 'not_found' });
    const changes = [
      vault.updateSecret(id, { value: 'x', anyForm: true }),
      vault.renameSecret(id, { name: 'x' }),
    ];
    for (const changing of changes) {
      await expect(changing).rejects.toMatchObject({ code: 'invalid_request' });
    }
    expect(namesOf(vault)).toEqual(['Laptop']);
  });
});
