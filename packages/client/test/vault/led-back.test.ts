import { encodeBase64url, parseRecoveryCode, RECOVERY, revokeChallenge } from '@pzk-auth/protocol';
import { describe, expect, it } from 'vitest';
import { createMemoryStorage, type RollbackReview } from '../../src/index.js';
import { prepareWrite } from '../../src/vault/prepare-write.js';
import { deriveRecoveryKeys } from '../../src/vault/recovery-recipient.js';
import { sealToRecipient } from '../../src/vault/seal-recipient.js';
import { unlockVaultEntry } from '../../src/vault/unlock-vault-entry.js';
import { createClientOf, createIdleProver, user } from '../fake-issuer.js';
import { issuer } from './craft-vault.js';
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
import { unlockByCode } from './rotate-keeping-code.js';

/** A vault with a recovery code and two devices; `lost` is the one that will be taken out. */
async function setting() {
  const platform = createFakePlatform();
  const device = await enrolledDevice(platform);
  const vault = await device.client.vault.open();
  const secret = await vault.addSecret({ name: 'mail', value: 'mail-password' });
  const made = device.client.vault.recovery.create();
  await made.confirm(made.code);
  const invitation = await device.client.vault.invitations.create();
  const lost = createDevice(platform);
  await lost.client.vault.invitations.accept({ code: invitation.code, user });
  await invitation.poll();
  await invitation.admit();
  return { platform, device, vault, secret, oldCode: made.code, lost };
}

const lostMember = ({ contents }: Awaited<ReturnType<typeof setting>>['vault']) =>
  contents.members.find(({ own, kind }) => !own && kind === 'passkey')?.id ?? '';

/** The same passkey in a browser that remembers nothing, as where passkeys are synced. */
function freshBrowser(platform: FakePlatform, { authenticator }: TestDevice) {
  const storage = createMemoryStorage();
  const open = () =>
    createClientOf(platform, { authenticator, storage, prover: createIdleProver() });
  return { client: open(), reload: open };
}

/**
 * What a removed device and the server make together: the vault of before, signed on with its old
 * identity key, with a recipient whom they know from the manifest of now.
 */
async function forkFor(before: StoredVault, oldCode: string, now: StoredVault) {
  const platform = createFakePlatform();
  platform.vault = before;
  const entry = platform.entryOf(RECOVERY);
  if (entry === undefined) throw new Error('no code before');
  const keys = await deriveRecoveryKeys(parseRecoveryCode(oldCode), issuer);
  const { vault } = await unlockVaultEntry({
    issuer,
    entry,
    credentialId: RECOVERY,
    secretFor: async () => keys.secret,
  });
  const victim = manifestOf(now).recipients.find((one) => one.credential_id === RECOVERY);
  if (victim === undefined) throw new Error('no code now');
  const { vault_id: vaultId, counter } = vault.manifest;
  const place = { issuer, vaultId, counter: counter + 1 };
  const { recipient, sealed } = await sealToRecipient(place, victim, vault.secrets);
  const staying = vault.manifest.recipients.filter((one) => one.credential_id !== RECOVERY);
  // As a hostile hand writes it: the writer need not stay.
  const writer = { ...vault, recipient: staying[0] ?? recipient };
  const { write } = await prepareWrite(writer, {
    manifest: { recipients: [...staying, recipient] },
  });
  const pin = now.recipients.get(victim.id)?.pin ?? '';
  before.manifest = write.manifest;
  before.signature = write.manifest_signature;
  before.recipients.set(victim.id, { credentialId: RECOVERY, sealed, pin });
  return before;
}

const laterKey = 'wd_of_after_the_removal_01';

