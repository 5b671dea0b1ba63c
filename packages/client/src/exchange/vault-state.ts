import type { VaultAgent } from '@pzk-auth/protocol';
import {
  compareRosters,
  describeMember,
  type KnownRoster,
  type RosterComparison,
  type RosterMember,
  rosterOf,
  type VaultAgentInfo,
} from '../vault/roster.js';
import { describeSlots, readDeviceNames, type VaultSlot } from '../vault/slot-changes.js';
import type { UnlockedVault } from '../vault/unlocked-vault.js';
import { wordsOfManifest } from '../vault/vault-memory.js';

/** Who can open a vault, as an open one shows it. */
export interface VaultMember extends RosterMember {
  /**
   * What the user calls it, where it has a name. Every device of the vault can write it, so show a piece of
   * the id with it.
   */
  readonly name?: string;
  /** Whether it is this device. */
  readonly own: boolean;
  /** Its device was revoked: it has to be taken out, by `removeDevice`. */
  readonly revoked: boolean;
}

/** What of an open vault is shown. */
export interface VaultContents {
  readonly vaultId: string;
  /**
   * What says that this is the vault as it is now. `memory`: what this device remembers, from when it made
   * the vault, was invited, or its user has compared. `pin`: the pin of the passkey alone, which the server
   * keeps and may give in a state of before, as of before a removal. Show it, with `vaultWords`, have the user
   * compare them with a device whose basis is `memory`, and on a yes call `confirmCompared`.
   */
  readonly basis: 'memory' | 'pin';
  /**
   * The vault as it is shown here, in eight words: the same on every device that shows the same members,
   * agents, secrets and past. Each write changes them, so both devices open the vault anew to compare.
   */
  readonly vaultWords: readonly string[];
  readonly slots: readonly VaultSlot[];
  readonly members: readonly VaultMember[];
  readonly agents: readonly VaultAgentInfo[];
  /**
   * What differs from the members and agents that the user has confirmed on this device, by any of its
   * pages: show it, as nothing proves who did it, and call `confirmChanges` on the user's word. `none` where
   * nothing differs; `unknown` where nothing was confirmed yet: show the whole list. What this device does
   * itself needs no confirming.
   */
  readonly changes: RosterComparison;
  /**
   * While a reset waits: from when on the vault can be replaced, seconds since the epoch. Show it, with
   * a way to `reset.cancel`.
   */
  readonly resetAt?: number;
  /** When it locks itself, seconds since the epoch by this device's clock. */
  readonly locksAt: number;
}

/** Where the vault of this page stands. */
export type VaultState =
  | { readonly status: 'locked' }
  /** Waits for the user and the passkey. */
  | { readonly status: 'opening' }
  | ({ readonly status: 'open' } & VaultContents);

/** What an opening tells besides the vault. */
export interface OpeningNotes {
  /** The server's word, as the next one: nothing rests on it but what is asked of the user. */
  readonly revoked: readonly string[];
  readonly resetAt?: number | undefined;
  /** The roster that the user has confirmed on this device: no server's word. */
  readonly roster: KnownRoster | undefined;
}

const describeAgent = ({ id, name }: VaultAgent) => Object.freeze({ id, name });

/** Describes an unlocked vault for people; each slot is decrypted for its name. */
export async function describeVault(
  vault: UnlockedVault,
  { revoked, resetAt, roster }: OpeningNotes,
  locksAtMs: number,
): Promise<VaultState & { status: 'open' }> {
  const names = await readDeviceNames(vault);
  const members = vault.manifest.recipients.map((recipient): VaultMember => {
    const member = describeMember(recipient);
    const own = member.id === vault.recipient.id;
    // Nobody revokes a code: a server that says so would have it taken out, unseen.
    const isRevoked = !own && member.kind !== 'recovery' && revoked.includes(member.id);
    const name = member.kind === 'recovery' ? undefined : names.get(member.id);
    const named = name === undefined ? {} : { name };
    return Object.freeze({ ...member, ...named, own, revoked: isRevoked });
  });
  return {
    status: 'open',
    vaultId: vault.manifest.vault_id,
    basis: vault.memory.fromPin === true ? 'pin' : 'memory',
    vaultWords: wordsOfManifest(vault.manifest, vault.bytes),
    slots: await describeSlots(vault),
    members: Object.freeze(members),
    agents: Object.freeze(vault.manifest.agents.map(describeAgent)),
    changes: compareRosters(roster, rosterOf(vault.manifest)),
    ...(resetAt === undefined ? {} : { resetAt }),
    locksAt: Math.floor(locksAtMs / 1000),
  };
}
