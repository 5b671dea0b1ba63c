import { encodeBase64url } from '@pzk-auth/protocol';
import { describe, expect, it } from 'vitest';
import type { RosterChanges, SuccessionReview } from '../../src/index.js';
import { compareRosters, type KnownRoster } from '../../src/vault/roster.js';
import { problem, user } from '../fake-issuer.js';
import { createFakeBroker } from '../release/fake-broker.js';
import {
  createDevice,
  createFakePlatform,
  enrolledDevice,
  type FakePlatform,
} from './fake-platform.js';

async function join(platform: FakePlatform, by: Awaited<ReturnType<typeof enrolledDevice>>) {
  const invitation = await by.client.vault.invitations.create();
  const joined = createDevice(platform);
  await joined.client.vault.invitations.accept({ code: invitation.fragment, user });
  await invitation.poll();
  await invitation.admit();
  await joined.client.start();
  return joined;
}

async function twoDevices() {
  const platform = createFakePlatform();
  const first = await enrolledDevice(platform);
  const vault = await first.client.vault.open();
  const second = await join(platform, first);
  const theirs = await second.client.vault.open();
  return { platform, first, vault, second, theirs };
}

describe('the roster that was confirmed on a device', () => {
  it('[V3] is compared at each opening: who was added by another device is named', async () => {
    const { platform, first, vault, second, theirs } = await twoDevices();
    await first.client.vault.open();
    expect(vault.contents.changes).toBe('none');
    await theirs.confirmChanges();
    const third = await join(platform, second);
    const broker = await createFakeBroker(platform);
    const pairing = await second.client.vault.agents.pair();
    broker.commit();
    await pairing.poll();
    broker.reveal();
    await pairing.poll();
    const agent = await pairing.confirm({ name: 'Helper' });
    // Not by what this device did itself.
    expect(theirs.contents.changes).toBe('none');

    // Signing in shows nothing of it, and takes nothing away.
    const page = first.reload();
    await page.start();
    const opened = await page.vault.open();
    const [credential] = third.authenticator.credentials();
    expect(opened.contents.changes).toEqual({
      membersAdded: [{ id: expect.any(String), kind: 'passkey', credentialId: credential?.id }],
      membersRemoved: [],
      membersRenewed: [],
      agentsAdded: [{ id: agent, name: 'Helper' }],
      agentsRemoved: [],
      agentsRenamed: [],
    });
    // It stays until it is confirmed: after another opening, a write, in another page and after a reload.
    const { changes } = opened.contents;
    await opened.addSecret({ name: 'a', value: 'x' });
    await page.vault.open();
    expect(opened.contents.changes).toEqual(changes);
    opened.lock();
    await page.vault.open();
    expect(opened.contents.changes).toEqual(changes);
    const other = first.reload();
    await other.start();
    const there = await other.vault.open();
    expect(there.contents.changes).toEqual(changes);
    await there.confirmChanges();
    expect(there.contents.changes).toBe('none');
    await page.vault.open();
    expect(opened.contents.changes).toBe('none');
  });

  it('[V3] holds beside what this device does itself', async () => {
    const { platform, first, vault, second, theirs } = await twoDevices();
    await join(platform, second);
    const { code, confirm } = second.client.vault.recovery.create();
    await confirm(code);
    await first.client.vault.open();
    const { changes } = vault.contents;
    expect(changes).toMatchObject({ membersAdded: [{ kind: 'passkey' }, { kind: 'recovery' }] });
    const gone = vault.contents.members.find(({ kind }) => kind === 'recovery');
    await join(platform, first);
    expect(vault.contents.changes).toEqual(changes);
    // One of those that were not confirmed goes; a code of this device's own comes.
    const removal = await vault.removeDevice(gone?.id ?? '');
    await removal.confirm(removal.code);
    const [third] = (changes as RosterChanges).membersAdded;
    expect(vault.contents.changes).toMatchObject({ membersAdded: [third], membersRemoved: [] });
    await first.client.vault.open();
    expect(vault.contents.changes).toMatchObject({ membersAdded: [third], membersRemoved: [] });
    expect(theirs.contents.changes).toBe('unknown');
  });

  it('[V3] is named anew where the opening before has ended half-way', async () => {
    const { platform, first, second, theirs } = await twoDevices();
    await theirs.confirmChanges();
    await first.client.vault.open();
    const { code, confirm } = await first.client.vault.current.rotateVault();
    await confirm(code);
    const reviews: unknown[] = [];
    const approveSuccession = ({ changes }: SuccessionReview) => {
      reviews.push(changes);
      return true;
    };
    const leaving = new AbortController();
    platform.respond('/pzk/vault/pin', () => {
      leaving.abort();
      return problem('store_unavailable', 503);
    });
    const { signal } = leaving;
    const opening = second.client.vault.open({ approveSuccession, signal });
    await expect(opening).rejects.toMatchObject({ code: 'aborted' });
    platform.respond('/pzk/vault/pin', () => undefined);
    await second.client.vault.open({ approveSuccession });
    const added = { membersAdded: [{ kind: 'recovery' }] };
    expect(reviews).toMatchObject([added, added]);
    expect(theirs.contents.changes).toMatchObject(added);
  });

  it('[V3] is confirmed only as far as the page has shown it', async () => {
    const { platform, first, vault, second } = await twoDevices();
    await join(platform, second);
    await first.client.vault.open();
    const { changes } = vault.contents;
    await join(platform, second);
    const page = first.reload();
    await page.start();
    await page.vault.open();
    await expect(vault.confirmChanges()).rejects.toMatchObject({ code: 'vault_conflict' });
    expect(vault.contents.changes).toEqual(changes);
    await first.client.vault.open();
    expect((vault.contents.changes as RosterChanges).membersAdded).toHaveLength(2);
  });

  it('[V3] is compared before the user approves another identity key', async () => {
    const { platform, first, vault, second, theirs } = await twoDevices();
    const third = await join(platform, second);
    await second.client.vault.open();
    await first.client.vault.open();
    await vault.confirmChanges();
    const [credential] = third.authenticator.credentials();
    const gone = theirs.contents.members.find(
      ({ credentialId }) => credentialId === credential?.id,
    );
    const { code, confirm } = await theirs.removeDevice(gone?.id ?? '');
    await confirm(code);
    const reviews: SuccessionReview[] = [];
    await first.client.vault.open({
      approveSuccession: (review) => {
        reviews.push(review);
        return true;
      },
    });
    expect(reviews[0]?.changes).toMatchObject({
      membersAdded: [{ kind: 'recovery' }],
      membersRemoved: [{ id: gone?.id, kind: 'passkey', credentialId: credential?.id }],
      membersRenewed: [],
    });
  });

  it('is unknown to a browser until its user has confirmed one', async () => {
    const { second, theirs } = await twoDevices();
    expect(theirs.contents.changes).toBe('unknown');
    await theirs.addSecret({ name: 'a', value: 'x' });
    await second.client.vault.open();
    expect(theirs.contents.changes).toBe('unknown');
    await theirs.confirmChanges();
    await second.client.vault.open();
    expect(theirs.contents.changes).toBe('none');
    theirs.lock();
    await expect(theirs.confirmChanges()).rejects.toMatchObject({ code: 'vault_locked' });
  });

  it('is unknown to a browser that was recovered', async () => {
    const { platform, first } = await twoDevices();
    const { code, confirm } = first.client.vault.recovery.create();
    await confirm(code);
    const { client } = createDevice(platform);
    await client.vault.recovery.use({ code, user });
    await client.start();
    expect((await client.vault.open()).contents.changes).toBe('unknown');
  });
});

