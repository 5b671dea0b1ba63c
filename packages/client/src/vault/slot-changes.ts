import {
  type Bytes,
  blobHash,
  type DeviceNames,
  encodeBase64url,
  formatDeviceNames,
  formatVaultSecret,
  isPzkError,
  type ParsedVaultSecret,
  PzkError,
  parseDeviceNames,
  parseVaultSecret,
  type SlotKind,
  type VaultManifest,
  type VaultSecret,
} from '@pzk-auth/protocol';
import type { VaultChange } from './prepare-write.js';
import { randomId } from './random-id.js';
import { sealSlot } from './slot-cipher.js';
import { openSlotOf, slotFields, type UnlockedVault, VAULT_KEY_BYTES } from './unlocked-vault.js';

/** A slot as it is shown: never its value. */
export interface VaultSlot {
  readonly id: string;
  /** `api-key`: the key of this issuer. `secret`: a key of another service. `names`: those of the devices. */
  readonly kind: SlotKind;
  /** Empty but for `secret`. */
  readonly name: string;
  /** Empty but for `secret`, and where none was given. */
  readonly provider: string;
  /** One more at each change. */
  readonly version: number;
  /**
   * Present where the value cannot be read, nor name and provider, which are empty then. `unreadable`:
   * it does not open, though it is what the manifest lists. `replaced`: the server keeps other bytes.
   */
  readonly damaged?: 'unreadable' | 'replaced';
}

/** A slot of a vault whose keys were changed, as it was before. */
export interface RotatedSlot extends VaultSlot {
  /** It did not open, so it could not be encrypted anew and is not in the vault any more. */
  readonly leftOut?: true;
}

type ListedSlot = VaultManifest['slots'][number];

function findSlot({ manifest }: UnlockedVault, slotId: string): ListedSlot {
  const slot = manifest.slots.find(({ id }) => id === slotId);
  if (slot === undefined) throw new PzkError('not_found', 'The vault has no such slot.');
  return slot;
}

/** Encrypts a plaintext as a version of a slot. */
async function sealVersion(
  vault: Pick<UnlockedVault, 'manifest' | 'secrets'>,
  place: Pick<ListedSlot, 'id' | 'version' | 'kind'>,
  plaintext: Bytes,
): Promise<{ readonly slot: ListedSlot; readonly blob: string }> {
  const vaultKey = vault.secrets.slice(0, VAULT_KEY_BYTES);
  try {
    const fields = slotFields(vault.manifest, { ...place, blob_hash: '' });
    const blob = encodeBase64url(await sealSlot(vaultKey, fields, plaintext));
    return { slot: { ...place, blob_hash: encodeBase64url(blobHash(blob)) }, blob };
  } finally {
    vaultKey.fill(0);
  }
}

/** The plaintext of a secret, which it overwrites. */
function encodeSecret(secret: VaultSecret): Bytes {
  try {
    return formatVaultSecret(secret);
  } catch (cause) {
    throw new PzkError('invalid_request', 'The secret cannot be stored as it is.', {
      cause,
      hint: 'A name has 1 to 64 characters that can be seen, a value 1 to 8192 bytes.',
    });
  }
}

/** Why a slot cannot be read, where that is the slot's own. */
function damageOf(cause: unknown): VaultSlot['damaged'] {
  if (!isPzkError(cause)) return undefined;
  if (cause.code === 'vault_slot_invalid') return 'replaced';
  return cause.code === 'vault_slot_damaged' ? 'unreadable' : undefined;
}

/** A slot as it is shown, for which it is decrypted. */
export async function describeSlot(
  vault: UnlockedVault,
  { id, kind, version }: ListedSlot,
): Promise<VaultSlot> {
  const place = { id, kind, name: '', provider: '', version };
  let plaintext: Bytes | undefined;
  try {
    plaintext = await openSlotOf(vault, id);
    if (kind === 'names') parseDeviceNames(plaintext);
    const { name, provider } = kind === 'secret' ? parseVaultSecret(plaintext) : place;
    return Object.freeze({ ...place, name, provider });
  } catch (cause) {
    const damaged = damageOf(cause);
    if (damaged === undefined) throw cause;
    return Object.freeze({ ...place, damaged });
  } finally {
    plaintext?.fill(0);
  }
}

/** All slots of a vault, in its order: one that does not open hides none of the others. */
export async function describeSlots(vault: UnlockedVault): Promise<readonly VaultSlot[]> {
  const slots: VaultSlot[] = [];
  for (const slot of vault.manifest.slots) slots.push(await describeSlot(vault, slot));
  return Object.freeze(slots);
}

