import {
  type Bytes,
  isPzkError,
  PzkError,
  type VaultPinRequest,
  type VaultWrite,
} from '@pzk-auth/protocol';
import { prepareWrite } from './prepare-write.js';
import { signPin } from './sign-pin.js';
import { addApiKeySlot } from './slot-changes.js';
import { type UnlockVaultEntryOptions, unlockVaultEntry } from './unlock-vault-entry.js';
import { openSlotOf, type UnlockedVault, wipeVault } from './unlocked-vault.js';
import type { VaultMemory } from './vault-memory.js';

/** What opening a vault takes. */
export interface OpenVaultEntryOptions extends UnlockVaultEntryOptions {
  /** As the user has typed it in. Serves where the vault lists none. */
  readonly apiKey?: Bytes | undefined;
}

/** A write that puts the API key into a vault which lists none. To be sent once the key has proved right. */
export interface OwnKeyWrite {
  readonly write: VaultWrite;
  readonly ifMatch: string;
  /** What this device remembers once it was answered. */
  readonly next: {
    readonly credentialId: string;
    readonly generation: number;
    readonly vault: VaultMemory;
  };
  /** What it follows from. */
  readonly before: VaultMemory;
}

/** An opened vault. Overwrite `apiKey` after use. */
export interface OpenedVaultEntry {
  readonly apiKey: Bytes;
  readonly generation: number;
  readonly memory: VaultMemory;
  /** Where the user approved another signer: what the server is to keep from now on. */
  readonly pin?: VaultPinRequest;
  /** Where the user went on with an older state than this device remembered. */
  readonly approved?: 'rollback';
  /** Where the API key was typed in and is not in the vault, which is known by more than the pin. */
  readonly ownKey?: OwnKeyWrite;
}

async function prepareOwnKey(
  vault: UnlockedVault,
  apiKey: Bytes,
): Promise<{ readonly ownKey?: OwnKeyWrite }> {
  // Who was taken out may read what is written here, and a start shows nobody that it rests on the pin alone.
  if (vault.memory.fromPin !== undefined) return {};
  try {
    const { write, ifMatch, next } = await prepareWrite(vault, await addApiKeySlot(vault, apiKey));
    const { credential_id: credentialId, generation } = vault.recipient;
    const remembered = { credentialId, generation, vault: next.memory };
    return { ownKey: { write, ifMatch, next: remembered, before: vault.memory } };
  } catch (cause) {
    if (!isPzkError(cause)) throw cause;
    // A vault that has no room for it keeps nobody from signing in.
    return {};
  }
}

/**
 * Opens a vault entry from the server for the API key in it: all of `unlockVaultEntry`, then the slot
 * decrypts in its place. Where none is listed, the key typed in serves, and is to be put there unless the opening
 * rests on the pin alone.
 *
 * @throws PzkError those of `unlockVaultEntry`, `vault_missing`; `vault_slot_damaged` where the key's own slot
 * does not open, or is one without which the user lets the vault open
 */
export async function openVaultEntry(options: OpenVaultEntryOptions): Promise<OpenedVaultEntry> {
  const { vault, newPin, approved } = await unlockVaultEntry(options);
  try {
    const { recipient, memory } = vault;
    const { generation } = recipient;
    const told = {
      ...(approved === undefined ? {} : { approved }),
      ...(newPin === undefined ? {} : { pin: await signPin(vault, newPin) }),
    };
    const slot = vault.manifest.slots.find(({ kind }) => kind === 'api-key');
    if (slot === undefined) {
      if (options.apiKey === undefined) {
        throw new PzkError('vault_missing', 'The vault holds no API key.', {
          hint: 'Start with the API key, which puts it back.',
        });
      }
      const ownKey = await prepareOwnKey(vault, options.apiKey);
      return { apiKey: options.apiKey.slice(), generation, memory, ...told, ...ownKey };
    }
    if (!vault.blobs.has(slot.id)) {
      // Past the user's yes it is lost like one that does not open: the vault itself is in order.
      throw new PzkError('vault_slot_damaged', 'The slot of the API key cannot be read.', {
        hint: 'Start with the API key, then store it in its slot again.',
      });
    }
    return { apiKey: await openSlotOf(vault, slot.id), generation, memory, ...told };
  } finally {
    wipeVault(vault);
  }
}