describe('two rosters', () => {
  const key = (fill: number) => encodeBase64url(new Uint8Array(65).fill(fill));
  const member = { id: 'm1', kind: 'passkey', credentialId: 'c1', hpkeKey: key(1) } as const;
  const agent = { id: 'a1', name: 'Helper', key: key(2) };
  const roster: KnownRoster = { members: [member], agents: [agent] };
  const none = {
    membersAdded: [],
    membersRemoved: [],
    membersRenewed: [],
    agentsAdded: [],
    agentsRemoved: [],
    agentsRenamed: [],
  };

  it('that are the same differ in nothing', () => {
    expect(compareRosters(roster, structuredClone(roster))).toBe('none');
  });

  it('name other keys, other names, and an agent in the place of another', () => {
    const { hpkeKey: _, ...shown } = member;
    const renewed = { ...roster, members: [{ ...member, hpkeKey: key(3) }] };
    expect(compareRosters(roster, renewed)).toEqual({ ...none, membersRenewed: [shown] });
    const renamed = { ...roster, agents: [{ ...agent, name: 'Other' }] };
    expect(compareRosters(roster, renamed)).toEqual({
      ...none,
      agentsRenamed: [{ id: 'a1', name: 'Other', before: 'Helper' }],
    });
    const exchanged = { ...roster, agents: [{ ...agent, key: key(4) }] };
    expect(compareRosters(roster, exchanged)).toEqual({
      ...none,
      agentsAdded: [{ id: 'a1', name: 'Helper' }],
      agentsRemoved: [{ id: 'a1', name: 'Helper' }],
    });
  });
});
