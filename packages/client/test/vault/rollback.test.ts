import { describe, expect, it } from 'vitest';
import { createMemoryStorage, type RollbackReview } from '../../src/index.js';
import { apiKey, createClientOf, createIdleProver, user } from '../fake-issuer.js';
import {
  createDevice,
  createFakePlatform,
  enrolledDevice,
  type FakePlatform,
  manifestOf,
  type StoredVault,
  type TestDevice,
  text,
} from './fake-platform.js';

const refused = { code: 'vault_rollback', hint: expect.stringContaining('backup') };

/** Notes what the user is asked, and answers. */
function asked(answer = true) {
  const reviews: RollbackReview[] = [];
  const approveRollback = (review: RollbackReview) => {
    reviews.push(review);
    return answer;
  };
  return { reviews, approveRollback };
}

async function join(platform: FakePlatform, by: TestDevice) {
  const invitation = await by.client.vault.invitations.create();
  const joined = createDevice(platform);
  await joined.client.vault.invitations.accept({ code: invitation.fragment, user });
  await invitation.poll();
  await invitation.admit();
  await joined.client.start();
  return joined;
}

/** A vault that has lost its last two writes, and a page of the browser that made them. */
async function restored() {
  const platform = createFakePlatform();
  const device = await enrolledDevice(platform);
  const vault = await device.client.vault.open();
  const recovery = device.client.vault.recovery.create();
  await recovery.confirm(recovery.code);
  const kept = await vault.addSecret({ name: 'kept', value: 'kept' });
  const backup = platform.snapshot();
  await vault.addSecret({ name: 'lost', value: 'lost' });
  await vault.addSecret({ name: 'lost, too', value: 'lost' });
  const newest = platform.snapshot();
  platform.vault = backup;
  vault.lock();
  const page = device.reload();
  return { platform, device, page, kept, newest, code: recovery.code };
}

const namesOf = ({ slots }: { readonly slots: readonly { readonly name: string }[] }) =>
  slots.map(({ name }) => name).filter(Boolean);

