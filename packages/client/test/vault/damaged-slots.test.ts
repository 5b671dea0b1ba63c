import { encodeBase64url, type VaultEntry } from '@pzk-auth/protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openVaultExport, type ReplacedSlot, type TouchOptions } from '../../src/index.js';
import { apiKey, problem, user, vaultAnswer } from '../fake-issuer.js';
import {
  createDevice,
  createFakePlatform,
  enrolledDevice,
  type FakePlatform,
  type StoredVault,
  text,
} from './fake-platform.js';

afterEach(() => {
  vi.restoreAllMocks();
});

/** What a device writes that encrypts wrongly: signed and listed like any other slot. */
async function writtenWrongly<T>(write: () => Promise<T>): Promise<T> {
  const encrypt = crypto.subtle.encrypt.bind(crypto.subtle);
  const spy = vi.spyOn(crypto.subtle, 'encrypt').mockImplementation(async (...parameters) => {
    const ciphertext = new Uint8Array(await encrypt(...parameters));
    ciphertext[0] = (ciphertext[0] ?? 0) ^ 1;
    return ciphertext.buffer;
  });
  try {
    return await write();
  } finally {
    spy.mockRestore();
  }
}

async function opened() {
  const platform = createFakePlatform();
  const device = await enrolledDevice(platform);
  const vault = await device.client.vault.open();
  const good = await vault.addSecret({ name: 'mail', value: 'mail-password' });
  return { platform, device, vault, good };
}

async function withUnreadable() {
  const all = await opened();
  const bad = await writtenWrongly(() =>
    all.vault.addSecret({ name: 'broken', value: 'never again' }),
  );
  return { ...all, bad };
}

/** The server keeps other bytes of a slot. */
function replace(platform: FakePlatform, slotId: string): void {
  const { slots } = platform.vault as StoredVault;
  slots.set(slotId, encodeBase64url(new Uint8Array(64).fill(3)));
}

async function admitted(
  platform: FakePlatform,
  device: ReturnType<typeof createDevice>,
  options?: TouchOptions,
) {
  const invitation = await device.client.vault.invitations.create();
  const second = createDevice(platform);
  await second.client.vault.invitations.accept({ code: invitation.fragment, user });
  await invitation.poll();
  await invitation.admit(options);
  return second;
}

