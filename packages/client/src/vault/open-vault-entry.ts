import { type Bytes, PzkError, type VaultPinRequest } from '@pzk-auth/protocol';
import { signPin } from './sign-pin.js';
import { type UnlockVaultEntryOptions, unlockVaultEntry } from './unlock-vault-entry.js';
import { openSlotOf, wipeVault } from './unlocked-vault.js';
import type { VaultMemory } from './vault-memory.js';

/** What opening a vault takes. */
export type OpenVaultEntryOptions = UnlockVaultEntryOptions;

/** An opened vault. Overwrite `apiKey` after use. */
export interface OpenedVaultEntry {
  readonly apiKey: Bytes;
  readonly generation: number;
  readonly memory: VaultMemory;
  /** Where the user approved another signer: what the server is to keep from now on. */
  readonly pin?: VaultPinRequest;
  /** Where the user went on with an older state than this device remembered. */
  readonly approved?: 'rollback';
}

/**
 * Opens a vault entry from the server for the API key in it: all of `unlockVaultEntry`, then the slot
 * decrypts in its place.
 *
 * @throws PzkError those of `unlockVaultEntry`, `vault_missing`; `vault_slot_damaged` where the key's own slot
 * does not open, or is one without which the user lets the vault open
 */
export async function openVaultEntry(options: OpenVaultEntryOptions): Promise<OpenedVaultEntry> {
  const { vault, newPin, approved } = await unlockVaultEntry(options);
  try {
    const slot = vault.manifest.slots.find(({ kind }) => kind === 'api-key');
    if (slot === undefined) throw new PzkError('vault_missing', 'The vault holds no API key.');
    if (!vault.blobs.has(slot.id)) {
      // Past the user's yes it is lost like one that does not open: the vault itself is in order.
      throw new PzkError('vault_slot_damaged', 'The slot of the API key cannot be read.', {
        hint: 'Start with the API key, then store it in its slot again.',
      });
    }
    const apiKey = await openSlotOf(vault, slot.id);
    const { recipient, memory } = vault;
    const { generation } = recipient;
    const rest = approved === undefined ? {} : { approved };
    if (newPin === undefined) return { apiKey, generation, memory, ...rest };
    return { apiKey, generation, memory, ...rest, pin: await signPin(vault, newPin) };
  } finally {
    wipeVault(vault);
  }
}
