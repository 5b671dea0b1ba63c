import {
  DEVICE_SECRET_GENERATION,
  decodeBase64url,
  identityWords,
  RECOVERY,
  type VaultAgent,
} from '@pzk-auth/protocol';
import { describeSlots, type VaultSlot } from '../vault/slot-changes.js';
import type { UnlockedVault } from '../vault/unlocked-vault.js';

/** Who can open a vault. */
export interface VaultMember {
  /** Recipient id. */
  readonly id: string;
  /** What opens it: a passkey, a passkey with a secret in the browser's storage, or a recovery code. */
  readonly kind: 'passkey' | 'device' | 'recovery';
  /** base64url; absent for `recovery`. */
  readonly credentialId?: string;
  /** Whether it is this device. */
  readonly own: boolean;
  /** Its device was revoked: it has to be taken out, by `removeDevice`. */
  readonly revoked: boolean;
}

/** An agent that may ask for secrets. */
export interface VaultAgentInfo {
  readonly id: string;
  readonly name: string;
}

/** What of an open vault is shown. */
export interface VaultContents {
  readonly vaultId: string;
  /**
   * What says that this is the vault as it is now. `memory`: what this device remembers, from when it made
   * the vault, was invited, or its user has compared. `pin`: the pin of the passkey alone, which the server
   * keeps and may give in a state of before a removal. Show it, with `identityWords` and `members`, have
   * the user compare both with another device, and on a yes call `confirmCompared`.
   */
  readonly basis: 'memory' | 'pin';
  /** The identity key in eight words: the same on every device that rests on the same key. */
  readonly identityWords: readonly string[];
  readonly slots: readonly VaultSlot[];
  readonly members: readonly VaultMember[];
  readonly agents: readonly VaultAgentInfo[];
  /**
   * While a reset waits: from when on the vault can be replaced, seconds since the epoch. Show it, with
   * a way to `reset.cancel`.
   */
  readonly resetAt?: number;
  /** When it locks itself, milliseconds since the epoch by this device's clock. */
  readonly locksAt: number;
}

/** Where the vault of this page stands. */
export type VaultState =
  | { readonly status: 'locked' }
  /** Waits for the user and the passkey. */
  | { readonly status: 'opening' }
  | ({ readonly status: 'open' } & VaultContents);

/** What the server says of a vault. Nothing rests on it but what is asked of the user. */
export interface ServerNotes {
  readonly revoked: readonly string[];
  readonly resetAt?: number | undefined;
}

const describeAgent = ({ id, name }: VaultAgent) => Object.freeze({ id, name });

/** Describes an unlocked vault for people; each slot is decrypted for its name. */
export async function describeVault(
  vault: UnlockedVault,
  { revoked, resetAt }: ServerNotes,
  locksAt: number,
): Promise<VaultState & { status: 'open' }> {
  const members = vault.manifest.recipients.map(
    ({ id, credential_id, generation }): VaultMember => {
      const own = id === vault.recipient.id;
      // Nobody revokes a code: a server that says so would have it taken out, unseen.
      if (credential_id === RECOVERY) {
        return Object.freeze({ id, own, revoked: false, kind: 'recovery' });
      }
      const common = { id, own, revoked: !own && revoked.includes(id) };
      const kind = generation === DEVICE_SECRET_GENERATION ? 'device' : 'passkey';
      return Object.freeze({ ...common, kind, credentialId: credential_id });
    },
  );
  const { issuer, vault_id: vaultId, identity_key } = vault.manifest;
  const identityKey = decodeBase64url(identity_key);
  return {
    status: 'open',
    vaultId,
    basis: vault.memory.fromPin === true ? 'pin' : 'memory',
    identityWords: Object.freeze(identityWords({ issuer, vaultId, identityKey })),
    slots: await describeSlots(vault),
    members: Object.freeze(members),
    agents: Object.freeze(vault.manifest.agents.map(describeAgent)),
    ...(resetAt === undefined ? {} : { resetAt }),
    locksAt,
  };
}
