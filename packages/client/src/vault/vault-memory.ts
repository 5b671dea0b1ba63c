import {
  decodeBase64url,
  equalBytes,
  isAncestor,
  PzkError,
  type Succession,
  sha256,
  type VaultManifest,
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
   * it may all be a state of before a removal (docs/protocol.md section 12.8).
   */
  readonly fromPin?: true;
}

/**
 * What to remember of a manifest that passed every check.
 *
 * @param before - What was remembered of the vault before.
 */
export function rememberManifest(
  manifest: VaultManifest,
  bytes: Uint8Array,
  { fromPin }: Pick<VaultMemory, 'fromPin'> = {},
): VaultMemory {
  return {
    vaultId: manifest.vault_id,
    identityKey: manifest.identity_key,
    counter: manifest.counter,
    manifestHash: sha256(bytes),
    ...(fromPin === undefined ? {} : { fromPin }),
  };
}

/**
 * Whoever takes over what this device knows of the vault would take it for granted.
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

function isSame(one: VaultMemory, other: VaultMemory): boolean {
  return one.counter === other.counter && equalBytes(one.manifestHash, other.manifestHash);
}

function rollback(hint: string): PzkError {
  return new PzkError('vault_rollback', 'The server shows another vault than this device knows.', {
    hint,
  });
}

const RESTORED = 'The service may have restored a backup. Ask its operator before you go on.';

/**
 * What a device remembers from now on. Several pages of it may open and write at the same time, each
 * having checked against what was remembered when it began.
 *
 * @param stored - What is remembered now.
 * @param next - What a page has come to.
 * @param checked - What it compared `next` with.
 * @returns `stored` where that is newer.
 * @throws PzkError `vault_rollback` where the server has shown two pages two branches of the vault;
 * `vault_conflict` where another page has gone on to a state that `next` was not compared with
 */
export function advanceMemory(
  stored: VaultMemory | undefined,
  next: VaultMemory,
  checked: VaultMemory | undefined,
): VaultMemory {
  if (stored === undefined) return next;
  const forks = (one: VaultMemory) => one.counter === stored.counter && !isSame(one, stored);
  if (stored.vaultId !== next.vaultId || forks(next) || (checked !== undefined && forks(checked))) {
    throw rollback(RESTORED);
  }
  if (stored.counter > next.counter) return stored;
  if (stored.counter < next.counter && stored.counter > (checked?.counter ?? 0)) {
    throw new PzkError('vault_conflict', 'Another page has gone on with the vault meanwhile.', {
      hint: 'Open it again.',
    });
  }
  const { fromPin: _, ...rest } = next;
  // Once the user has compared, that holds for every page.
  return stored.fromPin === undefined ? rest : next;
}

/** Whether a manifest is the remembered one, or has it as an ancestor. */
function follows(manifest: VaultManifest, bytes: Uint8Array, check: RollbackCheck): boolean {
  const { identityKey, counter, manifestHash } = check.memory;
  if (manifest.counter === counter) {
    // The same bytes have the same signer.
    return manifest.identity_key === identityKey && equalBytes(sha256(bytes), manifestHash);
  }
  return isAncestor(manifest, { counter, hash: manifestHash }, check.ancestry ?? []);
}

/** Whether the remembered identity key is the signer, or has named it, step by step, since then. */
async function leadsTo(
  manifest: VaultManifest,
  memory: VaultMemory,
  successions: readonly Succession[],
): Promise<boolean> {
  const chain = await findSuccessions(manifest, memory.identityKey, successions);
  if (chain === undefined) return false;
  const [first] = chain;
  if (first === undefined) return true;
  // A key that was left before what is remembered signs nothing more.
  if (first.counter <= memory.counter) return false;
  return (
    first.counter > memory.counter + 1 ||
    equalBytes(decodeBase64url(first.previous), memory.manifestHash)
  );
}

/** What {@link assertNotRolledBack} compares with. */
export interface RollbackCheck {
  readonly memory: VaultMemory;
  /** Hashes that lead from what is remembered to the manifest, as the server tells them. */
  readonly ancestry?: readonly string[] | undefined;
  readonly successions?: readonly Succession[] | undefined;
}

/**
 * Refuses a manifest of another vault than is remembered, of a signer to whom no succession leads, and
 * one of which the remembered manifest is no ancestor: it goes back behind that, or forked off before.
 * Check its signature first.
 *
 * @throws PzkError `vault_rollback`
 */
export async function assertNotRolledBack(
  manifest: VaultManifest,
  bytes: Uint8Array,
  check: RollbackCheck,
): Promise<void> {
  const { memory, successions = [] } = check;
  const sameVault = manifest.vault_id === memory.vaultId;
  const sameSigner = sameVault && (await leadsTo(manifest, memory, successions));
  if (sameSigner && follows(manifest, bytes, check)) return;
  throw rollback(
    sameSigner
      ? RESTORED
      : 'The vault may have been replaced. Do not enter the API key; ask the operator.',
  );
}
