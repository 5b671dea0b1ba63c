import {
  decodeBase64url,
  equalBytes,
  isAncestor,
  PzkError,
  type Succession,
  sha256,
  type VaultManifest,
  vaultWords,
} from '@pzk-auth/protocol';
import { findSuccessions } from './succession-chain.js';

/** What a client remembers of a vault, to notice when a server shows it an older or another one. */
export interface VaultMemory {
  readonly vaultId: string;
  /** base64url of 65 bytes SEC1. */
  readonly identityKey: string;
  readonly counter: number;
  /** SHA-256 of the manifest's bytes. */
  readonly manifestHash: Uint8Array;
  /**
   * Where it began with an opening that rested on the pin alone, and the user has compared nothing yet:
   * it may all be a state of before a removal (docs/protocol.md section 12.8). Also where the user went on
   * with an older state than was remembered.
   */
  readonly fromPin?: true;
  /** Identity keys that the vault had before, as this device knows: base64url, newest last. */
  readonly former?: readonly string[];
}

/** As many as a server keeps successions. */
const MAXIMUM_FORMER = 64;

function formerKeys(
  { identityKey, former = [] }: Partial<VaultMemory>,
  passed: readonly string[],
  current: string,
): Pick<VaultMemory, 'former'> {
  const known = [...former, ...(identityKey === undefined ? [] : [identityKey]), ...passed];
  const others = new Set(known.filter((key) => key !== current));
  return others.size === 0 ? {} : { former: [...others].slice(-MAXIMUM_FORMER) };
}

/**
 * What to remember of a manifest that passed every check.
 *
 * @param before - What was remembered of the vault before.
 * @param passed - Identity keys between that and the manifest.
 */
export function rememberManifest(
  manifest: VaultManifest,
  bytes: Uint8Array,
  before: Partial<VaultMemory> = {},
  passed: readonly string[] = [],
): VaultMemory {
  const { fromPin } = before;
  return {
    vaultId: manifest.vault_id,
    identityKey: manifest.identity_key,
    counter: manifest.counter,
    manifestHash: sha256(bytes),
    ...(fromPin === undefined ? {} : { fromPin }),
    ...formerKeys(before, passed, manifest.identity_key),
  };
}

/** A state of a vault in words for people. */
export function wordsOfManifest(manifest: VaultManifest, bytes: Uint8Array): readonly string[] {
  const { issuer, vault_id: vaultId, identity_key, counter } = manifest;
  const identityKey = decodeBase64url(identity_key);
  const manifestHash = sha256(bytes);
  return Object.freeze(vaultWords({ issuer, vaultId, identityKey, counter, manifestHash }));
}

/**
 * Whoever takes over what this device knows of the vault would take it for granted, and an agent of an older
 * state would be given what it was taken away from.
 *
 * @throws PzkError `vault_compare_required` where it rests on the pin alone
 */
export function assertCompared({ fromPin }: VaultMemory): void {
  if (fromPin === undefined) return;
  throw new PzkError(
    'vault_compare_required',
    'This browser knows the vault by its passkey alone and cannot vouch for it.',
    {
      hint: 'Have the user compare it with a device that knows it, then confirmCompared; or go on there.',
    },
  );
}

/**
 * What to remember of a state that another device has vouched for: the newer one. Of another identity key
 * than is remembered it may be a device that was taken out: then what is remembered stays, for the next opening
 * to compare with, and the user is to compare.
 */
export function trustMemory(stored: VaultMemory | undefined, vouched: VaultMemory): VaultMemory {
  if (stored === undefined) return vouched;
  if (stored.identityKey !== vouched.identityKey) return { ...stored, fromPin: true };
  if (stored.counter > vouched.counter) return stored;
  // Two branches: the next opening tells them apart, and asks.
  if (stored.counter === vouched.counter && !isSame(stored, vouched)) return stored;
  return { ...vouched, ...formerKeys(stored, [], vouched.identityKey) };
}

function isSame(one: VaultMemory, other: VaultMemory): boolean {
  return one.counter === other.counter && equalBytes(one.manifestHash, other.manifestHash);
}

function rollback(hint: string): PzkError {
  return new PzkError('vault_rollback', 'The server shows another vault than this device knows.', {
    hint,
  });
}

const RESTORED = 'The service may have restored a backup. Ask its operator before you go on.';

/** A state of the vault that this device has passed, or that left what it remembers out. */
export function rollbackError(): PzkError {
  return rollback(RESTORED);
}

function conflict(): PzkError {
  return new PzkError(
    'vault_conflict',
    'This browser remembers another state of the vault meanwhile.',
    {
      hint: 'Open it again.',
    },
  );
}