describe('a vault that comes from a backup', () => {
  it('[V2] is refused without a yes, and nothing is forgotten', async () => {
    const { platform, page, newest, code } = await restored();
    const { reviews, approveRollback } = asked(false);
    for (const approvals of [{}, { approveRollback }]) {
      await expect(page.start(approvals)).rejects.toMatchObject(refused);
      await expect(page.start({ ...approvals, apiKey })).rejects.toMatchObject(refused);
      await expect(page.vault.open(approvals)).rejects.toMatchObject(refused);
      const recovering = page.vault.recovery.use({ ...approvals, code, user });
      await expect(recovering).rejects.toMatchObject(refused);
    }
    expect(reviews).toHaveLength(4);
    platform.vault = newest;
    const vault = await page.vault.open();
    expect(vault.contents.basis).toBe('memory');
    expect(namesOf(vault.contents)).toEqual(['kept', 'lost', 'lost, too']);
  });

  it('[V2] honest: is gone on with where the user says yes, resting on the pin', async () => {
    const { platform, page, kept } = await restored();
    const { counter } = manifestOf(platform.vault as StoredVault);
    const { reviews, approveRollback } = asked();
    const vault = await page.vault.open({ approveRollback });
    expect(reviews).toEqual([
      {
        vaultId: vault.contents.vaultId,
        rememberedCounter: counter + 2,
        shownCounter: counter,
        missing: 2,
        signer: 'remembered',
        recipients: manifestOf(platform.vault as StoredVault).recipients,
        vaultWords: vault.contents.vaultWords,
        changes: 'none',
      },
    ]);
    expect(vault.contents.basis).toBe('pin');
    expect(text(await vault.readSecret(kept))).toBe('kept');
    // It is what is remembered now: nobody is asked again, and it is written to.
    await page.start();
    await vault.addSecret({ name: 'new', value: 'x' });
    await page.vault.open();
    expect(vault.contents.basis).toBe('pin');
    expect(namesOf(vault.contents)).toEqual(['kept', 'new']);
    await vault.confirmCompared();
    await page.vault.open();
    expect(vault.contents.basis).toBe('memory');
  });

  it('[V2] honest: lets a session start, with one question', async () => {
    const { page } = await restored();
    const { reviews, approveRollback } = asked();
    await page.start({ approveRollback });
    const vault = await page.vault.open();
    expect(reviews).toHaveLength(1);
    expect(vault.contents.basis).toBe('pin');
    expect(page.getSnapshot().status).toBe('active');
  });

  it('[V2] honest: is recovered by its code in a browser that knew a newer one', async () => {
    const { page, code } = await restored();
    const { reviews, approveRollback } = asked();
    await page.vault.recovery.use({ code, user, approveRollback });
    expect(reviews).toMatchObject([{ missing: 2, signer: 'remembered' }]);
    await page.start();
    const vault = await page.vault.open();
    expect(vault.contents.basis).toBe('pin');
    expect(namesOf(vault.contents)).toEqual(['kept']);
  });

  it('[V2] honest: opens also where the device had moved to another PRF generation since', async () => {
    const platform = createFakePlatform();
    const device = await enrolledDevice(platform);
    const vault = await device.client.vault.open();
    const backup = platform.snapshot();
    await vault.rotateGeneration();
    platform.vault = backup;
    const { reviews, approveRollback } = asked();
    await device.client.vault.open({ approveRollback });
    expect(reviews).toMatchObject([{ missing: 1, signer: 'remembered' }]);
    await vault.rotateGeneration();
    const page = device.reload();
    await page.start();
    await page.vault.open();
  });

  it('[V2] takes no yes for the newer state that comes back beside what was written since', async () => {
    const { platform, page, newest } = await restored();
    const vault = await page.vault.open({ approveRollback: () => true });
    await page.start();
    await vault.addSecret({ name: 'new', value: 'x' });
    platform.vault = newest;
    await expect(page.vault.open()).rejects.toMatchObject(refused);
    const { reviews, approveRollback } = asked();
    await page.vault.open({ approveRollback });
    // Where the two parted nothing tells.
    expect(reviews).toMatchObject([{ missing: 1, signer: 'remembered' }]);
  });

  it('[V7] says where a change of keys is undone: who was taken out is in again', async () => {
    const platform = createFakePlatform();
    const first = await enrolledDevice(platform);
    const vault = await first.client.vault.open();
    const second = await join(platform, first);
    await first.client.vault.open();
    const backup = platform.snapshot();
    const [credential] = second.authenticator.credentials();
    const gone = vault.contents.members.find(({ credentialId }) => credentialId === credential?.id);
    const { code, confirm } = await vault.removeDevice(gone?.id ?? '');
    await confirm(code);
    platform.vault = backup;
    await expect(first.client.vault.open()).rejects.toMatchObject(refused);
    const { reviews, approveRollback } = asked();
    await first.client.vault.open({ approveRollback });
    expect(reviews).toMatchObject([
      {
        signer: 'earlier',
        missing: 1,
        changes: { membersAdded: [{ id: gone?.id }], membersRemoved: [{ kind: 'recovery' }] },
      },
    ]);
    expect(vault.contents.basis).toBe('pin');
  });

  it('[V2] asks about both where another device has changed the keys since', async () => {
    const platform = createFakePlatform();
    const first = await enrolledDevice(platform);
    const vault = await first.client.vault.open();
    const second = await join(platform, first);
    await first.client.vault.open();
    const backup = platform.snapshot();
    await vault.addSecret({ name: 'lost', value: 'x' });
    platform.vault = backup;
    const { code, confirm } = await (await second.client.vault.open()).rotateVault();
    await confirm(code);
    const { reviews, approveRollback } = asked();
    const opening = first.client.vault.open({ approveRollback });
    await expect(opening).rejects.toMatchObject({ code: 'vault_repin_required' });
    const approveSuccession = () => true;
    await expect(first.client.vault.open({ approveSuccession })).rejects.toMatchObject(refused);
    await first.client.vault.open({ approveRollback, approveSuccession });
    expect(reviews).toMatchObject([{ signer: 'later' }, { signer: 'later' }]);
    await first.client.vault.open();
    expect(vault.contents.basis).toBe('pin');
  });

  it('[V3] is not what another vault is: nobody is asked', async () => {
    const { platform, page } = await restored();
    const other = createFakePlatform();
    const { authenticator } = createDevice(other);
    await createClientOf(other, { authenticator }).enroll({ apiKey, user });
    const { reviews, approveRollback } = asked();
    const honest = platform.entryOf.bind(platform);
    const foreign = other.entryOf(authenticator.credentials()[0]?.id ?? '');
    platform.entryOf = (id) => (id === 'recovery' ? honest(id) : foreign);
    const replaced = { code: 'vault_rollback', hint: expect.stringContaining('replaced') };
    await expect(page.vault.open({ approveRollback })).rejects.toMatchObject(replaced);
    // Nor by the name of the own one.
    const { vaultId } = platform.vault as StoredVault;
    platform.entryOf = () => foreign && { ...foreign, vault_id: vaultId };
    const renamed = page.vault.open({ approveRollback });
    await expect(renamed).rejects.toMatchObject({ code: 'vault_manifest_invalid' });
    expect(reviews).toEqual([]);
  });

  it('[V2] binds no page to a state that its user was not asked about', async () => {
    const { platform, device, page, newest } = await restored();
    const opening = page.vault.open({
      approveRollback: async () => {
        // Meanwhile another page is shown the newer one, and goes on.
        const backup = platform.vault;
        platform.vault = newest;
        const vault = await device.client.vault.open();
        await vault.addSecret({ name: 'more', value: 'x' });
        platform.vault = backup;
        return true;
      },
    });
    await expect(opening).rejects.toMatchObject({ code: 'vault_conflict' });
    await expect(page.vault.open()).rejects.toMatchObject(refused);
  });
});

