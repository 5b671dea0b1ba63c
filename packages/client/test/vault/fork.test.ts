import { ancestryPlaces } from '@pzk-auth/protocol';
import { describe, expect, it } from 'vitest';
import { user } from '../fake-issuer.js';
import {
  createDevice,
  createFakePlatform,
  enrolledDevice,
  manifestOf,
  type StoredVault,
} from './fake-platform.js';

async function twoDevices() {
  const platform = createFakePlatform();
  const first = await enrolledDevice(platform);
  await first.client.vault.open();
  const invitation = await first.client.vault.invitations.create();
  const second = createDevice(platform);
  await second.client.vault.invitations.accept({ code: invitation.fragment, user });
  await invitation.poll();
  await invitation.admit();
  await second.client.start();
  await second.client.vault.open();
  await first.client.vault.open();
  return { platform, first, second };
}

type Device = Awaited<ReturnType<typeof twoDevices>>['first'];

/** Opens the vault and writes so many secrets to it. */
async function write({ client }: Device, name: string, times: number) {
  const vault = await client.vault.open();
  for (let at = 1; at <= times; at++) {
    await vault.addSecret({ name: `${name} ${at}`, value: 'x' });
  }
}

async function rotate({ client }: Device) {
  const { code, confirm } = await (await client.vault.open()).rotateVault();
  await confirm(code);
}

const namesOf = ({ client }: Device) => {
  const state = client.vault.getSnapshot();
  return state.status === 'open' ? state.slots.map(({ name }) => name).filter(Boolean) : [];
};

describe('a server that keeps two devices apart', () => {
  it.each([
    [1, 2],
    [2, 2],
    [2, 3],
    [3, 3],
    [2, 9],
    [5, 14],
  ])(
    '[V2] is found out: after %i writes of the one, %i of the other are shown to it',
    async (own, others) => {
      const { platform, first, second } = await twoDevices();
      const common = platform.snapshot();
      await write(first, 'first', own);
      const branch = platform.vault as StoredVault;
      platform.vault = { ...common };
      await write(second, 'second', others);
      const shown = platform.vault as StoredVault;
      expect(manifestOf(shown).counter).toBe(manifestOf(common).counter + others);

      const refused = { code: 'vault_rollback', hint: expect.stringContaining('backup') };
      await expect(first.client.vault.open()).rejects.toMatchObject(refused);
      // Nor with the ancestry that its own branch would have, nor with any part of it.
      const { counter } = manifestOf(shown);
      const places = ancestryPlaces(counter, manifestOf(branch).counter);
      const known = new Map([...shown.nodes, ...branch.nodes]);
      platform.vault = { ...shown, nodes: known };
      if (places.length > 0) {
        await expect(first.client.vault.open()).rejects.toMatchObject(refused);
      }
      // The device is not lost: its own branch opens, and the other one stays where it was.
      platform.vault = branch;
      await first.client.vault.open();
      expect(namesOf(first)).toHaveLength(own);
      platform.vault = shown;
      await second.client.vault.open();
      expect(namesOf(second)).toHaveLength(others);
    },
  );

  it('[V2] is found out also where a rotation came between', async () => {
    const { platform, first, second } = await twoDevices();
    const common = platform.snapshot();
    await write(first, 'first', 2);
    const branch = platform.vault as StoredVault;
    platform.vault = common;
    await write(second, 'second', 2);
    await rotate(second);
    const approveSuccession = () => true;
    const opening = first.client.vault.open({ approveSuccession });
    await expect(opening).rejects.toMatchObject({ code: 'vault_rollback' });
    platform.vault = branch;
    await first.client.vault.open();
  });

  it.each([1, 2, 7, 20])(
    '[V2] honest: a device that was away for %i writes sees that its state is an ancestor',
    async (times) => {
      const { platform, first, second } = await twoDevices();
      await write(second, 'second', times);
      await first.client.vault.open();
      expect(namesOf(first)).toHaveLength(times);
      await rotate(second);
      await write(second, 'more', times);
      await first.client.vault.open({ approveSuccession: () => true });
      expect(namesOf(first)).toHaveLength(times * 2);
      expect(manifestOf(platform.vault as StoredVault).counter).toBe(3 + 2 * times);
    },
  );
});