/** What a new state rests on. */
export interface Advance {
  /** What it was compared with. */
  readonly checked?: VaultMemory | undefined;
  /**
   * What the user has said: that this older state is to be gone on with (`rollback`), that the remembered
   * one is the same on another device (`compared`), or that its roster is as it should be (`seen`).
   */
  readonly approved?: 'rollback' | 'compared' | 'seen' | undefined;
}

/**
 * What a device remembers from now on. Several pages of it may open and write at the same time, each
 * having checked against what was remembered when it began.
 *
 * @param stored - What is remembered now.
 * @param next - What a page has come to.
 * @returns `stored` where that is newer.
 * @throws PzkError `vault_rollback` where the server has shown two pages two branches of the vault;
 * `vault_conflict` where another page has gone on to a state that `next` was not compared with, or that
 * the user was not asked about
 */
export function advanceMemory(
  stored: VaultMemory | undefined,
  next: VaultMemory,
  { checked, approved }: Advance = {},
): VaultMemory {
  const { fromPin: _, ...compared } = next;
  if (approved !== undefined) {
    // The yes was about one state, and about no other.
    const asked = approved === 'rollback' ? checked : next;
    if (stored !== undefined && asked !== undefined && !isSame(stored, asked)) throw conflict();
    if (approved === 'seen') return stored ?? next;
    return approved === 'rollback' ? next : compared;
  }
  if (stored === undefined) return next;
  const forks = (one: VaultMemory) => one.counter === stored.counter && !isSame(one, stored);
  if (stored.vaultId !== next.vaultId || forks(next) || (checked !== undefined && forks(checked))) {
    throw rollback(RESTORED);
  }
  // In another page the user went on with an older state.
  if (checked !== undefined && checked.counter > stored.counter) throw conflict();
  if (stored.counter > next.counter) return stored;
  if (stored.counter < next.counter && stored.counter > (checked?.counter ?? 0)) throw conflict();
  // Once the user has compared, that holds for every page; until then for none.
  return stored.fromPin === undefined ? compared : { ...compared, fromPin: true };
}

/** Whether a manifest is the remembered one, or has it as an ancestor. */
function follows(manifest: VaultManifest, bytes: Uint8Array, check: RollbackCheck): boolean {
  const { identityKey, counter, manifestHash } = check.memory;
  if (manifest.counter === counter) {
    // The same bytes have the same signer.
    return manifest.identity_key === identityKey && equalBytes(sha256(bytes), manifestHash);
  }
  // Nobody asked for the hashes in between: a browser that knows two vaults asked for those of the other.
  if (check.ancestry === undefined && manifest.counter > counter + 1) throw conflict();
  return isAncestor(manifest, { counter, hash: manifestHash }, check.ancestry ?? []);
}

/** Whether a chain from the remembered identity key begins after what is remembered. */
function beginsAfter([first]: readonly Succession[], memory: VaultMemory): boolean {
  if (first === undefined) return true;
  // A key that was left before what is remembered signs nothing more.
  if (first.counter <= memory.counter) return false;
  return (
    first.counter > memory.counter + 1 ||
    equalBytes(decodeBase64url(first.previous), memory.manifestHash)
  );
}

/** What {@link findRollback} compares with. */
export interface RollbackCheck {
  readonly memory: VaultMemory;
  /** Hashes that lead from what is remembered to the manifest, as the server tells them. */
  readonly ancestry?: readonly string[] | undefined;
  readonly successions?: readonly Succession[] | undefined;
}

/**
 * Who signed a state that goes back behind what is remembered, or forked off before: the identity key that
 * is remembered; a later one, to which that leads; an earlier one, or one to which only an earlier one leads.
 * With `earlier` a change of keys is undone that this device knows: who was taken out by it may be in again.
 */
export type RollbackSigner = 'remembered' | 'later' | 'earlier';

/**
 * Compares a manifest with what is remembered. Check its signature first.
 *
 * @returns `undefined` where it is the remembered one, or has it as an ancestor; else who signed it.
 * @throws PzkError `vault_rollback` for another vault, and for a signer to whom no key leads that this device
 * knows of the vault; `vault_conflict` where the ancestry is needed and was not asked for
 */
export async function findRollback(
  manifest: VaultManifest,
  bytes: Uint8Array,
  check: RollbackCheck,
): Promise<RollbackSigner | undefined> {
  const { memory, successions = [] } = check;
  if (manifest.vault_id === memory.vaultId) {
    const chain = await findSuccessions(manifest, memory.identityKey, successions);
    if (chain !== undefined) {
      if (beginsAfter(chain, memory) && follows(manifest, bytes, check)) return undefined;
      return chain.length === 0 ? 'remembered' : 'later';
    }
    for (const key of memory.former ?? []) {
      if ((await findSuccessions(manifest, key, successions)) !== undefined) return 'earlier';
    }
  }
  throw rollback('The vault may have been replaced. Do not enter the API key; ask the operator.');
}
