import type { SlotFields } from '@pzk-auth/protocol';
import { describe, expect, it } from 'vitest';
import { openSlot, sealSlot } from '../../src/vault/slot-cipher.js';

const fields: SlotFields = {
  issuer: 'https://api.example.com',
  vaultId: 'AAAAAAAAAAAAAAAAAAAAAA',
  slotId: 'AAAAAAAAAAAAAAAAAAAAAQ',
  version: 1,
  kind: 'api-key',
};
const vaultKey = new Uint8Array(32).fill(7);
const plaintext = new TextEncoder().encode('pzk_secret');

describe('AES-GCM of a slot', () => {
  it('[L4] refuses every shorter tag: its length never comes from the blob', async () => {
    const blob = await sealSlot(vaultKey, fields, plaintext);
    for (let cut = 1; cut <= 16; cut++) {
      await expect(openSlot(vaultKey, fields, blob.slice(0, -cut))).rejects.toMatchObject({
        code: 'vault_slot_damaged',
      });
    }
  });

  it('[L4] honest: the whole tag opens, and the plaintext comes only then', async () => {
    const blob = await sealSlot(vaultKey, fields, plaintext);
    expect(blob).toHaveLength(12 + plaintext.length + 16);
    expect(await openSlot(vaultKey, fields, blob)).toEqual(plaintext);
  });
});
