import {
  type Bytes,
  encodeBase64url,
  fitsVault,
  formatManifest,
  historyAfter,
  limits,
  PzkError,
  type Succession,
  sha256,
  type VaultManifest,
  type VaultWrite,
  vaultEtag,
} from '@pzk-auth/protocol';
import { signManifest, type UnlockedVault } from './unlocked-vault.js';
import { rememberManifest } from './vault-memory.js';

/** What differs in the next manifest. */
export interface VaultChange {
  readonly manifest?: Partial<
    Pick<VaultManifest, 'identity_key' | 'recipients' | 'slots' | 'agents' | 'receipts_head'>
  >;
  /** Slots that are new or changed. */
  readonly slots?: VaultWrite['slots'];
  /** Recipients that are new or sealed anew. */
  readonly recipients?: VaultWrite['recipients'];
  readonly succession?: Succession;
  /** Where vault key and identity key change. The write takes them over; wipe them if it fails. */
  readonly secrets?: Bytes;
  /** Where the writer's own recipient changes its secret. */
  readonly pinKey?: CryptoKey;
}

/** A write that was made and not sent yet. */
export interface PreparedWrite {
  readonly write: VaultWrite;
  /** Entity tag of the vault that it follows. */
  readonly ifMatch: string;
  /** The vault after it. Shares the secrets with the vault before, unless they change. */
  readonly next: UnlockedVault;
}

function tooLarge(cause?: unknown): PzkError {
  const options = cause === undefined ? {} : { cause };
  return new PzkError('invalid_request', 'The vault has no room for that.', {
    ...options,
    hint: `It holds up to ${limits.vaultSlots} secrets, ${limits.vaultRecipients} devices, ${limits.vaultAgents} agents, and ${limits.vaultBlobBytes / 1024} KiB of ciphertext.`,
  });
}

/** The manifest that follows. */
export function nextManifest(vault: UnlockedVault, change: VaultChange): VaultManifest {
  return {
    ...vault.manifest,
    ...change.manifest,
    counter: vault.manifest.counter + 1,
    previous: encodeBase64url(sha256(vault.bytes)),
    history: historyAfter(vault.manifest),
  };
}

/**
 * Makes the write of a change: the next manifest, signed, and what is new (docs/protocol.md section
 * 12.10). Only what follows from the given vault, which was opened and checked.
 *
 * @throws PzkError `invalid_request` where a limit of the vault does not allow it
 */
export async function prepareWrite(
  vault: UnlockedVault,
  change: VaultChange,
): Promise<PreparedWrite> {
  const manifest = nextManifest(vault, change);
  const { secrets = vault.secrets, slots = [], recipients = [], succession } = change;
  const listed = new Set(manifest.slots.map(({ id }) => id));
  const blobs = new Map([...vault.blobs].filter(([id]) => listed.has(id)));
  for (const { id, blob } of slots) blobs.set(id, blob);
  if (!fitsVault([...blobs.values()].map((blob) => ({ blob })))) throw tooLarge();
  let bytes: Bytes;
  try {
    bytes = formatManifest(manifest);
  } catch (cause) {
    throw tooLarge(cause);
  }
  const signature = await signManifest({ secrets, manifest }, bytes);
  const own = manifest.recipients.find(({ id }) => id === vault.recipient.id);
  if (own === undefined) throw new TypeError('A vault is not written without its writer.');
  return {
    write: {
      manifest: encodeBase64url(bytes),
      manifest_signature: encodeBase64url(signature),
      ...(succession === undefined ? {} : { succession }),
      recipients: [...recipients],
      slots: [...slots],
    },
    ifMatch: vaultEtag(vault.bytes),
    next: {
      manifest,
      bytes,
      signature,
      recipient: own,
      pinKey: change.pinKey ?? vault.pinKey,
      secrets,
      blobs,
      memory: rememberManifest(manifest, bytes, vault.memory),
      seenNext: vault.seenNext,
    },
  };
}
