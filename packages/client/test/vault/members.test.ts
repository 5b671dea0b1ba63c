import {
  decodeBase64url,
  encodeBase64url,
  parseManifest,
  parseMessage,
  RECOVERY,
  type VaultWrite,
  vaultWriteSchema,
} from '@pzk-auth/protocol';
import { describe, expect, it, vi } from 'vitest';
import type { Invitation, SuccessionReview, VaultRemoval } from '../../src/index.js';
import { createMemoryStorage, isUndecided, openVaultExport } from '../../src/index.js';
import { deriveInvitationKeys } from '../../src/vault/invitation-keys.js';
import { prepareWrite } from '../../src/vault/prepare-write.js';
import { apiKey, createClientOf, problem, user } from '../fake-issuer.js';
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
import { rotateKeepingCode, unlockByCode } from './rotate-keeping-code.js';

const yes = () => true;

/** Types the new recovery code in, as a user does. */
async function confirmed(removal: Promise<VaultRemoval>) {
  const { code, confirm } = await removal;
  return confirm(code.toLowerCase());
}

/** The next write happens, and its answer does not arrive. */
function loseAnswer(platform: FakePlatform): void {
  platform.respond('/pzk/vault', ({ body }) => {
    platform.respond('/pzk/vault', () => undefined);
    platform.apply(parseMessage(vaultWriteSchema, JSON.parse(body)));
    throw new TypeError('network');
  });
}

async function openedDevice(platform = createFakePlatform()) {
  const device = await enrolledDevice(platform);
  const vault = await device.client.vault.open();
  const secret = await vault.addSecret({ name: 'mail', value: 'mail-password' });
  return { platform, device, vault, secret };
}

/** Joins by invitation and opens the vault there. */
async function join(platform: FakePlatform, invitation: Invitation) {
  const joined = createDevice(platform);
  await joined.client.vault.invitations.accept({ code: invitation.fragment, user });
  expect(await invitation.poll()).toMatchObject({ status: 'joined', device: { kind: 'passkey' } });
  await invitation.admit();
  await joined.client.start();
  return { joined, theirs: await joined.client.vault.open() };
}

async function twoDevices() {
  const first = await openedDevice();
  const invitation = await first.device.client.vault.invitations.create();
  return { ...first, ...(await join(first.platform, invitation)) };
}

