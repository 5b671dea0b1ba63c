import {
  decodeBase64url,
  equalBytes,
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

/** Whether a manifest is the remembered one, or follows from it as far as can be seen. */
function follows(manifest: VaultManifest, bytes: Uint8Array, memory: VaultMemory): boolean {
  const { counter, previous } = manifest;
  const { manifestHash } = memory;
  if (counter === memory.counter) {
    // The same bytes have the same signer.
    return manifest.identity_key === memory.identityKey && equalBytes(sha256(bytes), manifestHash);
  }
  if (counter > memory.counter + 1) return true;
  return (
    counter === memory.counter + 1 &&
    previous !== '' &&
    equalBytes(decodeBase64url(previous), manifestHash)
  );
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
  /** Of a write of this device whose answer was lost. */
  readonly pending?: VaultMemory | undefined;
  readonly successions?: readonly Succession[];
}

/**
 * Refuses a manifest of another vault than is remembered, of a signer to whom no succession leads, one
 * that goes back behind what is remembered, and one that forked off before it. Check its signature
 * first. Further than one step ahead the chain is not visible here: the signature of the remembered
 * identity key then stands for the steps between.
 *
 * @throws PzkError `vault_rollback`
 */
export async function assertNotRolledBack(
  manifest: VaultManifest,
  bytes: Uint8Array,
  { memory, pending, successions = [] }: RollbackCheck,
): Promise<void> {
  const sameVault = manifest.vault_id === memory.vaultId;
  let sameSigner = false;
  for (const known of [memory, pending]) {
    if (!sameVault || known === undefined) continue;
    const leads = await leadsTo(manifest, known, successions);
    sameSigner ||= leads;
    if (leads && follows(manifest, bytes, known)) return;
  }
  throw new PzkError('vault_rollback', 'The server shows another vault than this device knows.', {
    hint: sameSigner
      ? 'The service may have restored a backup. Ask its operator before you go on.'
      : 'The vault may have been replaced. Do not enter the API key; ask the operator.',
  });
}