/**
 * The value of a slot, in bytes of its own: overwrite them after use.
 *
 * @throws PzkError `not_found`, also for names; `vault_slot_damaged`, `vault_slot_invalid`
 */
export async function readSlotValue(vault: UnlockedVault, slotId: string): Promise<Bytes> {
  const { kind } = findSlot(vault, slotId);
  if (kind === 'names') throw new PzkError('not_found', 'This slot holds names and no value.');
  const plaintext = await openSlotOf(vault, slotId);
  if (kind === 'api-key') return plaintext;
  try {
    return parseVaultSecret(plaintext).value.slice();
  } finally {
    plaintext.fill(0);
  }
}

/** One more slot. */
async function insertSlot(
  vault: UnlockedVault,
  kind: SlotKind,
  plaintext: Bytes,
): Promise<{ readonly change: VaultChange; readonly slotId: string }> {
  const { slot, blob } = await sealVersion(vault, { id: randomId(), version: 1, kind }, plaintext);
  return {
    slotId: slot.id,
    change: {
      manifest: { slots: [...vault.manifest.slots, slot] },
      slots: [{ id: slot.id, blob }],
    },
  };
}

/** A new secret. */
export async function addSlot(
  vault: UnlockedVault,
  secret: VaultSecret,
): Promise<{ readonly change: VaultChange; readonly slotId: string }> {
  const plaintext = encodeSecret(secret);
  try {
    return await insertSlot(vault, 'secret', plaintext);
  } finally {
    plaintext.fill(0);
  }
}

/**
 * The API key of the issuer, in a vault that has none.
 *
 * @throws PzkError `vault_conflict` where it has one
 */
export async function addApiKeySlot(vault: UnlockedVault, apiKey: Bytes): Promise<VaultChange> {
  if (vault.manifest.slots.some(({ kind }) => kind === 'api-key')) {
    throw new PzkError('vault_conflict', 'The vault has a slot for the API key.');
  }
  return (await insertSlot(vault, 'api-key', apiKey)).change;
}

/** A new version of a slot with another plaintext. */
async function changePlaintext(
  vault: UnlockedVault,
  before: ListedSlot,
  plaintext: Bytes,
): Promise<VaultChange> {
  const { id, kind, version } = before;
  const { slot, blob } = await sealVersion(vault, { id, version: version + 1, kind }, plaintext);
  const slots = vault.manifest.slots.map((one) => (one.id === id ? slot : one));
  return { manifest: { slots }, slots: [{ id, blob }] };
}

/**
 * Another value or other words for a slot: its next version (docs/protocol.md section 12.9).
 *
 * @throws PzkError `not_found`, `invalid_request`; for a secret that cannot be read `vault_slot_damaged`,
 * `vault_slot_invalid`
 */
export async function changeSlot(
  vault: UnlockedVault,
  slotId: string,
  change: Partial<VaultSecret>,
): Promise<VaultChange> {
  const before = findSlot(vault, slotId);
  if (before.kind === 'names') {
    throw new PzkError('invalid_request', 'This slot holds names and no value.', {
      hint: 'Name a device with nameDevice.',
    });
  }
  const next = await changedPlaintext(vault, before, change);
  try {
    return await changePlaintext(vault, before, next);
  } finally {
    next.fill(0);
  }
}

async function changedPlaintext(
  vault: UnlockedVault,
  { id, kind }: ListedSlot,
  change: Partial<VaultSecret>,
): Promise<Bytes> {
  if (kind === 'api-key') {
    if (change.value === undefined || change.value.length === 0) {
      throw new PzkError('invalid_request', 'The API key of this service has no name.');
    }
    // Whole in its value: this mends a slot that does not open, too.
    return new Uint8Array(change.value);
  }
  const plaintext = await openSlotOf(vault, id);
  try {
    const secret: ParsedVaultSecret = parseVaultSecret(plaintext);
    return encodeSecret({ ...secret, ...change });
  } finally {
    plaintext.fill(0);
  }
}

/**
 * A vault without a secret.
 *
 * @throws PzkError `not_found`; `invalid_request` for the API key, without which no session starts
 */
export function removeSlot(vault: UnlockedVault, slotId: string): VaultChange {
  const { id, kind } = findSlot(vault, slotId);
  if (kind === 'api-key') {
    throw new PzkError('invalid_request', 'The API key of this service stays in the vault.', {
      hint: 'Put another in its place with storeApiKey.',
    });
  }
  return { manifest: { slots: vault.manifest.slots.filter((one) => one.id !== id) } };
}

const NO_NAMES: DeviceNames = new Map();