describe('an invitation', () => {
  it('[V8] honest: takes a second device in, which reads and writes from then on', async () => {
    const { platform, device, vault, secret } = await openedDevice();
    const invitation = await device.client.vault.invitations.create();
    expect(await invitation.poll()).toEqual({ status: 'open' });
    expect(invitation.fragment).toBe(`pzk-invitation=${invitation.code}`);
    const { theirs } = await join(platform, invitation);
    expect(text(await theirs.readSecret(secret))).toBe('mail-password');
    expect(await invitation.poll()).toEqual({ status: 'ended' });
    const added = await theirs.addSecret({ name: 'other', value: 'of the second' });
    await device.client.vault.open();
    expect(text(await vault.readSecret(added))).toBe('of the second');
    expect(vault.contents.members).toHaveLength(2);
  });

  it('tells the server nothing of its code', async () => {
    const { platform, device } = await openedDevice();
    const invitation = await device.client.vault.invitations.create();
    await join(platform, invitation);
    const wire = platform.sent.map(({ body }) => body).join('\n');
    expect(wire).not.toContain(invitation.code);
  });

  it.each([
    'https://app.example.com/join#pzk-invitation=',
    '#pzk-invitation=',
    'pzk-invitation=',
    '  ',
  ])('is read from %j and the code', async (before) => {
    const { platform, device } = await openedDevice();
    const { code } = await device.client.vault.invitations.create();
    const joining = createDevice(platform);
    await joining.client.vault.invitations.accept({ code: before + code, user });
  });

  it.each(['', 'abc', `${'A'.repeat(21)}B`, 'A'.repeat(44)])(
    'refuses the code %j without asking anybody',
    async (code) => {
      const platform = createFakePlatform();
      const joining = createDevice(platform);
      const accepting = joining.client.vault.invitations.accept({ code, user });
      await expect(accepting).rejects.toMatchObject({ code: 'invitation_invalid' });
      expect(platform.sent).toEqual([]);
    },
  );

  it.each(['identity_key', 'counter', 'manifest_hash', 'mac_old', 'vault_id'] as const)(
    '[V8] refuses another %s than the inviting device vouches for, before a passkey is made',
    async (member) => {
      const { platform, device } = await openedDevice();
      const { code } = await device.client.vault.invitations.create();
      const [stored] = platform.invitations.values();
      const before = stored?.opened[member];
      const other =
        typeof before === 'number'
          ? before + 1
          : encodeBase64url(
              Buffer.from(String(before), 'base64url').map((byte, at) =>
                at === 5 ? byte ^ 1 : byte,
              ),
            );
      Object.assign(stored?.opened ?? {}, { [member]: other });
      const joining = createDevice(platform);
      await expect(joining.client.vault.invitations.accept({ code, user })).rejects.toMatchObject({
        code: 'invitation_invalid',
      });
      expect(joining.authenticator.credentials()).toEqual([]);
    },
  );

  it('[V8] refuses an invitation that is used, ended or unknown', async () => {
    const { platform, device } = await openedDevice();
    const invitation = await device.client.vault.invitations.create();
    await join(platform, invitation);
    const late = createDevice(platform);
    await expect(
      late.client.vault.invitations.accept({ code: invitation.code, user }),
    ).rejects.toMatchObject({ code: 'invitation_invalid' });
    const unknown = encodeBase64url(new Uint8Array(16));
    await expect(
      late.client.vault.invitations.accept({ code: unknown, user }),
    ).rejects.toMatchObject({ code: 'invitation_invalid' });
    expect(late.authenticator.credentials()).toEqual([]);
  });

  it.each(['id', 'hpke_key', 'credential_id', 'cose_key', 'salt'])(
    '[V3] seals to no device whose %s the code does not vouch for',
    async (member) => {
      const { platform, device } = await openedDevice();
      const invitation = await device.client.vault.invitations.create();
      const joining = createDevice(platform);
      await joining.client.vault.invitations.accept({ code: invitation.code, user });
      const [stored] = platform.invitations.values();
      const recipient = stored?.recipient as unknown as Record<string, string>;
      // A whole device of the server's own, and each part of one.
      const foreign = createDevice(platform);
      const second = await device.client.vault.invitations.create();
      await foreign.client.vault.invitations.accept({ code: second.code, user });
      const theirs = [...platform.invitations.values()].at(-1)?.recipient as unknown as Record<
        string,
        string
      >;
      recipient[member] = theirs[member] ?? '';
      await expect(invitation.poll()).rejects.toMatchObject({ code: 'invitation_invalid' });
      Object.assign(recipient, theirs);
      await expect(invitation.poll()).rejects.toMatchObject({ code: 'invitation_invalid' });
      await expect(invitation.admit()).rejects.toMatchObject({ code: 'invitation_invalid' });
      expect(manifestOf(platform.vault as StoredVault).recipients).toHaveLength(1);
    },
  );

  it('[V3] takes in the device that was shown, and nobody once the server shows another', async () => {
    const { platform, device } = await openedDevice();
    const invitation = await device.client.vault.invitations.create();
    const joining = createDevice(platform);
    await joining.client.vault.invitations.accept({ code: invitation.code, user });
    const shown = await invitation.poll();
    const [stored] = platform.invitations.values();
    const recipient = stored?.recipient;
    const credentialId = recipient?.credential_id;
    if (stored === undefined || recipient === undefined) throw new Error('nobody joined');
    const later = await device.client.vault.invitations.create();
    const swapped = createDevice(platform);
    await swapped.client.vault.invitations.accept({ code: later.code, user });
    await later.poll();
    const other = [...platform.invitations.values()].at(-1);
    if (other?.recipient === undefined) throw new Error('nobody joined');
    other.recipient = { ...other.recipient, credential_id: encodeBase64url(new Uint8Array(32)) };
    await expect(later.admit()).rejects.toMatchObject({ code: 'invitation_invalid' });
    await invitation.admit();
    expect(shown).toMatchObject({ device: { credentialId } });
    expect(manifestOf(platform.vault as StoredVault).recipients.at(-1)?.credential_id).toBe(
      credentialId,
    );
  });

  it('[V2] is remembered though the answer was lost', async () => {
    const first = await openedDevice();
    const early = first.platform.snapshot();
    await first.vault.addSecret({ name: 'more', value: 'more' });
    const invitation = await first.device.client.vault.invitations.create();
    const joining = createDevice(first.platform);
    const { authenticator, storage } = joining;
    const losing: FakePlatform = {
      ...first.platform,
      fetch: async (input, init) => {
        const answer = await first.platform.fetch(input, init);
        if (new URL(new Request(input, init).url).pathname === '/pzk/enroll') {
          throw new TypeError('network');
        }
        return answer;
      },
    };
    const interrupted = createClientOf(losing, { authenticator, storage });
    const accepting = interrupted.vault.invitations.accept({ code: invitation.code, user });
    await expect(accepting).rejects.toMatchObject({ code: 'network_error' });
    await invitation.poll();
    await invitation.admit();
    const page = joining.reload();
    const now = first.platform.vault as StoredVault;
    first.platform.vault = { ...early, recipients: now.recipients };
    await expect(page.start()).rejects.toMatchObject({ code: 'vault_rollback' });
    first.platform.vault = now;
    await page.start();
    expect((await page.vault.open()).contents.basis).toBe('memory');
  });

  it('that refuses its passkey leaves the browser to those that it has', async () => {
    const { platform, device } = await openedDevice();
    const invitation = await device.client.vault.invitations.create();
    platform.respond('/pzk/enroll', () => problem('enrollment_refused', 403));
    const { authenticator } = device;
    const storage = createMemoryStorage();
    const browser = createClientOf(platform, { authenticator, storage });
    const accepting = browser.vault.invitations.accept({ code: invitation.code, user });
    await expect(accepting).rejects.toMatchObject({ code: 'enrollment_refused' });
    platform.respond('/pzk/enroll', () => undefined);
    await browser.start();
    await browser.vault.open();
  });

  it('[V2] is not taken for another vault: the first opening shows the remembered one or a later', async () => {
    const first = await openedDevice();
    const early = first.platform.snapshot();
    await first.vault.addSecret({ name: 'more', value: 'more' });
    const invitation = await first.device.client.vault.invitations.create();
    const { joined } = await join(first.platform, invitation);
    const now = first.platform.vault as StoredVault;
    first.platform.vault = { ...early, recipients: now.recipients };
    await expect(joined.client.vault.open()).rejects.toMatchObject({ code: 'vault_rollback' });
  });

  it('[V8] leads no browser to the vault of somebody else, which it would take for its own', async () => {
    const own = await openedDevice();
    const others = await openedDevice();
    const invitation = await others.device.client.vault.invitations.create();
    const { authenticator, storage } = own.device;
    // One service, another account: the link of another customer.
    const browser = createClientOf(others.platform, { authenticator, storage });
    const before = authenticator.credentials().length;
    others.platform.sent.length = 0;
    for (const switchVault of [undefined, false]) {
      const accepting = browser.vault.invitations.accept({
        code: invitation.code,
        user,
        ...(switchVault === undefined ? {} : { switchVault }),
      });
      await expect(accepting).rejects.toMatchObject({ code: 'vault_switch_required' });
    }
    expect(authenticator.credentials()).toHaveLength(before);
    expect(new Set(others.platform.paths())).toEqual(new Set(['/pzk/vault/invitations/open']));
    expect(await invitation.poll()).toEqual({ status: 'open' });
    const page = own.device.reload();
    await page.start();
    const opened = await page.vault.open();
    expect(opened.contents.vaultId).toBe(own.vault.contents.vaultId);
    expect(text(await opened.readSecret(own.secret))).toBe('mail-password');
  });

  it("[V8] honest: leads a browser to another vault with the user's yes", async () => {
    const own = await openedDevice();
    const others = await openedDevice();
    const invitation = await others.device.client.vault.invitations.create();
    const { authenticator, storage } = own.device;
    const browser = createClientOf(others.platform, { authenticator, storage });
    await browser.vault.invitations.accept({ code: invitation.code, user, switchVault: true });
    await invitation.poll();
    await invitation.admit();
    await browser.start();
    const opened = await browser.vault.open();
    expect(opened.contents).toMatchObject({
      vaultId: others.vault.contents.vaultId,
      basis: 'memory',
    });
    // It opens this one from now on: the next invitation is to the same, and asks nothing.
    const again = await others.device.client.vault.invitations.create();
    const another = createDevice(others.platform).authenticator;
    const third = createClientOf(others.platform, { authenticator: another, storage });
    await third.vault.invitations.accept({ code: again.code, user });
  });

  it('[V8] ends after 10 minutes by the clock of the device that invites', async () => {
    const { platform, device } = await openedDevice();
    let now = Date.now();
    const { authenticator, storage } = device;
    const client = createClientOf(platform, { authenticator, storage, clock: () => now });
    await client.start();
    await client.vault.open({ keepFor: 3600 });
    const first = await client.vault.invitations.create();
    // The server's word is another one.
    for (const stored of platform.invitations.values()) stored.status = 'open';
    await createDevice(platform).client.vault.invitations.accept({ code: first.code, user });
    now += 599_000;
    expect(await first.poll()).toMatchObject({ status: 'joined' });
    now += 1000;
    expect(await first.poll()).toEqual({ status: 'ended' });
    await expect(first.admit()).rejects.toMatchObject({ code: 'invitation_invalid' });
    expect(manifestOf(platform.vault as StoredVault).recipients).toHaveLength(1);
  });

  it('leaves the vault open for no longer than its user said', async () => {
    const { platform, device } = await openedDevice();
    const now = Math.floor(Date.now() / 1000);
    const { authenticator, storage } = device;
    const client = createClientOf(platform, { authenticator, storage, clock: () => now * 1000 });
    await client.start();
    const vault = await client.vault.open({ keepFor: 30 });
    const invitation = await client.vault.invitations.create();
    await createDevice(platform).client.vault.invitations.accept({ code: invitation.code, user });
    await invitation.poll();
    await invitation.admit();
    expect(vault.contents.locksAt).toBe(now + 30);
    await vault.rotateGeneration();
    expect(vault.contents.locksAt).toBe(now + 30);
    await client.vault.open();
    expect(vault.contents.locksAt).toBe(now + 300);
  });

  it('[V8] is shown with the earlier of the two ends', async () => {
    const { platform, device } = await openedDevice();
    const at = Math.floor(Date.now() / 1000);
    for (const [told, most] of [
      [at + 86_400, at + 700],
      [at + 30, at + 30],
    ] as const) {
      platform.respond('/pzk/vault/invitations', () =>
        Response.json({ expires_at: told }, { status: 201 }),
      );
      const { expiresAt } = await device.client.vault.invitations.create();
      expect(expiresAt).toBeLessThanOrEqual(most);
      expect(expiresAt).toBeGreaterThan(at);
    }
  });

  it.each(['before the yes', 'during the touch'])(
    '[V8] a second device in place of the first is an alarm, %s',
    async (when) => {
      const { platform, device, vault } = await openedDevice();
      const invitation = await device.client.vault.invitations.create();
      const accept = async () => {
        for (const one of platform.invitations.values()) one.status = 'open';
        const joining = createDevice(platform);
        await joining.client.vault.invitations.accept({ code: invitation.code, user });
      };
      await accept();
      await invitation.poll();
      const [stored] = platform.invitations.values();
      const first = { ...stored };
      const again = { code: 'invitation_invalid', message: expect.stringContaining('second') };
      if (when === 'before the yes') {
        await accept();
        await expect(invitation.poll()).rejects.toMatchObject(again);
      } else {
        device.authenticator.configure({ onUserPrompt: accept });
      }
      await expect(invitation.admit()).rejects.toMatchObject(again);
      // Nor is the first one taken in, should the server bring it back.
      if (stored !== undefined) Object.assign(stored, first);
      await expect(invitation.poll()).rejects.toMatchObject(again);
      await expect(invitation.admit()).rejects.toMatchObject(again);
      expect(vault.contents.members).toHaveLength(1);
    },
  );

  it('[V8] honest: the one that joined may be asked for as often as one likes', async () => {
    const { platform, device } = await openedDevice();
    const invitation = await device.client.vault.invitations.create();
    const joining = createDevice(platform);
    await joining.client.vault.invitations.accept({ code: invitation.code, user });
    const shown = await invitation.poll();
    expect(await invitation.poll()).toEqual(shown);
    await invitation.admit();
    expect(manifestOf(platform.vault as StoredVault).recipients).toHaveLength(2);
  });

  it('[V3] takes nobody in after the keys of the vault have changed', async () => {
    const { platform, device, vault } = await openedDevice();
    const invitation = await device.client.vault.invitations.create();
    const joining = createDevice(platform);
    await joining.client.vault.invitations.accept({ code: invitation.code, user });
    await invitation.poll();
    await confirmed(vault.rotateVault());
    await expect(invitation.admit()).rejects.toMatchObject({ code: 'invitation_invalid' });
    expect(vault.contents.members.map(({ kind }) => kind)).toEqual(['passkey', 'recovery']);
  });

  it('asks what an opening asks where another device has changed the keys meanwhile', async () => {
    const { platform, device, theirs } = await twoDevices();
    await device.client.vault.open();
    const invitation = await device.client.vault.invitations.create();
    const joining = createDevice(platform);
    await joining.client.vault.invitations.accept({ code: invitation.code, user });
    await invitation.poll();
    await confirmed(theirs.rotateVault());
    await expect(invitation.admit()).rejects.toMatchObject({ code: 'vault_repin_required' });
    const no = { approveSuccession: () => false };
    await expect(invitation.admit(no)).rejects.toMatchObject({ code: 'vault_repin_required' });
    const reviews: SuccessionReview[] = [];
    const approveSuccession = (review: SuccessionReview) => {
      reviews.push(review);
      return true;
    };
    // It vouched for the vault under the old key: the user hears what to do.
    await expect(invitation.admit({ approveSuccession })).rejects.toMatchObject({
      code: 'invitation_invalid',
      hint: expect.stringContaining('another invitation'),
    });
    expect(reviews).toMatchObject([{ changes: { membersAdded: [{ kind: 'recovery' }] } }]);
    // The yes holds: nobody is asked again.
    const again = await device.client.vault.invitations.create();
    const { theirs: third } = await join(platform, again);
    expect(third.contents.members).toHaveLength(4);
  });

  it('[V12] seals to no point that is not on the curve, though the code vouches for it', async () => {
    const { platform, device } = await openedDevice();
    const invitation = await device.client.vault.invitations.create();
    const keys = await deriveInvitationKeys(invitation.code, 'https://api.example.com');
    const joining = createDevice(platform);
    await joining.client.vault.invitations.accept({ code: invitation.code, user });
    const [stored] = platform.invitations.values();
    const recipient = stored?.recipient;
    if (stored === undefined || recipient === undefined) throw new Error('nobody joined');
    const bytes = (value: string) => new Uint8Array(Buffer.from(value, 'base64url'));
    const hpkeKey = new Uint8Array(65).fill(1);
    hpkeKey[0] = 4;
    const mac = await keys.signNew({
      issuer: 'https://api.example.com',
      vaultId: platform.vault?.vaultId ?? '',
      recipientId: recipient.id,
      hpkeKey,
      credentialId: recipient.credential_id,
      coseKey: bytes(recipient.cose_key),
      salt: bytes(recipient.salt),
      generation: recipient.generation,
    });
    stored.recipient = { ...recipient, hpke_key: encodeBase64url(hpkeKey) };
    stored.macNew = encodeBase64url(mac);
    await invitation.poll();
    await expect(invitation.admit()).rejects.toMatchObject({ code: 'invitation_invalid' });
  });
});

