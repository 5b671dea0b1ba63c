import {
  type Bytes,
  concatBytes,
  GCM_IV_BYTES,
  GCM_TAG_BYTES,
  PzkError,
  type SlotFields,
  slotAad,
  slotKeyInfo,
} from '@pzk-auth/protocol';

/**
 * The key of one version of one slot. A write that is made again encrypts the same version again: random
 * IVs are far from repeating under so few uses.
 */
async function deriveSlotKey(vaultKey: Bytes, fields: SlotFields): Promise<CryptoKey> {
  const base = await crypto.subtle.importKey('raw', vaultKey, 'HKDF', false, ['deriveKey']);
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: slotKeyInfo(fields) },
    base,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  );
}

function parameters(iv: Bytes, fields: SlotFields): AesGcmParams {
  // The tag length is ours: one taken from stored data would let a forger shorten it.
  const tagLength = GCM_TAG_BYTES * 8;
  return { name: 'AES-GCM', iv, tagLength, additionalData: slotAad(fields) };
}

/**
 * Encrypts a slot.
 *
 * @returns The blob: IV (12 bytes), ciphertext, tag (16 bytes).
 */
export async function sealSlot(
  vaultKey: Bytes,
  fields: SlotFields,
  plaintext: Bytes,
): Promise<Bytes> {
  const key = await deriveSlotKey(vaultKey, fields);
  const iv = crypto.getRandomValues(new Uint8Array(GCM_IV_BYTES));
  const ciphertext = await crypto.subtle.encrypt(parameters(iv, fields), key, plaintext);
  return concatBytes(iv, new Uint8Array(ciphertext));
}

/**
 * Decrypts a slot; it opens only in the place for which it was sealed.
 *
 * @throws PzkError `vault_slot_damaged`
 */
export async function openSlot(vaultKey: Bytes, fields: SlotFields, blob: Bytes): Promise<Bytes> {
  const key = await deriveSlotKey(vaultKey, fields);
  const iv = blob.slice(0, GCM_IV_BYTES);
  const ciphertext = blob.slice(GCM_IV_BYTES);
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters(iv, fields), key, ciphertext));
  } catch (cause) {
    throw new PzkError('vault_slot_damaged', 'A slot of the vault does not open.', { cause });
  }
}