describe('two passkeys of one vault in one browser', () => {
  async function twoPasskeys() {
    const platform = createFakePlatform();
    const first = await enrolledDevice(platform);
    const vault = await first.client.vault.open();
    const second = await join(platform, first);
    await first.client.vault.open();
    // As a synced one.
    const { storage } = first;
    const { authenticator } = second;
    const other = createClientOf(platform, { authenticator, storage, prover: createIdleProver() });
    return { platform, vault, other };
  }

  it('[V2] share what is remembered: the one is not shown an older state than the other', async () => {
    const { platform, vault, other } = await twoPasskeys();
    const before = platform.snapshot();
    await vault.addSecret({ name: 'more', value: 'x' });
    platform.vault = before;
    const opening = other.vault.open({ anyPasskey: true });
    await expect(opening).rejects.toMatchObject(refused);
  });

  it('[V2] honest: the other one opens what the first has remembered, and a later state', async () => {
    const { vault, other } = await twoPasskeys();
    const opened = await other.vault.open({ anyPasskey: true });
    expect(opened.contents.basis).toBe('memory');
    for (const name of ['a', 'b', 'c']) await vault.addSecret({ name, value: 'x' });
    opened.lock();
    await other.vault.open({ anyPasskey: true });
    expect(namesOf(opened.contents)).toEqual(['a', 'b', 'c']);
  });

  it('[V2] honest: are told from a passkey of another account that was used in between', async () => {
    const platform = createFakePlatform();
    const first = await enrolledDevice(platform);
    const vault = await first.client.vault.open();
    const second = await join(platform, first);
    await first.client.vault.open();
    // Another account in the same browser.
    const elsewhere = createFakePlatform();
    const { storage } = first;
    await createClientOf(elsewhere, { storage }).enroll({ apiKey, user });
    for (const name of ['a', 'b', 'c']) await vault.addSecret({ name, value: 'x' });
    await first.client.vault.open();
    await createClientOf(elsewhere, { storage }).enroll({ apiKey, user });
    for (const name of ['d', 'e', 'f']) {
      await (await second.client.vault.open()).addSecret({ name, value: 'x' });
    }
    const { authenticator } = second;
    const other = createClientOf(platform, { authenticator, storage, prover: createIdleProver() });
    // What leads from the remembered state to this one was not asked for.
    const opening = other.vault.open({ anyPasskey: true });
    await expect(opening).rejects.toMatchObject({ code: 'vault_conflict' });
    const opened = await other.vault.open({ anyPasskey: true });
    expect(opened.contents.basis).toBe('memory');
    expect(namesOf(opened.contents)).toHaveLength(6);
  });
});

describe('what the user has compared', () => {
  it('is noted only where it is what this browser remembers', async () => {
    const platform = createFakePlatform();
    const { authenticator } = await enrolledDevice(platform);
    const storage = createMemoryStorage();
    const open = () => createClientOf(platform, { authenticator, storage });
    const [first, second] = [open(), open()];
    await first.start();
    const vault = await first.vault.open();
    await second.start();
    const theirs = await second.vault.open();
    await theirs.addSecret({ name: 'more', value: 'x' });
    await expect(vault.confirmCompared()).rejects.toMatchObject({ code: 'vault_conflict' });
    expect(vault.contents.basis).toBe('pin');
    await first.vault.open();
    await vault.confirmCompared();
    expect(vault.contents.basis).toBe('memory');
    const third = open();
    await third.start();
    expect((await third.vault.open()).contents.basis).toBe('memory');
  });
});