describe('taking a device out', () => {
  it('[V7] gives it nothing of what is written later, and the others their yes', async () => {
    const { platform, device, vault, joined, theirs, secret } = await twoDevices();
    const before = platform.snapshot();
    const member = theirs.contents.members.find(({ own }) => !own);
    const rotate = await confirmed(theirs.removeDevice(member?.id ?? ''));
    expect(rotate.map(({ name }) => name)).toContain('mail');
    expect(platform.revoked).toEqual([member?.id]);
    const now = platform.vault as StoredVault;
    expect(manifestOf(now).identity_key).not.toBe(manifestOf(before).identity_key);
    expect(now.recipients.has(member?.id ?? '')).toBe(false);
    for (const [id, blob] of now.slots) expect(blob).not.toBe(before.slots.get(id));
    // What the removed device still has opens nothing new: its key, in place of theirs.
    await expect(device.client.vault.open()).rejects.toMatchObject({ code: 'vault_missing' });
    expect(text(await theirs.readSecret(secret))).toBe('mail-password');
    // The device that rotated pinned the new key itself.
    theirs.lock();
    await joined.client.vault.open();
    // Its sealed key beside what is new: the manifest does not list it.
    const [own] = before.recipients.entries();
    if (own !== undefined) now.recipients.set(...own);
    await expect(device.client.vault.open()).rejects.toMatchObject({
      code: 'vault_manifest_invalid',
    });
    // What is new beside the manifest that lists it: other bytes than were signed.
    platform.vault = { ...before, slots: now.slots };
    await expect(device.client.vault.open()).rejects.toMatchObject({ code: 'vault_slot_invalid' });
    expect(vault).toBe(device.client.vault.current);
  });

  it.each([
    ['without a session', ({ client }: TestDevice) => client.signOut()],
    [
      'where the network breaks off',
      async (_: TestDevice, platform: FakePlatform) =>
        platform.respond('/pzk/vault/pin', () => Promise.reject(new TypeError('network'))),
    ],
  ] as const)(
    "opens on another device with its user's yes, and asks once more: %s",
    async (_, fail) => {
      const { platform, device, vault, joined, theirs, secret } = await twoDevices();
      await device.client.vault.open();
      const { code, confirm } = await vault.rotateVault();
      await confirm(code);
      let asked = 0;
      const approveSuccession = () => ++asked > 0;
      await fail(joined, platform);
      await joined.client.vault.open({ approveSuccession });
      expect(text(await theirs.readSecret(secret))).toBe('mail-password');
      expect(asked).toBe(1);
      platform.respond('/pzk/vault/pin', () => undefined);
      await joined.client.start({ approveSuccession });
      expect(asked).toBe(2);
      await joined.client.vault.open({ approveSuccession });
      expect(asked).toBe(2);
    },
  );

  it('asks the devices that stay, tells who rotated, and remembers the yes', async () => {
    const { platform, device, vault, joined, theirs } = await twoDevices();
    const invitation = await device.client.vault.invitations.create();
    const third = await join(platform, invitation);
    await joined.client.vault.open();
    const removed = theirs.contents.members.find(
      ({ id }) =>
        !third.theirs.contents.members.find((one) => one.id === id && one.own) &&
        id !== theirs.contents.members.find(({ own }) => own)?.id,
    );
    const rotator = theirs.contents.members.find(({ own }) => own);
    await confirmed(theirs.removeDevice(removed?.id ?? ''));

    const { client } = third.joined;
    await expect(client.vault.open()).rejects.toMatchObject({ code: 'vault_repin_required' });
    await expect(client.vault.open({ approveSuccession: () => false })).rejects.toMatchObject({
      code: 'vault_repin_required',
    });
    await expect(client.start()).rejects.toMatchObject({ code: 'vault_repin_required' });
    const reviews: SuccessionReview[] = [];
    await client.start({
      approveSuccession: (review) => {
        reviews.push(review);
        return true;
      },
    });
    expect(reviews).toEqual([
      expect.objectContaining({ by: [rotator?.id], recipients: expect.any(Array) }),
    ]);
    expect(reviews[0]?.recipients).toHaveLength(3);
    expect(reviews[0]?.vaultWords).toEqual(theirs.contents.vaultWords);
    await client.vault.open();
    expect(vault).toBe(device.client.vault.current);
  });

  it('is not begun where the server lists no such device: nothing would be revoked', async () => {
    const { platform, theirs } = await twoDevices();
    const member = theirs.contents.members.find(({ own }) => !own);
    platform.respond('/pzk/devices', () => Response.json({ devices: [] }));
    await expect(theirs.removeDevice(member?.id ?? '')).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(platform.revoked).toEqual([]);
  });

  it('does not take out the device itself, nor the last passkey', async () => {
    const { vault, platform } = await openedDevice();
    const [own] = vault.contents.members;
    await expect(vault.removeDevice(own?.id ?? '')).rejects.toMatchObject({
      code: 'invalid_request',
    });
    expect(platform.paths()).not.toContain('/pzk/devices/revoke');
  });

  it.each(['before', 'after'])(
    'goes on after a crash in the middle, %s the write happened',
    async (when) => {
      const { platform, joined, theirs, secret } = await twoDevices();
      const member = theirs.contents.members.find(({ own }) => !own);
      platform.respond('/pzk/vault', ({ body }) => {
        if (when === 'after') platform.apply(JSON.parse(body));
        throw new TypeError('network');
      });
      await expect(confirmed(theirs.removeDevice(member?.id ?? ''))).rejects.toMatchObject({
        code: 'network_error',
      });
      platform.respond('/pzk/vault', () => undefined);
      // Another page of the same browser: nothing but what is stored.
      const again = joined.reload();
      await again.start();
      const vault = await again.vault.open();
      expect(text(await vault.readSecret(secret))).toBe('mail-password');
      const left = vault.contents.members.filter(({ revoked }) => revoked);
      expect(left).toHaveLength(when === 'after' ? 0 : 1);
      await confirmed(vault.rotateVault());
      expect(vault.contents.members.map(({ kind }) => kind)).toEqual(['passkey', 'recovery']);
    },
  );

  it('is confirmed again after its answer was lost: the code that was shown is the valid one', async () => {
    const { platform, device } = await twoDevices();
    await device.client.vault.open();
    const before = device.client.vault.recovery.create();
    await before.confirm(before.code);
    const { client } = device;
    const member = client.vault.current.contents.members.find(
      ({ own, kind }) => !own && kind !== 'recovery',
    );
    const removal = await client.vault.current.removeDevice(member?.id ?? '');
    loseAnswer(platform);
    const lost = await removal.confirm(removal.code).catch((error: unknown) => error);
    expect(lost).toMatchObject({ code: 'network_error' });
    expect(isUndecided(lost)).toBe(true);
    expect(client.vault.getSnapshot().status).toBe('locked');
    const { manifest } = platform.vault as StoredVault;
    // With the touch that opens the vault, and with no other write.
    const slots = await removal.confirm(removal.code);
    expect(slots.map(({ name }) => name)).toContain('mail');
    expect(await removal.confirm(removal.code)).toEqual(slots);
    expect(platform.vault?.manifest).toBe(manifest);
    const { contents } = client.vault.current;
    expect(contents.members.map(({ kind }) => kind)).toEqual(['passkey', 'recovery']);
    const fresh = createDevice(platform);
    await fresh.client.vault.recovery.use({ code: removal.code, user });
    await expect(
      createDevice(platform).client.vault.recovery.use({ code: before.code, user }),
    ).rejects.toMatchObject({ code: 'vault_pin_mismatch' });
  });

  it('[V7] is not done at the word of whoever is taken out, who lists the new code', async () => {
    const { platform, device, vault } = await twoDevices();
    await device.client.vault.open();
    const before = device.client.vault.recovery.create();
    await before.confirm(before.code);
    const member = vault.contents.members.find(({ own, kind }) => !own && kind !== 'recovery');
    const removal = await vault.removeDevice(member?.id ?? '');
    let dropped: VaultWrite | undefined;
    platform.respond('/pzk/vault', ({ body }) => {
      dropped = parseMessage(vaultWriteSchema, JSON.parse(body));
      throw new TypeError('network');
    });
    await expect(removal.confirm(removal.code)).rejects.toMatchObject({ code: 'network_error' });
    platform.respond('/pzk/vault', () => undefined);
    // The keys of before are what it has; the code's place stands in the write that it was shown.
    const opened = await unlockByCode(platform, before.code);
    const recipient = opened.manifest.recipients.find(({ id }) => id === member?.id);
    if (recipient === undefined) throw new Error('no such member');
    const old = { ...opened, recipient };
    const next = parseManifest(decodeBase64url(dropped?.manifest ?? ''));
    const code = next.recipients.filter(({ credential_id }) => credential_id === RECOVERY);
    const others = old.manifest.recipients.filter(
      ({ credential_id }) => credential_id !== RECOVERY,
    );
    const { write } = await prepareWrite(old, {
      manifest: { recipients: [...others, ...code] },
      recipients: dropped?.recipients.filter(({ id }) => code.some((one) => one.id === id)) ?? [],
    });
    platform.apply(write);
    await removal.confirm(removal.code);
    expect(vault.contents.members.map(({ kind }) => kind)).toEqual(['passkey', 'recovery']);
    const fresh = createDevice(platform);
    await fresh.client.vault.recovery.use({ code: removal.code, user });
  });

  it('is confirmed after the vault has locked itself, with a touch; a typing error takes none', async () => {
    const { platform, device, theirs, joined } = await twoDevices();
    const member = theirs.contents.members.find(({ own }) => !own);
    const removal = await theirs.removeDevice(member?.id ?? '');
    theirs.lock();
    const { code: other } = device.client.vault.recovery.create();
    const prompts = vi.fn(async () => undefined);
    joined.authenticator.configure({ onUserPrompt: prompts });
    await expect(removal.confirm(other)).rejects.toMatchObject({ code: 'recovery_code_malformed' });
    expect(prompts).not.toHaveBeenCalled();
    await removal.confirm(removal.code);
    expect(prompts).toHaveBeenCalledOnce();
    expect(theirs.contents.members.map(({ kind }) => kind)).toEqual(['passkey', 'recovery']);
    expect(manifestOf(platform.vault as StoredVault).recipients).toHaveLength(2);
  });

  it('is confirmed though another device was faster: who is out already is no fault', async () => {
    const { platform, device, vault } = await twoDevices();
    const invitation = await device.client.vault.invitations.create();
    const third = await join(platform, invitation);
    await device.client.vault.open();
    const [, gone] = vault.contents.members;
    const removal = await vault.removeDevice(gone?.id ?? '');
    await confirmed(third.theirs.removeDevice(gone?.id ?? ''));
    await expect(removal.confirm(removal.code)).rejects.toMatchObject({ code: 'vault_conflict' });
    await expect(removal.confirm(removal.code)).rejects.toMatchObject({
      code: 'vault_repin_required',
    });
    await removal.confirm(removal.code, { approveSuccession: yes });
    const kinds = vault.contents.members.map(({ kind }) => kind);
    expect(kinds).toEqual(['passkey', 'passkey', 'recovery']);
    await createDevice(platform).client.vault.recovery.use({ code: removal.code, user });
  });

  it('[V3] refuses a succession that the key before did not sign, and one that forks', async () => {
    const { platform, device, theirs, joined } = await twoDevices();
    const member = theirs.contents.members.find(({ own }) => own);
    const own = platform.snapshot();
    const { vault } = joined.client;
    await confirmed(theirs.rotateVault());
    expect(member).toBeDefined();
    const now = platform.vault as StoredVault;
    const [succession] = now.successions;
    if (succession === undefined) throw new Error('no succession');
    const flip = (value: string) =>
      encodeBase64url(
        Buffer.from(value, 'base64url').map((byte, at) => (at === 40 ? byte ^ 1 : byte)),
      );
    const open = () => device.client.vault.open({ approveSuccession: yes });
    for (const changes of [
      { signature: flip(succession.signature) },
      { counter: succession.counter + 1 },
      { counter: succession.counter - 1 },
      { by: encodeBase64url(new Uint8Array(16)) },
      { previous: encodeBase64url(new Uint8Array(32)) },
      { identity_key: flip(succession.identity_key) },
      { old_identity_key: flip(succession.old_identity_key) },
    ]) {
      now.successions = [{ ...succession, ...changes }];
      await expect(open()).rejects.toMatchObject({ code: 'vault_rollback' });
    }
    now.successions = [];
    await expect(open()).rejects.toMatchObject({ code: 'vault_rollback' });
    // Honest twin.
    now.successions = [succession];
    await open();
    platform.vault = own;
    await expect(open()).rejects.toMatchObject({ code: 'vault_rollback' });
    await expect(vault.open()).rejects.toMatchObject({ code: 'vault_rollback' });
  });
});