describe('a slot that does not open', () => {
  it('is shown as damaged, and all others are used and changed as before', async () => {
    const { device, good, bad } = await withUnreadable();
    const again = device.reload();
    await again.start();
    const vault = await again.vault.open();
    expect(vault.contents.slots).toContainEqual({
      id: bad,
      kind: 'secret',
      name: '',
      provider: '',
      version: 1,
      damaged: 'unreadable',
    });
    expect(vault.contents.slots.find(({ id }) => id === good)).not.toHaveProperty('damaged');
    expect(text(await vault.readSecret(good))).toBe('mail-password');
    await vault.updateSecret(good, { value: 'another' });
    expect(text(await vault.readSecret(good))).toBe('another');
    for (const use of [
      () => vault.readSecret(bad),
      () => vault.renameSecret(bad, { name: 'x' }),
      () => vault.updateSecret(bad, { value: 'x' }),
    ]) {
      await expect(use()).rejects.toMatchObject({ code: 'vault_slot_damaged' });
    }
  });

  it('can be deleted', async () => {
    const { platform, vault, bad } = await withUnreadable();
    await vault.deleteSecret(bad);
    expect(vault.contents.slots.some(({ damaged }) => damaged !== undefined)).toBe(false);
    expect(platform.vault?.slots.has(bad)).toBe(false);
  });

  it('does not keep a device in the vault, and is named where it is left out', async () => {
    const { platform, device, vault, good, bad } = await withUnreadable();
    await admitted(platform, device);
    const other = vault.contents.members.find(({ own }) => !own);
    const { code, leavesOut, confirm } = await vault.removeDevice(other?.id ?? '');
    expect(await leavesOut()).toMatchObject([{ id: bad, kind: 'secret', damaged: 'unreadable' }]);
    const slots = await confirm(code);
    expect(slots.map(({ id, leftOut }) => [id, leftOut]).slice(1)).toEqual([
      [good, undefined],
      [bad, true],
    ]);
    expect(vault.contents.slots.map(({ id }) => id)).not.toContain(bad);
    expect(vault.contents.members.map(({ kind }) => kind)).toEqual(['passkey', 'recovery']);
    expect(text(await vault.readSecret(good))).toBe('mail-password');
  });

  it('is named where another recovery code changes the keys', async () => {
    const { device, good, bad } = await withUnreadable();
    const first = device.client.vault.recovery.create();
    // The keys stay as they are.
    expect(await first.leavesOut()).toEqual([]);
    expect(await first.confirm(first.code)).toEqual([]);
    const second = device.client.vault.recovery.create();
    expect(await second.leavesOut()).toMatchObject([{ id: bad, damaged: 'unreadable' }]);
    expect(await second.confirm(second.code)).toMatchObject([{ id: bad, damaged: 'unreadable' }]);
    const { contents } = device.client.vault.current;
    expect(contents.slots.map(({ id }) => id)).toContain(good);
    expect(contents.slots.map(({ id }) => id)).not.toContain(bad);
  });

  it('stands in an export as it is', async () => {
    const { device, good, bad } = await withUnreadable();
    const made = device.client.vault.recovery.create();
    await made.confirm(made.code);
    const document = await device.client.vault.export({ code: made.code });
    const opening = await openVaultExport({ document, recoveryCode: made.code });
    expect(opening.slots.find(({ id }) => id === bad)).toMatchObject({ damaged: 'unreadable' });
    expect(text(await opening.readSlot(good))).toBe('mail-password');
  });

  it('of the API key lets a session start with the key typed in, and is mended', async () => {
    const { device, vault } = await opened();
    const [own] = vault.contents.slots;
    await writtenWrongly(() => vault.updateSecret(own?.id ?? '', { value: apiKey }));
    const again = device.reload();
    await expect(again.start()).rejects.toMatchObject({ code: 'vault_slot_damaged' });
    await again.start({ apiKey });
    const theirs = await again.vault.open();
    expect(theirs.contents.slots[0]).toMatchObject({ damaged: 'unreadable', version: 2 });
    await theirs.updateSecret(own?.id ?? '', { value: apiKey });
    expect(theirs.contents.slots[0]).not.toHaveProperty('damaged');
    await device.reload().start();
  });
});

describe('the API key of a vault', () => {
  it('is stored anew where a change of keys has left its slot out', async () => {
    const { device, vault, good } = await opened();
    const [own] = vault.contents.slots;
    await writtenWrongly(() => vault.updateSecret(own?.id ?? '', { value: apiKey }));
    const rotation = await vault.rotateVault();
    const slots = await rotation.confirm(rotation.code);
    expect(slots.filter(({ leftOut }) => leftOut).map(({ id }) => id)).toEqual([own?.id]);
    const again = device.reload();
    await expect(again.start()).rejects.toMatchObject({ code: 'vault_missing' });
    // Another page's session does for the one that has the vault open.
    const theirs = vault;
    await expect(theirs.storeApiKey('')).rejects.toMatchObject({ code: 'api_key_malformed' });
    await theirs.storeApiKey(apiKey);
    expect(theirs.contents.slots.map(({ kind }) => kind)).toEqual(['secret', 'api-key']);
    expect(text(await theirs.readSecret(good))).toBe('mail-password');
    await device.reload().start();
    // Where there is a slot it takes the next version.
    await theirs.storeApiKey(new TextEncoder().encode(apiKey));
    expect(theirs.contents.slots.at(-1)).toMatchObject({ kind: 'api-key', version: 2 });
  });
});