/** Writes the vault without the slot of the API key, as whoever holds its keys can. */
async function leaveKeyOut(platform: FakePlatform, code: string): Promise<void> {
  const vault = await unlockByCode(platform, code);
  const { recipients, slots: all } = vault.manifest;
  const recipient = recipients.find((one) => one.credential_id !== RECOVERY);
  if (recipient === undefined) throw new Error('no passkey');
  const slots = all.filter(({ kind }) => kind !== 'api-key');
  platform.apply((await prepareWrite({ ...vault, recipient }, { manifest: { slots } })).write);
}

describe('taking a device out', () => {
  it('[V7] is not done before its new recovery code was typed in', async () => {
    const { platform, vault } = await setting();
    const member = lostMember(vault);
    const before = (platform.vault as StoredVault).manifest;
    const removal = await vault.removeDevice(member);
    // Out of its session at once; out of the vault with the code.
    expect(platform.revoked).toEqual([member]);
    expect((platform.vault as StoredVault).manifest).toBe(before);
    for (const typed of [
      '',
      'ABCD',
      removal.code.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
    ]) {
      await expect(removal.confirm(typed)).rejects.toMatchObject({
        code: 'recovery_code_malformed',
      });
    }
    const other = await vault.removeDevice(member);
    await expect(removal.confirm(other.code)).rejects.toMatchObject({
      code: 'recovery_code_malformed',
    });
    expect((platform.vault as StoredVault).manifest).toBe(before);
    const exposed = await removal.confirm(removal.code);
    expect(exposed.map(({ name }) => name)).toContain('mail');
    expect(vault.contents.members.map(({ id }) => id)).not.toContain(member);
    const wire = platform.sent.map(({ body }) => body).join('\n');
    expect(wire).not.toContain(removal.code);
  });

  it('[W4] ends the device with a touch that stands for it alone', async () => {
    const { platform, device, vault } = await setting();
    const prompts: string[] = [];
    device.authenticator.configure({ onUserPrompt: (ceremony) => void prompts.push(ceremony) });
    const member = lostMember(vault);
    await vault.removeDevice(member);
    expect(prompts).toEqual(['get']);
    const sent = platform.sent.findLast(({ path }) => path === '/pzk/devices/revoke');
    const body = JSON.parse(sent?.body ?? '{}');
    const clientData = JSON.parse(
      Buffer.from(body.credential.response.clientDataJSON, 'base64url').toString(),
    );
    const own = { issuer, device: body.device, nonce: body.nonce };
    expect(clientData.challenge).toBe(encodeBase64url(revokeChallenge(own)));
    expect(JSON.stringify(body)).not.toContain('results');
    // One that is out of its session already takes no touch.
    await device.client.vault.open();
    prompts.splice(0);
    await vault.removeDevice(member);
    expect(prompts).toEqual([]);
  });

  it('[W4] ends no device where its user does not touch', async () => {
    const { platform, device, vault } = await setting();
    device.authenticator.configure({
      onUserPrompt: () => {
        throw new DOMException('', 'NotAllowedError');
      },
    });
    await expect(vault.removeDevice(lostMember(vault))).rejects.toMatchObject({
      code: 'passkey_cancelled',
    });
    expect(platform.paths()).not.toContain('/pzk/devices/revoke');
    expect(platform.revoked).toEqual([]);
  });

  it('[V7] leaves a code that nobody leads back to the old keys', async () => {
    const { platform, vault, oldCode } = await setting();
    const before = platform.snapshot();
    const removal = await vault.removeDevice(lostMember(vault));
    await removal.confirm(removal.code);
    const now = platform.snapshot();
    // The code of before is led back: its pin covers the old key, which is why it is replaced.
    platform.vault = before;
    await createDevice(platform).client.vault.recovery.use({ code: oldCode, user });
    platform.vault = await forkFor(before, oldCode, now);
    const victim = createDevice(platform);
    await expect(
      victim.client.vault.recovery.use({ code: removal.code, user, approveSuccession: () => true }),
    ).rejects.toMatchObject({ code: 'vault_pin_mismatch' });
    expect(victim.authenticator.credentials()).toEqual([]);
  });

  it('[V7] honest: the new code opens the vault, and the old one opens it no more', async () => {
    const { platform, vault, secret, oldCode } = await setting();
    const removal = await vault.removeDevice(lostMember(vault));
    await removal.confirm(removal.code);
    const owner = createDevice(platform);
    await owner.client.vault.recovery.use({ code: removal.code, user });
    const opened = await owner.client.vault.open();
    expect(text(await opened.readSecret(secret))).toBe('mail-password');
    const finder = createDevice(platform);
    await expect(
      finder.client.vault.recovery.use({ code: oldCode, user, approveSuccession: () => true }),
    ).rejects.toMatchObject({ code: 'vault_pin_mismatch' });
  });

  it.each(['admitted', 'only begun'] as const)(
    '[V7] is undone by no invitation of who was taken out: %s',
    async (end) => {
      const { platform, device, vault, lost } = await setting();
      await lost.client.start();
      const theirs = await lost.client.vault.open();
      const before = platform.snapshot();
      const removal = await vault.removeDevice(lostMember(vault));
      await removal.confirm(removal.code);
      // It signs on with the server, far enough to be newer, and invites the browser that took it out.
      platform.vault = before;
      for (const name of ['a', 'b', 'c', 'd']) await theirs.addSecret({ name, value: 'x' });
      const invitation = await lost.client.vault.invitations.create();
      const { storage } = device;
      const authenticator = createDevice(platform).authenticator;
      const joining = createClientOf(platform, { authenticator, storage });
      await joining.vault.invitations.accept({ code: invitation.code, user });
      if (end === 'admitted') {
        await invitation.poll();
        await invitation.admit();
      }
      const page = end === 'admitted' ? joining : device.reload();
      const refused = { code: 'vault_rollback' };
      await expect(page.start({ anyPasskey: true })).rejects.toMatchObject(refused);
      const asked: string[] = [];
      const approveRollback = ({ signer }: RollbackReview) => asked.push(signer) === 0;
      const opening = page.vault.open({ anyPasskey: true, approveRollback });
      await expect(opening).rejects.toMatchObject(refused);
      expect(asked).toEqual(['earlier']);
    },
  );

  it('[V7] honest: invites the device again, which goes on once it was compared', async () => {
    const { device, vault, secret, lost } = await setting();
    await lost.client.start();
    await lost.client.vault.open();
    const removal = await vault.removeDevice(lostMember(vault));
    await removal.confirm(removal.code);
    const again = await device.client.vault.invitations.create();
    await lost.client.vault.invitations.accept({ code: again.code, user });
    await again.poll();
    await again.admit();
    await lost.client.start();
    const theirs = await lost.client.vault.open();
    // It has missed a change of keys, and nobody has said there whose it was.
    expect(theirs.contents.basis).toBe('pin');
    expect(theirs.contents.vaultWords).toEqual(vault.contents.vaultWords);
    await theirs.confirmCompared();
    await lost.client.vault.invitations.create();
    const later = lost.reload();
    await later.start();
    const opened = await later.vault.open();
    expect(opened.contents.basis).toBe('memory');
    expect(text(await opened.readSecret(secret))).toBe('mail-password');
  });

  it('[V2] honest: a browser that knows the vault takes a newer state of the same keys from an invitation', async () => {
    const { platform, device, vault, lost } = await setting();
    await lost.client.start();
    await lost.client.vault.open();
    const known = platform.snapshot();
    await vault.addSecret({ name: 'more', value: 'more' });
    const again = await device.client.vault.invitations.create();
    const { storage } = lost;
    const authenticator = createDevice(platform).authenticator;
    const joining = createClientOf(platform, { authenticator, storage });
    await joining.vault.invitations.accept({ code: again.code, user });
    await again.poll();
    const waiting = platform.vault;
    platform.vault = known;
    const before = lost.reload();
    await expect(before.start({ anyPasskey: true })).rejects.toMatchObject({
      code: 'vault_rollback',
    });
    platform.vault = waiting;
    await again.admit();
    await joining.start();
    expect((await joining.vault.open()).contents.basis).toBe('memory');
  });

  it('makes a code where there was none', async () => {
    const platform = createFakePlatform();
    const device = await enrolledDevice(platform);
    const vault = await device.client.vault.open();
    const rotation = await vault.rotateVault();
    await rotation.confirm(rotation.code);
    expect(vault.contents.members.map(({ kind }) => kind)).toEqual(['passkey', 'recovery']);
  });
});

