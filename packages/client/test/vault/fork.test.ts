import { ancestryPlaces } from '@pzk-auth/protocol';
import { describe, expect, it } from 'vitest';
import { createClientOf, user } from '../fake-issuer.js';
import {
  createDevice,
  createFakePlatform,
  enrolledDevice,
  type FakePlatform,
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

describe('two pages of one device', () => {
  /** The vault after so many writes from a common state, of a browser that remembers nothing. */
  async function branchOf(
    platform: FakePlatform,
    common: StoredVault,
    device: Device,
    times: number,
  ) {
    platform.vault = { ...common, slots: new Map(common.slots), nodes: new Map(common.nodes) };
    const { authenticator } = device;
    const client = createClientOf(platform, { authenticator });
    await client.start();
    await write({ ...device, client }, 'of a branch', times);
    return platform.vault;
  }

  /** Opens the vault in another page, and there the answer arrives later. */
  async function openLate(platform: FakePlatform, device: Device) {
    const page = device.reload();
    await page.start();
    let arrive: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const asked = new Promise<void>((resolve) => {
      platform.respond('/pzk/vault/open', async () => {
        platform.respond('/pzk/vault/open', () => undefined);
        resolve();
        await held;
        return undefined;
      });
    });
    const opening = page.vault.open();
    opening.catch(() => undefined);
    await asked;
    return { opening, arrive };
  }

  it.each([
    ['as long as', 2, 2, 'vault_rollback'],
    ['longer than', 2, 4, 'vault_conflict'],
    ['shorter than', 4, 2, 'vault_conflict'],
  ] as const)(
    '[V2] are not shown two branches at once, the later %s the first, which stays what they know',
    async (_, one, two, code) => {
      const { platform, first, second } = await twoDevices();
      const common = platform.snapshot();
      const shown = await branchOf(platform, common, second, one);
      const other = await branchOf(platform, common, second, two);
      platform.vault = common;
      const { opening, arrive } = await openLate(platform, first);
      platform.vault = shown;
      await first.client.vault.open();
      platform.vault = other;
      arrive();
      await expect(opening).rejects.toMatchObject({ code });
      // Neither page forgot what the first one was shown.
      await expect(first.client.vault.open()).rejects.toMatchObject({ code: 'vault_rollback' });
      platform.vault = shown;
      await first.client.vault.open();
      expect(namesOf(first)).toHaveLength(one);
    },
  );

  it('[V2] notice another branch also when a write is answered', async () => {
    const { platform, first, second } = await twoDevices();
    const common = platform.snapshot();
    const shown = await branchOf(platform, common, second, 1);
    platform.vault = common;
    const page = first.reload();
    await page.start();
    const vault = await page.vault.open();
    platform.respond('/pzk/vault', async () => {
      platform.respond('/pzk/vault', () => undefined);
      const now = platform.vault;
      platform.vault = shown;
      await first.client.vault.open();
      platform.vault = now;
      return undefined;
    });
    const adding = vault.addSecret({ name: 'mine', value: 'x' });
    await expect(adding).rejects.toMatchObject({ code: 'vault_rollback' });
    expect(page.vault.getSnapshot().status).toBe('locked');
    platform.vault = shown;
    await first.client.vault.open();
  });

  it('[V2] honest: open one state at the same time, and the newer one is remembered', async () => {
    const { platform, first, second } = await twoDevices();
    await write(second, 'second', 3);
    const { opening, arrive } = await openLate(platform, first);
    await first.client.vault.open();
    arrive();
    const vault = await opening;
    await vault.addSecret({ name: 'mine', value: 'x' });
    // The first page has an older one open: it finds out before it writes.
    const { current } = first.client.vault;
    const late = current.addSecret({ name: 'mine too', value: 'x' });
    await expect(late).rejects.toMatchObject({ code: 'vault_conflict' });
    await first.client.vault.open();
    await current.addSecret({ name: 'mine too', value: 'x' });
    expect(namesOf(first)).toHaveLength(5);
  });
});