describe('a slot whose bytes the server has replaced', () => {
  it('[V5] refuses the vault, its export and a session, where the user does not say yes', async () => {
    const { platform, device, vault, good } = await opened();
    const made = device.client.vault.recovery.create();
    await made.confirm(made.code);
    const document = await device.client.vault.export({ code: made.code });
    replace(platform, good);
    await expect(device.client.vault.export({ code: made.code })).rejects.toMatchObject({
      code: 'vault_slot_invalid',
    });
    vault.lock();
    const { client } = device;
    const no = { approveReplacedSlots: () => false };
    for (const refused of [
      () => client.vault.open(),
      () => client.vault.open(no),
      () => client.start(),
      () => client.start({ apiKey }),
      () => createDevice(platform).client.vault.recovery.use({ code: made.code, user }),
      () =>
        openVaultExport({
          document: { ...document, entry: platform.entryOf('recovery') },
          recoveryCode: made.code,
        }),
    ]) {
      await expect(refused()).rejects.toMatchObject({ code: 'vault_slot_invalid' });
    }
  });

  it('[V5] honest: opens with the bytes that were signed, and asks nothing', async () => {
    const { platform, device, good } = await opened();
    const { slots } = platform.snapshot();
    replace(platform, good);
    (platform.vault as StoredVault).slots = slots;
    const asked = vi.fn(() => false);
    const vault = await device.client.vault.open({ approveReplacedSlots: asked });
    expect(asked).not.toHaveBeenCalled();
    expect(text(await vault.readSecret(good))).toBe('mail-password');
  });

  it("leaves the others to the user's yes, in the vault, in its export and for a fresh browser", async () => {
    const { platform, device, vault, good } = await opened();
    const kept = await vault.addSecret({ name: 'kept', value: 'still there' });
    const made = device.client.vault.recovery.create();
    await made.confirm(made.code);
    replace(platform, good);
    const shown: (readonly ReplacedSlot[])[] = [];
    const approveReplacedSlots = (slots: readonly ReplacedSlot[]) => shown.push(slots) > 0;
    await device.client.start({ approveReplacedSlots });
    await device.client.vault.open({ approveReplacedSlots });
    const expected = [{ id: good, version: 1, kind: 'secret' }];
    expect(shown).toEqual([expected, expected]);
    expect(vault.contents.slots.find(({ id }) => id === good)).toMatchObject({
      name: '',
      damaged: 'replaced',
    });
    expect(text(await vault.readSecret(kept))).toBe('still there');
    await expect(vault.readSecret(good)).rejects.toMatchObject({ code: 'vault_slot_invalid' });
    await vault.addSecret({ name: 'more', value: 'more' });

    const document = await device.client.vault.export({ code: made.code });
    const recoveryCode = made.code;
    const file = await openVaultExport({ document, recoveryCode, approveReplacedSlots });
    expect(text(await file.readSlot(kept))).toBe('still there');
    // Another one than those that the user knows of.
    replace(platform, kept);
    await expect(device.client.vault.export({ code: made.code })).rejects.toMatchObject({
      code: 'vault_slot_invalid',
    });

    const fresh = createDevice(platform);
    await fresh.client.vault.recovery.use({ code: made.code, user, approveReplacedSlots });
    await device.client.vault.open({ approveReplacedSlots });
    await vault.deleteSecret(good);
    const rotation = await vault.rotateVault();
    const slots = await rotation.confirm(rotation.code, { leaveOut: [kept] });
    expect(slots.filter(({ leftOut }) => leftOut).map(({ id }) => id)).toEqual([kept]);
    vault.lock();
    await device.client.vault.open();
  });

  it('of the API key lets a session start with the yes and the key typed in, and is mended', async () => {
    const { platform, device, vault, good } = await opened();
    const own = vault.contents.slots[0]?.id ?? '';
    replace(platform, own);
    const shown: (readonly ReplacedSlot[])[] = [];
    const approveReplacedSlots = (slots: readonly ReplacedSlot[]) => shown.push(slots) > 0;
    const again = device.reload();
    await expect(again.start({ apiKey })).rejects.toMatchObject({ code: 'vault_slot_invalid' });
    await expect(again.start({ approveReplacedSlots })).rejects.toMatchObject({
      code: 'vault_slot_damaged',
    });
    await again.start({ apiKey, approveReplacedSlots });
    expect(again.getSnapshot().status).toBe('active');
    expect(shown.at(-1)).toEqual([{ id: own, version: 1, kind: 'api-key' }]);
    const theirs = await again.vault.open({ approveReplacedSlots });
    expect(theirs.contents.slots[0]).toMatchObject({ damaged: 'replaced' });
    await theirs.updateSecret(own, { value: apiKey });
    expect(theirs.contents.slots[0]).not.toHaveProperty('damaged');
    expect(text(await theirs.readSecret(good))).toBe('mail-password');
    await device.reload().start();
  });

  it('is not asked about again where the open vault is opened anew on the way', async () => {
    const { platform, device, vault, good } = await opened();
    const kept = await vault.addSecret({ name: 'kept', value: 'still there' });
    replace(platform, good);
    const { client } = device;
    const approveReplacedSlots = vi.fn(() => true);
    await client.vault.open({ approveReplacedSlots });
    await admitted(platform, device);
    expect(vault.contents.members.map(({ own }) => own)).toEqual([true, false]);
    expect(text(await vault.readSecret(kept))).toBe('still there');
    expect(approveReplacedSlots).toHaveBeenCalledTimes(1);
    // One that the user does not know of is another matter.
    replace(platform, kept);
    await expect(admitted(platform, device)).rejects.toMatchObject({ code: 'vault_slot_invalid' });
    await admitted(platform, device, { approveReplacedSlots });
    expect(approveReplacedSlots).toHaveBeenLastCalledWith([
      expect.objectContaining({ id: good }),
      expect.objectContaining({ id: kept }),
    ]);
  });

  it('is asked about anew where it was written since, and at an opening by the user', async () => {
    const { platform, device, vault } = await opened();
    const own = vault.contents.slots[0]?.id ?? '';
    replace(platform, own);
    await device.client.vault.open({ approveReplacedSlots: () => true });
    await expect(device.client.vault.open()).rejects.toMatchObject({ code: 'vault_slot_invalid' });
    await vault.updateSecret(own, { value: apiKey });
    replace(platform, own);
    await expect(admitted(platform, device)).rejects.toMatchObject({ code: 'vault_slot_invalid' });
  });

  it.each(['a removal', 'another recovery code'])(
    "[V5] is not lost with %s before the user's yes to this slot",
    async (what) => {
      const { platform, device, vault, good } = await opened();
      const kept = await vault.addSecret({ name: 'kept', value: 'still there' });
      const first = device.client.vault.recovery.create();
      await first.confirm(first.code);
      replace(platform, good);
      await device.client.vault.open({ approveReplacedSlots: () => true });
      const change =
        what === 'a removal' ? await vault.rotateVault() : device.client.vault.recovery.create();
      const leaving = await change.leavesOut();
      expect(leaving).toMatchObject([{ id: good, damaged: 'replaced' }]);
      const { manifest } = platform.vault as StoredVault;
      for (const options of [undefined, { leaveOut: [] }, { leaveOut: [kept] }]) {
        await expect(change.confirm(change.code, options)).rejects.toMatchObject({
          code: 'vault_slot_invalid',
        });
      }
      expect(platform.vault?.manifest).toBe(manifest);
      // Nor at an opening on the way, which has the yes of the last one.
      vault.lock();
      await expect(change.leavesOut()).rejects.toMatchObject({ code: 'vault_locked' });
      await expect(change.confirm(change.code)).rejects.toMatchObject({
        code: 'vault_slot_invalid',
      });
      await change.confirm(change.code, { leaveOut: [good] });
      expect(vault.contents.slots.map(({ id }) => id).slice(1)).toEqual([kept]);
    },
  );

  it('[V5] honest: is not lost where the operator brings its bytes back before the change', async () => {
    const { platform, device, vault, good } = await opened();
    const { slots } = platform.snapshot();
    replace(platform, good);
    await device.client.vault.open({ approveReplacedSlots: () => true });
    const rotation = await vault.rotateVault();
    expect(await rotation.leavesOut()).toHaveLength(1);
    (platform.vault as StoredVault).slots = slots;
    await device.client.vault.open();
    expect(await rotation.leavesOut()).toEqual([]);
    await rotation.confirm(rotation.code);
    expect(text(await vault.readSecret(good))).toBe('mail-password');
  });

  it('of the API key that a change of keys has left out is put back by the next start with the key', async () => {
    const { platform, device, vault, good } = await opened();
    const own = vault.contents.slots[0]?.id ?? '';
    replace(platform, own);
    await device.client.vault.open({ approveReplacedSlots: () => true });
    const rotation = await vault.rotateVault();
    expect(await rotation.leavesOut()).toMatchObject([{ id: own, kind: 'api-key' }]);
    await rotation.confirm(rotation.code, { leaveOut: [own] });
    vault.lock();
    const without = platform.vault?.manifest;

    const page = device.reload();
    await expect(page.start()).rejects.toMatchObject({ code: 'vault_missing' });
    // Only a key that has proved right.
    platform.respond('/pzk/token', () => problem('invalid_grant', 400));
    await expect(page.start({ apiKey })).rejects.toMatchObject({ code: 'invalid_grant' });
    platform.respond('/pzk/token', () => undefined);
    expect(platform.vault?.manifest).toBe(without);
    // Nor does a write that fails keep anybody from a session.
    platform.respond('/pzk/vault', () => problem('store_unavailable', 503));
    await page.start({ apiKey });
    expect(page.getSnapshot().status).toBe('active');
    platform.respond('/pzk/vault', () => undefined);
    expect(platform.vault?.manifest).toBe(without);

    await device.reload().start({ apiKey });
    const again = device.reload();
    await again.start();
    const theirs = await again.vault.open();
    expect(theirs.contents.slots).toMatchObject([{ id: good }, { kind: 'api-key', version: 1 }]);
    expect(text(await theirs.readSecret(theirs.contents.slots[1]?.id ?? ''))).toBe(apiKey);
    expect(theirs.contents.basis).toBe('memory');
    await theirs.addSecret({ name: 'more', value: 'more' });
  });

  it('is not written by a start with the key where the vault lists one', async () => {
    const { platform, device } = await opened();
    const before = platform.vault?.manifest;
    await device.reload().start({ apiKey });
    expect(platform.vault?.manifest).toBe(before);
  });

  it('of the API key cannot be deleted, damaged or not', async () => {
    const { platform, device, vault } = await opened();
    const own = vault.contents.slots[0]?.id ?? '';
    const refused = { code: 'invalid_request', hint: expect.stringContaining('storeApiKey') };
    await expect(vault.deleteSecret(own)).rejects.toMatchObject(refused);
    replace(platform, own);
    await device.client.vault.open({ approveReplacedSlots: () => true });
    await expect(vault.deleteSecret(own)).rejects.toMatchObject(refused);
    expect(vault.contents.slots[0]).toMatchObject({ id: own });
    await vault.updateSecret(own, { value: apiKey });
    await device.reload().start();
  });

  it('[V2] is none that is missing, twice there or in another place: these are refused in any case', async () => {
    const { platform, device, good } = await opened();
    const second = await device.client.vault.current.addSecret({ name: 'two', value: 'two' });
    const { slots } = platform.vault as StoredVault;
    const entry = platform.entryOf(device.authenticator.credentials()[0]?.id ?? '');
    expect(entry?.slots).toHaveLength(slots.size);
    const [own, one, two] = entry?.slots ?? [];
    expect([one?.id, two?.id]).toEqual([good, second]);
    for (const changed of [
      [own, one],
      [own, two, one],
      [own, one, one],
      [own, one, two, two],
    ]) {
      platform.respond('/pzk/vault/open', () =>
        Response.json(
          vaultAnswer({ ...(entry as VaultEntry), slots: changed as VaultEntry['slots'] }),
        ),
      );
      const opening = device.reload().vault.open({ approveReplacedSlots: () => true });
      await expect(opening).rejects.toMatchObject({ code: 'vault_slot_invalid' });
    }
  });
});
