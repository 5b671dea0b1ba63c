import { isPzkError, isUndecided, PzkError, vaultWriteResponseSchema } from '@pzk-auth/protocol';
import { createSnapshotStore, type Observable } from '../session/snapshot-store.js';
import type { ClientRecords } from '../storage/client-records.js';
import type { PreparedWrite } from '../vault/prepare-write.js';
import { ownChanges, rosterOf } from '../vault/roster.js';
import type { ReplacedSlot } from '../vault/unlock-vault-entry.js';
import { type UnlockedVault, wipeVault } from '../vault/unlocked-vault.js';
import type { AccountApi } from './account-api.js';
import type { OpenOptions, TouchOptions } from './vault-context.js';
import { describeVault, type OpeningNotes, type VaultState } from './vault-state.js';

/** A change of the vault that was prepared. */
export interface VaultStep<T> {
  /** Absent where the vault is as it should be already. */
  readonly prepared?: PreparedWrite;
  readonly result: T;
  /** Where the write goes otherwise than to `/vault`; answers with the new entity tag. */
  readonly send?: (prepared: PreparedWrite) => Promise<{ readonly etag: string }>;
}

/** Keeps the vault of a page unlocked in memory for a time, and writes to it. */
export interface VaultHolder {
  readonly state: Observable<VaultState>;
  /** Shows that the user is asked; the function returned shows what was before. */
  showOpening(): () => void;
  /** Takes an unlocked vault over, to be wiped after `keepFor` seconds. */
  adopt(vault: UnlockedVault, notes: OpeningNotes, keepFor: number): Promise<void>;
  /**
   * Options to open the vault anew on the way to something else: for as long as the user has opened it
   * for, and without asking again about the slots that it was opened without.
   */
  asBefore(options: TouchOptions): OpenOptions;
  /** Whether it is unlocked, also by the clock: timers stand still while a computer sleeps. */
  isOpen(): boolean;
  /** Forgets the vault; what works on it ends first. */
  lock(): void;
  /**
   * Reads the vault, which stays unlocked at least until the function ends.
   *
   * @throws PzkError `vault_locked`
   */
  read<T>(use: (vault: UnlockedVault) => T | Promise<T>): Promise<T>;
  /**
   * Changes the vault. One change after the other: each follows from the one before.
   *
   * @throws PzkError `vault_locked`, `vault_conflict`, what the function throws, and the server's codes
   */
  change<T>(prepare: (vault: UnlockedVault) => Promise<VaultStep<T>>): Promise<T>;
  /**
   * Notes that the user has compared the vault with another device.
   *
   * @throws PzkError `vault_locked`; `vault_conflict` where this device remembers another state meanwhile
   */
  confirmCompared(): Promise<void>;
  /**
   * Notes that the user has seen who came, went or was renamed.
   *
   * @throws PzkError as `confirmCompared`
   */
  confirmChanges(): Promise<void>;
}

function lockedError(): PzkError {
  return new PzkError('vault_locked', 'The vault is locked.', { hint: 'Open it with a touch.' });
}

function conflict(): PzkError {
  return new PzkError('vault_conflict', 'The vault has changed since it was opened here.', {
    hint: 'Open it again, then do the same.',
  });
}

/** An unlocked vault and those who work on it. Its secrets live until it is left and none does. */
interface Holding {
  vault: UnlockedVault;
  notes: OpeningNotes;
  readonly locksAt: number;
  users: number;
}

