import { DEVICE_SECRET_GENERATION, RECOVERY, type VaultManifest } from '@pzk-auth/protocol';

/** Who can open a vault. */
export interface RosterMember {
  /** Recipient id. */
  readonly id: string;
  /** What opens it: a passkey, a passkey with a secret in the browser's storage, or a recovery code. */
  readonly kind: 'passkey' | 'device' | 'recovery';
  /** base64url; absent for `recovery`. */
  readonly credentialId?: string;
}

/** An agent that may ask for secrets. */
export interface VaultAgentInfo {
  readonly id: string;
  readonly name: string;
}

/** The roster of a vault as the user of this device has confirmed it. */
export interface KnownRoster {
  readonly members: readonly (RosterMember & { readonly hpkeKey: string })[];
  readonly agents: readonly (VaultAgentInfo & { readonly key: string })[];
}

/** What differs between the roster that the user has confirmed on this device and the one that is shown. */
export interface RosterChanges {
  readonly membersAdded: readonly RosterMember[];
  readonly membersRemoved: readonly RosterMember[];
  /** With other keys, as after another PRF generation. */
  readonly membersRenewed: readonly RosterMember[];
  readonly agentsAdded: readonly VaultAgentInfo[];
  readonly agentsRemoved: readonly VaultAgentInfo[];
  /** With the new name. */
  readonly agentsRenamed: readonly (VaultAgentInfo & { readonly before: string })[];
}

/** `none` where nothing differs, `unknown` where no roster was confirmed on this device. */
export type RosterComparison = RosterChanges | 'none' | 'unknown';

type Recipient = VaultManifest['recipients'][number];

/** A recipient, for people. */
export function describeMember({ id, credential_id, generation }: Recipient): RosterMember {
  if (credential_id === RECOVERY) return Object.freeze({ id, kind: 'recovery' });
  const kind = generation === DEVICE_SECRET_GENERATION ? 'device' : 'passkey';
  return Object.freeze({ id, kind, credentialId: credential_id });
}

/** What to remember of a roster that is shown. */
export function rosterOf({
  recipients,
  agents,
}: Pick<VaultManifest, 'recipients' | 'agents'>): KnownRoster {
  return {
    members: recipients.map((one) => ({ ...describeMember(one), hpkeKey: one.hpke_key })),
    agents: agents.map(({ id, name, key }) => ({ id, name, key })),
  };
}

const withoutKeys = <T extends { readonly hpkeKey: string }>({ hpkeKey: _, ...member }: T) =>
  Object.freeze(member);
const agentInfo = ({ id, name }: VaultAgentInfo) => Object.freeze({ id, name });

function carryOver<T extends { readonly id: string }>(
  known: readonly T[],
  before: readonly T[],
  now: readonly T[],
): readonly T[] {
  const was = new Map(before.map((one) => [one.id, JSON.stringify(one)]));
  const written = now.filter((one) => was.get(one.id) !== JSON.stringify(one));
  const left = new Set(now.map(({ id }) => id));
  const changed = new Set(written.map(({ id }) => id));
  const isUntouched = ({ id }: T) => !changed.has(id) && (left.has(id) || !was.has(id));
  return [...known.filter(isUntouched), ...written];
}

/**
 * A roster that was confirmed, with what a write of this device has changed in it. What others changed stays
 * to be confirmed.
 *
 * @param before - That of the manifest before the write.
 * @param now - That of the write.
 */
function withOwnChanges(known: KnownRoster, before: KnownRoster, now: KnownRoster): KnownRoster {
  return {
    members: carryOver(known.members, before.members, now.members),
    agents: carryOver(known.agents, before.agents, now.agents),
  };
}

/** What a write of this device makes of the roster that was confirmed on it. */
export function ownChanges(before: VaultManifest, now: VaultManifest) {
  return (known: KnownRoster | undefined): KnownRoster | undefined =>
    known && withOwnChanges(known, rosterOf(before), rosterOf(now));
}

/** Compares the roster that was confirmed on this device with another one. */
export function compareRosters(
  before: KnownRoster | undefined,
  now: KnownRoster,
): RosterComparison {
  if (before === undefined) return 'unknown';
  const known = new Map(before.members.map((one) => [one.id, one]));
  const current = new Set(now.members.map(({ id }) => id));
  // An agent is its key: the same id with another one is another agent.
  const sameAgent = (one: KnownRoster['agents'][number]) => (other: typeof one) =>
    other.id === one.id && other.key === one.key;
  const changes: RosterChanges = {
    membersAdded: now.members.filter(({ id }) => !known.has(id)).map(withoutKeys),
    membersRemoved: before.members.filter(({ id }) => !current.has(id)).map(withoutKeys),
    membersRenewed: now.members
      .filter(({ id, hpkeKey }) => known.has(id) && known.get(id)?.hpkeKey !== hpkeKey)
      .map(withoutKeys),
    agentsAdded: now.agents.filter((one) => !before.agents.some(sameAgent(one))).map(agentInfo),
    agentsRemoved: before.agents.filter((one) => !now.agents.some(sameAgent(one))).map(agentInfo),
    agentsRenamed: now.agents.flatMap((one) => {
      const was = before.agents.find(sameAgent(one));
      if (was === undefined || was.name === one.name) return [];
      return Object.freeze({ ...agentInfo(one), before: was.name });
    }),
  };
  const lists: readonly (readonly unknown[])[] = Object.values(changes);
  for (const list of lists) Object.freeze(list);
  return lists.some((list) => list.length > 0) ? Object.freeze(changes) : 'none';
}