describe('an opening without memory', () => {
  it('[V7] is shown as such, with other words than the vault has now', async () => {
    const { platform, device, vault } = await setting();
    const before = platform.snapshot();
    const removal = await vault.removeDevice(lostMember(vault));
    await removal.confirm(removal.code);
    // A device that knows its vault is not led back.
    platform.vault = before;
    await expect(device.client.vault.open()).rejects.toMatchObject({ code: 'vault_rollback' });
    const fresh = freshBrowser(platform, device);
    await fresh.client.start();
    const led = await fresh.client.vault.open();
    expect(led.contents.basis).toBe('pin');
    expect(led.contents.members).toContainEqual(
      expect.objectContaining({ kind: 'passkey', own: false }),
    );
    expect(led.contents.vaultWords).toHaveLength(8);
    expect(led.contents.vaultWords).not.toEqual(vault.contents.vaultWords);
  });

  it('[V2] shows other words for an earlier state of the same key and members', async () => {
    const { platform, device, vault, secret } = await setting();
    const before = platform.snapshot();
    await vault.updateSecret(secret, { value: 'rotated' });
    platform.vault = before;
    const { client } = freshBrowser(platform, device);
    await client.start();
    const led = await client.vault.open();
    expect(text(await led.readSecret(secret))).toBe('mail-password');
    const shown = ({ members }: typeof led.contents) => members.map(({ id }) => id);
    expect(shown(led.contents)).toEqual(shown(vault.contents));
    expect(led.contents.vaultWords).not.toEqual(vault.contents.vaultWords);
  });

  it('[V2] honest: shows the same words as a device that is opened anew', async () => {
    const { platform, device, vault, secret } = await setting();
    const { client } = freshBrowser(platform, device);
    await client.start();
    const fresh = await client.vault.open();
    expect(fresh.contents.vaultWords).toEqual(vault.contents.vaultWords);
    await fresh.updateSecret(secret, { value: 'rotated' });
    expect(fresh.contents.vaultWords).not.toEqual(vault.contents.vaultWords);
    await device.client.vault.open();
    expect(fresh.contents.vaultWords).toEqual(vault.contents.vaultWords);
  });

  it('[V7] honest: is compared once with another device, and remembered from then on', async () => {
    const { platform, device, vault, secret } = await setting();
    const removal = await vault.removeDevice(lostMember(vault));
    await removal.confirm(removal.code);
    expect(vault.contents.basis).toBe('memory');
    const fresh = freshBrowser(platform, device);
    // The session opens the vault, too: what it remembers vouches for nothing.
    await fresh.client.start();
    const same = await fresh.client.vault.open();
    await same.addSecret({ name: 'another', value: 'secret' });
    const reloaded = fresh.reload();
    await reloaded.start();
    const again = await reloaded.vault.open();
    expect(again.contents.basis).toBe('pin');
    await device.client.vault.open();
    expect(again.contents.vaultWords).toEqual(vault.contents.vaultWords);
    await again.confirmCompared();
    expect(again.contents.basis).toBe('memory');
    await again.addSecret({ name: 'a third', value: 'secret' });
    const later = fresh.reload();
    await later.start();
    const last = await later.vault.open();
    expect(last.contents.basis).toBe('memory');
    expect(text(await last.readSecret(secret))).toBe('mail-password');
  });

  it('[V7] vouches for the vault neither to a device nor to an agent', async () => {
    const { platform, device, vault } = await setting();
    const before = platform.snapshot();
    const removal = await vault.removeDevice(lostMember(vault));
    await removal.confirm(removal.code);
    platform.vault = before;
    const { client } = freshBrowser(platform, device);
    await client.start();
    await client.vault.open();
    platform.sent.length = 0;
    const refused = { code: 'vault_compare_required' };
    await expect(client.vault.invitations.create()).rejects.toMatchObject(refused);
    await expect(client.vault.agents.pair()).rejects.toMatchObject(refused);
    expect(platform.sent).toEqual([]);
  });

  it('[V7] honest: invites and pairs once it was compared', async () => {
    const { platform, device } = await setting();
    const { client } = freshBrowser(platform, device);
    await client.start();
    const vault = await client.vault.open();
    await vault.confirmCompared();
    await client.vault.agents.pair();
    const invitation = await client.vault.invitations.create();
    const joining = createDevice(platform);
    await joining.client.vault.invitations.accept({ code: invitation.code, user });
    await invitation.poll();
    await invitation.admit();
    await joining.client.start();
    expect((await joining.client.vault.open()).contents.basis).toBe('memory');
  });

  it('[V7] is given no API key by a start, which shows nothing', async () => {
    const { platform, device, vault, oldCode } = await setting();
    const before = platform.snapshot();
    const removal = await vault.removeDevice(lostMember(vault));
    await removal.confirm(removal.code);
    // Who was taken out signs on, with the server, and leaves out the slot of the key.
    platform.vault = before;
    await leaveKeyOut(platform, oldCode);
    const led = manifestOf(before).slots;
    const { client, reload } = freshBrowser(platform, device);
    await client.start({ apiKey: laterKey });
    expect(client.getSnapshot().status).toBe('active');
    // Nor by a start that remembers the one before.
    await reload().start({ apiKey: laterKey });
    expect(manifestOf(before).slots).toEqual(led);
  });

  it('[V7] honest: is given the API key by the user who sees it open, or by a start once it was compared', async () => {
    for (const way of ['seen', 'compared'] as const) {
      const { platform, device, oldCode } = await setting();
      await leaveKeyOut(platform, oldCode);
      const { client, reload } = freshBrowser(platform, device);
      await client.start({ apiKey: laterKey });
      const opened = await client.vault.open();
      if (way === 'seen') await opened.storeApiKey(laterKey);
      else {
        await opened.confirmCompared();
        await reload().start({ apiKey: laterKey });
      }
      const again = reload();
      await again.start();
      const kept = (await again.vault.open()).contents.slots.find(({ kind }) => kind === 'api-key');
      expect(text(await again.vault.current.readSecret(kept?.id ?? ''))).toBe(laterKey);
    }
  });

  it('needs no comparing after an enrolment and an invitation, but after a recovery', async () => {
    const { platform, device, vault, oldCode, lost } = await setting();
    expect(vault.contents.basis).toBe('memory');
    await lost.client.start();
    const invited = await lost.client.vault.open();
    expect(invited.contents.basis).toBe('memory');
    expect(invited.contents.vaultWords).toEqual(vault.contents.vaultWords);
    const recovered = createDevice(platform);
    await recovered.client.vault.recovery.use({ code: oldCode, user });
    const theirs = await recovered.client.vault.open();
    expect(theirs.contents.basis).toBe('pin');
    // On a device that knows the vault, a recovery rests on what it knows.
    const known = createClientOf(platform, {
      authenticator: createDevice(platform).authenticator,
      storage: device.storage,
      prover: createIdleProver(),
    });
    await known.vault.recovery.use({ code: oldCode, user });
    expect((await known.vault.open()).contents.basis).toBe('memory');
  });
});