export function createVaultHolder(
  records: ClientRecords,
  api: AccountApi,
  clock: () => number,
): VaultHolder {
  const store = createSnapshotStore<VaultState>({ status: 'locked' });
  let held: Holding | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** How it was opened last; holds after it was locked, too. */
  let opened: { readonly keepFor: number; readonly without: readonly ReplacedSlot[] } | undefined;
  /** The change that came last. */
  let last: Promise<unknown> = Promise.resolve();

  function wipeUnused(holding: Holding): void {
    if (holding !== held && holding.users === 0) wipeVault(holding.vault);
  }

  function leave(): void {
    clearTimeout(timer);
    const left = held;
    held = undefined;
    // Not while somebody works on it: what is sealed under overwritten secrets anybody could open.
    if (left !== undefined) wipeUnused(left);
  }

  function lock(): void {
    leave();
    if (store.getSnapshot().status !== 'locked') store.set({ status: 'locked' });
  }

  function current(): Holding | undefined {
    // Timers stand still while a computer sleeps.
    if (held !== undefined && clock() >= held.locksAt) lock();
    return held;
  }

  async function use<T>(work: (holding: Holding) => Promise<T>): Promise<T> {
    const holding = current();
    if (holding === undefined) throw lockedError();
    holding.users++;
    try {
      return await work(holding);
    } finally {
      holding.users--;
      wipeUnused(holding);
    }
  }

  async function show(holding: Holding): Promise<void> {
    const { vault, notes, locksAt } = holding;
    const described = await describeVault(vault, notes, locksAt);
    if (holding === held) store.set(described);
  }

  /** What this device remembers, where that is newer: another page may have gone on meanwhile. */
  async function readNewer({ memory }: UnlockedVault) {
    const stored = await records.readVault(memory.vaultId);
    return stored !== undefined && stored.vault.counter > memory.counter ? stored : undefined;
  }

  /** Remembers a state that follows from another, unless a newer one is remembered. */
  async function remember({ memory, recipient, manifest }: UnlockedVault, before: UnlockedVault) {
    const { credential_id: credentialId, generation } = recipient;
    const roster = ownChanges(before.manifest, manifest);
    const record = { credentialId, generation, vault: memory };
    await records.advanceDevice(record, { checked: before.memory, roster });
  }

  async function commit<T>(holding: Holding, { prepared, send }: VaultStep<T>): Promise<void> {
    if (prepared === undefined) return;
    const before = holding.vault;
    const { next, write, ifMatch } = prepared;
    const wipeOther = (kept: UnlockedVault, other: UnlockedVault) => {
      if (kept.secrets !== other.secrets) wipeVault(other);
    };
    try {
      if ((await readNewer(before)) !== undefined) throw conflict();
      await (send?.(prepared) ?? api.post('/vault', write, vaultWriteResponseSchema, { ifMatch }));
    } catch (cause) {
      wipeOther(before, next);
      // What stands at the server now only another opening tells.
      const isConflict = isPzkError(cause) && cause.code === 'vault_conflict';
      if (holding === held && (isConflict || isUndecided(cause))) lock();
      throw cause;
    }
    try {
      await remember(next, before);
    } catch (cause) {
      // Another page was shown another branch.
      wipeOther(before, next);
      if (holding === held) lock();
      throw cause;
    }
    const roster = ownChanges(before.manifest, next.manifest)(holding.notes.roster);
    holding.notes = { ...holding.notes, roster };
    holding.vault = next;
    wipeOther(next, before);
  }

  function inTurn<T>(work: (holding: Holding) => Promise<T>): Promise<T> {
    const turn = last.then(() => use(work));
    last = turn.catch(() => undefined);
    return turn;
  }

  return {
    state: { subscribe: store.subscribe, getSnapshot: store.getSnapshot },
    showOpening() {
      const before = store.getSnapshot();
      if (held !== undefined) return () => undefined;
      const opening: VaultState = { status: 'opening' };
      store.set(opening);
      return () => {
        if (store.getSnapshot() === opening) store.set(before);
      };
    },
    async adopt(vault, notes, keepFor) {
      const locksAt = clock() + keepFor * 1000;
      const holding: Holding = { vault, notes, locksAt, users: 1 };
      leave();
      held = holding;
      opened = { keepFor, without: vault.manifest.slots.filter(({ id }) => !vault.blobs.has(id)) };
      try {
        await show(holding);
        if (holding !== held) return;
        timer = setTimeout(lock, keepFor * 1000);
        if (typeof timer === 'object') timer.unref();
      } catch (cause) {
        if (holding === held) lock();
        throw cause;
      } finally {
        holding.users--;
        wipeUnused(holding);
      }
    },
    asBefore(options) {
      if (opened === undefined) return options;
      const { keepFor, without } = opened;
      // The same version only: one that was written anew since is a loss of which the user does not know.
      const isKnown = ({ id, version }: ReplacedSlot) =>
        without.some((one) => one.id === id && one.version === version);
      return {
        ...options,
        keepFor,
        approveReplacedSlots: (slots) =>
          slots.every(isKnown) || (options.approveReplacedSlots?.(slots) ?? false),
      };
    },
    isOpen: () => current() !== undefined,
    lock,
    read: (work) => use(async ({ vault }) => work(vault)),
    change: (prepare) =>
      inTurn(async (holding) => {
        const step = await prepare(holding.vault);
        await commit(holding, step);
        await show(holding);
        return step.result;
      }),
    confirmCompared: () =>
      inTurn(async (holding) => {
        const { fromPin: _, ...memory } = holding.vault.memory;
        await records.advanceVault(memory, { approved: 'compared' });
        holding.vault = { ...holding.vault, memory };
        await show(holding);
      }),
    confirmChanges: () =>
      inTurn(async (holding) => {
        const roster = rosterOf(holding.vault.manifest);
        const { memory } = holding.vault;
        await records.advanceVault(memory, { approved: 'seen', roster: () => roster });
        holding.notes = { ...holding.notes, roster };
        await show(holding);
      }),
  };
}
