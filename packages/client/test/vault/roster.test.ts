import { encodeBase64url } from '@pzk-auth/protocol';
import { describe, expect, it } from 'vitest';
import type { SuccessionReview } from '../../src/index.js';
import { compareRosters, type KnownRoster } from '../../src/vault/roster.js';
import { user } from '../fake-issuer.js';
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

describe('the roster that a device has shown', () => {
  it('[V3] is compared at each opening: who was added by another device is named', async () => {
    const { platform, first, vault, second, theirs } = await twoDevices();
    await first.client.vault.open();
    expect(vault.contents.changes).toBeUndefined();
    const third = await join(platform, second);
    const broker = await createFakeBroker(platform);
    const pairing = await second.client.vault.agents.pair();
    broker.commit();
    await pairing.poll();
    broker.reveal();
    await pairing.poll();
    const agent = await pairing.confirm({ name: 'Helper' });
    // Not by what this device did itself.
    expect(theirs.contents.changes).toBeUndefined();

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
    // It stays while the vault is open, also after another opening and a write.
    const { changes } = opened.contents;
    await opened.addSecret({ name: 'a', value: 'x' });
    await page.vault.open();
    expect(opened.contents.changes).toEqual(changes);
    opened.lock();
    await page.vault.open();
    expect(opened.contents.changes).toBeUndefined();
  });

  it('[V3] is compared before the user approves another identity key', async () => {
    const { platform, first, second, theirs } = await twoDevices();
    const third = await join(platform, second);
    await second.client.vault.open();
    await first.client.vault.open();
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

  it('is unknown to a browser that has shown none', async () => {
    const { theirs } = await twoDevices();
    expect(theirs.contents.changes).toBeUndefined();
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
    expect(compareRosters(roster, structuredClone(roster))).toBeUndefined();
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