describe('a reset', () => {
  it('is shown with its time, to who asks for it and to who can cancel it', async () => {
    const { platform, device, vault } = await openedDevice();
    platform.resetAt = 1_900_000_000;
    platform.respond('/pzk/enroll', () => {
      const body = { type: 'about', title: 'Not yet.', status: 409, code: 'vault_reset_pending' };
      return Response.json(
        { ...body, reset_at: platform.resetAt },
        { status: 409, headers: { 'content-type': 'application/problem+json' } },
      );
    });
    const late = createDevice(platform);
    await expect(late.client.enroll({ apiKey, user })).rejects.toMatchObject({
      code: 'vault_reset_pending',
      resetAt: 1_900_000_000,
    });
    await device.client.vault.open();
    expect(vault.contents.resetAt).toBe(1_900_000_000);
    expect(await device.client.vault.status()).toMatchObject({ resetAt: 1_900_000_000 });
    await device.client.vault.reset.cancel();
    expect(platform.paths()).toContain('/pzk/vault/reset/cancel');
  });
});

describe('a recovery code', () => {
  it('is not taken out at the word of the server', async () => {
    const { platform, device, vault } = await openedDevice();
    const made = device.client.vault.recovery.create();
    await made.confirm(made.code);
    platform.revoked = vault.contents.members.map(({ id }) => id);
    await device.client.vault.open();
    expect(vault.contents.members.map(({ revoked }) => revoked)).toEqual([false, false]);
    await confirmed(vault.rotateVault());
    expect(vault.contents.members.map(({ kind }) => kind)).toEqual(['passkey', 'recovery']);
  });

  it('is taken in when it was typed in again, and opens the vault in a fresh browser', async () => {
    const { platform, device, vault, secret } = await openedDevice();
    const made = device.client.vault.recovery.create();
    expect(made.code).toMatch(/^([0-9A-Z]{4}-){13}[0-9A-Z]{4}$/);
    await expect(made.confirm('ABCD')).rejects.toMatchObject({ code: 'recovery_code_malformed' });
    const other = device.client.vault.recovery.create();
    await expect(made.confirm(other.code)).rejects.toMatchObject({
      code: 'recovery_code_malformed',
    });
    expect(vault.contents.members).toHaveLength(1);
    await made.confirm(made.code.toLowerCase().replaceAll('-', ' '));
    expect(vault.contents.members).toContainEqual(
      expect.objectContaining({ kind: 'recovery', own: false }),
    );
    const wire = platform.sent.map(({ body }) => body).join('\n');
    expect(wire).not.toContain(made.code);

    const fresh = createDevice(platform);
    await fresh.client.vault.recovery.use({ code: made.code, user });
    await fresh.client.start();
    const theirs = await fresh.client.vault.open();
    expect(text(await theirs.readSecret(secret))).toBe('mail-password');
    await expect(
      createDevice(platform).client.vault.recovery.use({ code: other.code, user }),
    ).rejects.toMatchObject({ code: 'vault_pin_mismatch' });
  });

  it('is confirmed again after its answer was lost or the vault was locked', async () => {
    const { platform, device, vault } = await openedDevice();
    const first = device.client.vault.recovery.create();
    vault.lock();
    loseAnswer(platform);
    await expect(first.confirm(first.code)).rejects.toMatchObject({ code: 'network_error' });
    const { manifest } = platform.vault as StoredVault;
    expect(await first.confirm(first.code)).toEqual([]);
    expect(platform.vault?.manifest).toBe(manifest);
    await createDevice(platform).client.vault.recovery.use({ code: first.code, user });
    // The write that never came there, of a code that takes the place of another.
    await device.client.vault.open();
    const second = device.client.vault.recovery.create();
    platform.respond('/pzk/vault', () => {
      throw new TypeError('network');
    });
    await expect(second.confirm(second.code)).rejects.toMatchObject({ code: 'network_error' });
    platform.respond('/pzk/vault', () => undefined);
    await second.confirm(second.code);
    expect(vault.contents.members.filter(({ kind }) => kind === 'recovery')).toHaveLength(1);
    await createDevice(platform).client.vault.recovery.use({ code: second.code, user });
  });

  it('opens nothing once another is in its place, by a change of the keys or by itself', async () => {
    const { platform, device, vault, secret } = await openedDevice();
    const made = device.client.vault.recovery.create();
    await made.confirm(made.code);
    const codes = [made.code];
    const rotation = await vault.rotateVault();
    await rotation.confirm(rotation.code);
    codes.push(rotation.code);
    const next = device.client.vault.recovery.create();
    await next.confirm(next.code);
    expect(vault.contents.members.filter(({ kind }) => kind === 'recovery')).toHaveLength(1);
    for (const code of codes) {
      const fresh = createDevice(platform);
      const use = { code, user, approveSuccession: yes };
      await expect(fresh.client.vault.recovery.use(use)).rejects.toMatchObject({
        code: 'vault_pin_mismatch',
      });
      expect(fresh.authenticator.credentials()).toEqual([]);
    }
    const last = createDevice(platform);
    await last.client.vault.recovery.use({ code: next.code, user });
    const opened = await last.client.vault.open();
    expect(text(await opened.readSecret(secret))).toBe('mail-password');
  });

  it('[V7] rests on the new keys after a recovery, and asks no second time', async () => {
    const { platform, device, secret } = await openedDevice();
    const made = device.client.vault.recovery.create();
    await made.confirm(made.code);
    await rotateKeepingCode(platform, made.code);
    const use = { code: made.code, user };
    await expect(createDevice(platform).client.vault.recovery.use(use)).rejects.toMatchObject({
      code: 'vault_repin_required',
    });
    const first = createDevice(platform);
    await first.client.vault.recovery.use({ ...use, approveSuccession: yes });
    // The code stays in the vault, beside the passkeys.
    const { recipients, counter } = manifestOf(platform.vault as StoredVault);
    expect(recipients.map(({ credential_id }) => credential_id)).toContain(RECOVERY);
    const recovery = recipients.find(({ credential_id }) => credential_id === RECOVERY);
    expect(recovery?.counter).toBe(counter);
    const second = createDevice(platform);
    await second.client.vault.recovery.use(use);
    const opened = await second.client.vault.open();
    expect(text(await opened.readSecret(secret))).toBe('mail-password');
  });

  it('[V7] honest: is left as it is by a recovery that met no other keys', async () => {
    const { platform, device } = await openedDevice();
    const made = device.client.vault.recovery.create();
    await made.confirm(made.code);
    const before = platform.entryOf(RECOVERY);
    const fresh = createDevice(platform);
    await fresh.client.vault.recovery.use({ code: made.code, user });
    const { sealed, pin } = platform.entryOf(RECOVERY) ?? {};
    expect({ sealed, pin }).toEqual({ sealed: before?.sealed, pin: before?.pin });
  });

  it('[V3] opens no vault that the server made for it', async () => {
    const { platform, device } = await openedDevice();
    const made = device.client.vault.recovery.create();
    await made.confirm(made.code);
    const other = await openedDevice();
    const theirs = other.device.client.vault.recovery.create();
    await theirs.confirm(theirs.code);
    platform.vault = other.platform.snapshot();
    const fresh = createDevice(platform);
    await expect(
      fresh.client.vault.recovery.use({ code: made.code, user, approveSuccession: yes }),
    ).rejects.toMatchObject({ code: 'vault_pin_mismatch' });
    expect(fresh.authenticator.credentials()).toEqual([]);
  });

  it('[V3] is tried on an export: one that it does not open is not handed out', async () => {
    const { platform, device } = await openedDevice();
    const made = device.client.vault.recovery.create();
    await made.confirm(made.code);
    const exporting = (code: string) => device.client.vault.export({ code });
    const other = device.client.vault.recovery.create();
    await expect(exporting(other.code)).rejects.toMatchObject({ code: 'vault_pin_mismatch' });
    platform.sent.length = 0;
    await expect(exporting('ABCD')).rejects.toMatchObject({ code: 'recovery_code_malformed' });
    expect(platform.sent).toEqual([]);
    // What the server keeps for the code has been spoilt: nothing but the code can tell.
    const { recipients } = platform.vault as StoredVault;
    const kept = [...recipients.values()].find(({ credentialId }) => credentialId === RECOVERY);
    const { pin } = kept ?? { pin: '' };
    Object.assign(kept ?? {}, { pin: encodeBase64url(new Uint8Array(32)) });
    await expect(exporting(made.code)).rejects.toMatchObject({ code: 'vault_pin_mismatch' });
    Object.assign(kept ?? {}, { pin });
    expect(await exporting(made.code)).toMatchObject({ format: 'pzk-auth/v1/vault-export' });
  });

  it('[V3] honest: opens an export also after the keys have changed, with no more questions', async () => {
    const { device, vault, secret } = await openedDevice();
    const made = device.client.vault.recovery.create();
    await made.confirm(made.code);
    const rotation = await vault.rotateVault();
    await rotation.confirm(rotation.code);
    await expect(device.client.vault.export({ code: made.code })).rejects.toMatchObject({
      code: 'vault_pin_mismatch',
    });
    const document = await device.client.vault.export({ code: rotation.code });
    const opened = await openVaultExport({ document, recoveryCode: rotation.code });
    expect(text(await opened.readSlot(secret))).toBe('mail-password');
  });

  it('opens the export offline', async () => {
    const { platform, device, vault, secret } = await openedDevice();
    const made = device.client.vault.recovery.create();
    const { code } = made;
    await expect(device.client.vault.export({ code })).rejects.toMatchObject({ code: 'not_found' });
    await made.confirm(made.code);
    const document = JSON.parse(
      JSON.stringify(await device.client.vault.export({ code: made.code })),
    );
    const opened = await openVaultExport({ document, recoveryCode: made.code });
    expect(text(await opened.readSlot(secret))).toBe('mail-password');
    opened.close();
    // An older state than the one that is open here is no export of it.
    const old = platform.snapshot();
    await vault.addSecret({ name: 'x', value: 'y' });
    const now = platform.vault as StoredVault;
    platform.vault = old;
    await expect(device.client.vault.export({ code: made.code })).rejects.toMatchObject({
      code: 'vault_conflict',
    });
    platform.vault = now;
    const entry = platform.entryOf(RECOVERY);
    expect(entry).toBeDefined();
  });
});
