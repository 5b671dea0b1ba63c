import type { HistoryNode, VaultEntry } from '@pzk-auth/protocol';
import type { DeviceRow } from './durable-stores.js';

/** A succession of the identity key, docs/protocol.md section 12.11; members as on the wire. */
export interface VaultSuccessionRow {
  readonly old_identity_key: string;
  readonly identity_key: string;
  readonly counter: number;
  readonly previous: string;
  readonly by: string;
  readonly signature: string;
}

/** A vault as the server keeps it: opaque blobs. */
export interface VaultRow {
  readonly account: string;
  /** Unique in the store; no write changes it. */
  readonly vaultId: string;
  /** base64url of the manifest's bytes. */
  readonly manifest: string;
  readonly manifestSignature: string;
  /** base64url of SHA-256 of the manifest's bytes: what a write must name. */
  readonly etag: string;
  readonly slots: VaultEntry['slots'];
  readonly recipients: readonly VaultRecipientRow[];
  /** In order, oldest first. */
  readonly successions: readonly VaultSuccessionRow[];
  /** Public signing key of the recovery code, base64url of 65 bytes; unique in the store. */
  readonly recoveryKey?: string | undefined;
}

/** The part of a vault that belongs to one recipient. */
export interface VaultRecipientRow {
  /** Recipient id of the manifest. */
  readonly id: string;
  /** Server id of the device; empty for the recovery code. */
  readonly device: string;
  readonly sealed: VaultEntry['sealed'];
  readonly pin: string;
}

/** An agent of a vault: what the manifest lists. */
export interface AgentRow {
  readonly account: string;
  /** Agent id of the manifest. */
  readonly id: string;
  readonly name: string;
  /** base64url of 65 bytes. */
  readonly key: string;
  /** RFC 7638 thumbprint of the key, base64url; unique in the store. */
  readonly jkt: string;
}

/** A write of a vault with all that happens together with it. */
export interface VaultWrite {
  /** `etag` of the row that the writer read. */
  readonly expected: string;
  readonly next: VaultRow;
  /** What the history of the vault gains, docs/protocol.md section 12.4: to be kept as long as the vault. */
  readonly history: readonly HistoryNode[];
  /** All agents of the next manifest: others of this account are deleted. */
  readonly agents: readonly AgentRow[];
  /**
   * A device that joins; `invitation` ends with it, and must be one of this account that this device has
   * joined and that is not ended. Whether it has expired the caller sees: that time never changes.
   */
  readonly joins?:
    | { readonly device: DeviceRow; readonly invitation?: string | undefined }
    | undefined;
  /** A release: the request must be of this account and wait, not expired at `release.at`. */
  readonly release?: VaultRelease | undefined;
}

/** What a release writes beside the vault. */
export interface VaultRelease {
  readonly request: string;
  readonly at: number;
  readonly enc: string;
  readonly ct: string;
  readonly signature: string;
  /** base64url of the receipt's bytes. */
  readonly receipt: string;
}

/**
 * Answer of {@link VaultStore.write}. `conflict`: another write came before, or the invitation or the
 * request is not as it must be. `known`: the credential id of the joining device, the recovery key, or
 * the key of an agent exists elsewhere (also: twice among `agents`). Nothing was written then.
 */
export type VaultWriteResult = 'written' | 'conflict' | 'known';

/** Vaults. They are created by `DeviceStore.enroll`. */
export interface VaultStore {
  get(account: string): Promise<VaultRow | undefined>;
  findByRecoveryKey(recoveryKey: string): Promise<VaultRow | undefined>;
  /**
   * Nodes of the history of the vault that the account has, those of them that were written, in any order.
   * A vault that replaces another begins without any.
   */
  findHistory(
    account: string,
    places: readonly Pick<HistoryNode, 'level' | 'position'>[],
  ): Promise<readonly HistoryNode[]>;
  /** One transaction: all of it or nothing. */
  write(write: VaultWrite): Promise<VaultWriteResult>;
  /**
   * Replaces the pin of one recipient, if the vault is still the one with this `etag`. `false` if not,
   * or if there is no such recipient. A write whose writer read the vault before brings the old pin back;
   * the recipient then makes its pin anew.
   */
  setPin(pin: {
    readonly account: string;
    readonly etag: string;
    readonly recipient: string;
    readonly pin: string;
  }): Promise<boolean>;
}

/** What a new browser brought to an invitation; it is no device yet. */
export interface InvitedDevice {
  /** Inserted as it stands when the vault lists it. */
  readonly device: DeviceRow;
  /** Recipient id of the roster. */
  readonly recipient: string;
  readonly hpkeKey: string;
  readonly salt: string;
  readonly generation: number;
  readonly pin: string;
  readonly macNew: string;
}

/** An invitation of a device, docs/protocol.md section 12.12. */
export interface InvitationRow {
  readonly id: string;
  readonly account: string;
  readonly vaultId: string;
  /** The device that invites. */
  readonly device: string;
  readonly macOld: string;
  readonly identityKey: string;
  readonly counter: number;
  readonly manifestHash: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly joined?: InvitedDevice | undefined;
  readonly ended: boolean;
}

/** Invitations. */
export interface InvitationStore {
  /** `false` if the id exists. Deletes those that expired more than a day ago. */
  insert(invitation: InvitationRow, now: number): Promise<boolean>;
  get(id: string): Promise<InvitationRow | undefined>;
  /** The one of this account that is not ended and that a device has joined as this recipient. */
  findJoined(account: string, recipient: string): Promise<InvitationRow | undefined>;
  /** Atomic: only one that nobody joined, that is not ended and expires after `now`. */
  join(id: string, invited: InvitedDevice, now: number): Promise<boolean>;
  /** `false` if there is none, or if it has ended already. */
  end(id: string): Promise<boolean>;
}