/** What the devices are called, by recipient id; nothing where that does not decrypt. */
export async function readDeviceNames(vault: UnlockedVault): Promise<DeviceNames> {
  const slot = vault.manifest.slots.find(({ kind }) => kind === 'names');
  if (slot === undefined) return NO_NAMES;
  try {
    return parseDeviceNames(await openSlotOf(vault, slot.id));
  } catch (cause) {
    if (damageOf(cause) === undefined) throw cause;
    return NO_NAMES;
  }
}

/**
 * Another name for a device: the next version of the names, also where they do not decrypt, without those of
 * devices that are in the vault no more.
 *
 * @param recipients - Those of the vault with the change.
 * @param name - Empty for none.
 * @throws PzkError `invalid_request` for a name that cannot be kept as it is
 */
export async function nameRecipient(
  vault: UnlockedVault,
  recipients: readonly { readonly id: string }[],
  { id, name }: { readonly id: string; readonly name: string },
): Promise<Required<Pick<VaultChange, 'slots'>> & { readonly listed: VaultManifest['slots'] }> {
  const names = new Map([...(await readDeviceNames(vault)), [id, name]]);
  if (name === '') names.delete(id);
  const kept = [...names].filter(([one]) => recipients.some((recipient) => recipient.id === one));
  const before = vault.manifest.slots.find(({ kind }) => kind === 'names');
  const others = vault.manifest.slots.filter((slot) => slot !== before);
  if (kept.length === 0) return { listed: others, slots: [] };
  const place = { id: before?.id ?? randomId(), version: (before?.version ?? 0) + 1 };
  const plaintext = encodeNames(new Map(kept));
  const { slot, blob } = await sealVersion(vault, { ...place, kind: 'names' }, plaintext);
  return { listed: [...others, slot], slots: [{ id: slot.id, blob }] };
}

/** @throws PzkError `invalid_request` */
export function encodeNames(names: DeviceNames): Bytes {
  try {
    return formatDeviceNames(names);
  } catch (cause) {
    throw new PzkError('invalid_request', 'The name of the device cannot be kept as it is.', {
      cause,
      hint: 'A name has 1 to 64 characters that can be seen.',
    });
  }
}

/** The slots that a change of keys leaves out: those that do not decrypt. */
export async function findLeavingSlots(vault: UnlockedVault): Promise<readonly VaultSlot[]> {
  const leaving: VaultSlot[] = [];
  for (const { id, kind, version } of vault.manifest.slots) {
    try {
      (await openSlotOf(vault, id)).fill(0);
    } catch (cause) {
      const damaged = damageOf(cause);
      if (damaged === undefined) throw cause;
      leaving.push(Object.freeze({ id, kind, name: '', provider: '', version, damaged }));
    }
  }
  return Object.freeze(leaving);
}

/**
 * Lets a change of keys lose slots whose bytes the server has replaced only with the user's yes: somebody
 * may have the right ones in a backup, and under other keys these open no more.
 *
 * @param agreed - Slot ids.
 * @throws PzkError `vault_slot_invalid`
 */
export function assertMayLeaveOut(
  { manifest, blobs }: UnlockedVault,
  agreed: readonly string[],
): void {
  if (manifest.slots.every(({ id }) => blobs.has(id) || agreed.includes(id))) return;
  throw new PzkError('vault_slot_invalid', 'Slots would be lost that the server has replaced.', {
    hint: 'Show what leavesOut gives, and pass the ids as leaveOut on the yes. A backup may have the right bytes.',
  });
}

/** Slots under other secrets. */
interface ResealedSlots {
  readonly slots: VaultManifest['slots'];
  readonly blobs: readonly SlotBlob[];
  /** Ids of those that do not decrypt. */
  readonly leftOut: readonly string[];
}

/**
 * Every slot encrypted anew under other secrets, each one version higher. One that does not decrypt is
 * left out, as nothing of it is known: a device that has to go cannot wait for it.
 */
export async function resealSlots(vault: UnlockedVault, secrets: Bytes): Promise<ResealedSlots> {
  const slots: ListedSlot[] = [];
  const blobs: SlotBlob[] = [];
  const leftOut: string[] = [];
  for (const { id, kind, version } of vault.manifest.slots) {
    let plaintext: Bytes;
    try {
      plaintext = await openSlotOf(vault, id);
    } catch (cause) {
      if (damageOf(cause) === undefined) throw cause;
      leftOut.push(id);
      continue;
    }
    try {
      const target = { manifest: vault.manifest, secrets };
      const sealed = await sealVersion(target, { id, version: version + 1, kind }, plaintext);
      slots.push(sealed.slot);
      blobs.push({ id, blob: sealed.blob });
    } finally {
      plaintext.fill(0);
    }
  }
  return { slots, blobs, leftOut };
}

/** A sealed slot on the wire. */
type SlotBlob = { readonly id: string; readonly blob: string };