/** Where a pairing stands; each step happens once, in this order. */
export type PairingStatus = 'open' | 'committed' | 'answered' | 'revealed' | 'ended';

/** A pairing with an agent, docs/protocol.md section 13.2. */
export interface PairingRow {
  readonly id: string;
  readonly account: string;
  readonly vaultId: string;
  readonly device: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly status: PairingStatus;
  readonly name: string;
  readonly commitment: string;
  readonly identityKey: string;
  readonly nonceB: string;
  readonly agentKey: string;
  readonly nonceA: string;
}

/** What a step of a pairing adds. */
export type PairingStep = Partial<
  Pick<PairingRow, 'name' | 'commitment' | 'identityKey' | 'nonceB' | 'agentKey' | 'nonceA'>
>;

/** Pairings. */
export interface PairingStore {
  /** `false` if the id exists. Deletes those that expired more than a day ago. */
  insert(pairing: PairingRow, now: number): Promise<boolean>;
  get(id: string): Promise<PairingRow | undefined>;
  /** Atomic: only from this status, and only before it expires. */
  advance(
    id: string,
    change: {
      readonly from: PairingStatus;
      readonly to: PairingStatus;
      readonly step: PairingStep;
    },
    now: number,
  ): Promise<boolean>;
}

/** Agents. They are written with the vault that lists them. */
export interface AgentStore {
  findByJkt(jkt: string): Promise<AgentRow | undefined>;
}

/** Where a request of an agent stands. `waiting` beyond `expiresAt` counts as `expired`. */
export type ReleaseStatus = 'waiting' | 'released' | 'rejected' | 'cancelled' | 'ended';

/** A request of an agent and what became of it. */
export interface ReleaseRow {
  /** Request id. */
  readonly id: string;
  readonly account: string;
  /** Agent id of the manifest. */
  readonly agent: string;
  /** base64url of the request's bytes. */
  readonly request: string;
  /** The agent's signature. */
  readonly signature: string;
  /** Slot id. */
  readonly slot: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly expiresAt: number;
  readonly status: ReleaseStatus;
  /** Of a rejection. */
  readonly reason: string;
  /** What the broker has not fetched yet; empty before and after. */
  readonly enc: string;
  readonly ct: string;
  readonly releaseSignature: string;
  /** Requests made with the secret, as the broker reports. */
  readonly uses: number;
  readonly lastUsedAt?: number | undefined;
  /** Rises with every change of the row: the time of the change, or 1 more than before. Milliseconds. */
  readonly changedAt: number;
}

/** A receipt, docs/protocol.md section 13.5. */
export interface ReceiptRow {
  /** 1, 2, 3, ... within the account. */
  readonly number: number;
  /** base64url of its bytes. */
  readonly receipt: string;
}

/** Requests of agents, releases and receipts. */
export interface ReleaseStore {
  /**
   * Adds a waiting request unless as many wait (not expired at `at`) or came in the hour before `at` as
   * the limits say, or the id exists: one atomic check. An id that exists is `known`, also at a limit.
   * With it requests of the account go that came and last changed before `keptSince` and have ended; one
   * that was released and whose end nobody told, when no approval can last any more (`RELEASE_SPAN`).
   */
  insert(
    release: ReleaseRow,
    limits: {
      readonly waitingOfAgent: number;
      readonly waitingOfAccount: number;
      readonly hourlyOfAgent: number;
      /** Milliseconds since the epoch. */
      readonly keptSince: number;
    },
  ): Promise<'added' | 'known' | 'limited'>;
  get(id: string): Promise<ReleaseRow | undefined>;
  /** Newest first, those before `before` (milliseconds since the epoch), at most `limit`. */
  listByAccount(
    account: string,
    page: { readonly before?: number | undefined; readonly limit: number },
  ): Promise<readonly ReleaseRow[]>;
  /** Those of an agent that changed after a time, in order of the change, at most 100. */
  listChanged(
    agent: { readonly account: string; readonly agent: string },
    after: number,
  ): Promise<readonly ReleaseRow[]>;
  /**
   * Atomic: from `waiting`, not expired at `at`, to rejected or cancelled; from `released` to ended, which
   * also deletes what is sealed.
   */
  settle(
    id: string,
    change: {
      readonly from: 'waiting' | 'released';
      readonly to: 'rejected' | 'cancelled' | 'ended';
      readonly reason?: string | undefined;
      readonly at: number;
    },
  ): Promise<boolean>;
  /** Atomic: gives enc, ct and signature of a released one to one caller, and deletes them. */
  takeSealed(
    id: string,
    at: number,
  ): Promise<{ readonly enc: string; readonly ct: string; readonly signature: string } | undefined>;
  /**
   * Sets uses and time of a released or ended one; never lowers either. `at` comes from the broker: the
   * caller lets none pass that lies ahead.
   */
  recordUses(id: string, uses: number, at: number): Promise<boolean>;
  /** Receipts with a number above `after`, in order, at most `limit`. */
  listReceipts(
    account: string,
    range: { readonly after: number; readonly limit: number },
  ): Promise<readonly ReceiptRow[]>;
}

/** The wish to replace a vault that nobody can open, docs/protocol.md section 12.16. */
export interface VaultResetRow {
  readonly account: string;
  /** Milliseconds since the epoch. */
  readonly requestedAt: number;
  readonly effectiveAt: number;
}

/** Resets that wait. */
export interface VaultResetStore {
  get(account: string): Promise<VaultResetRow | undefined>;
  /** Adds it, or gives the one that waits already. */
  request(reset: VaultResetRow): Promise<VaultResetRow>;
  /** `false` if none waits. */
  cancel(account: string): Promise<boolean>;
}
