import {
  ancestryPlaces,
  type Bytes,
  blobHash,
  decodeBase64url,
  encodeBase64url,
  historyAfter,
  nodesAfter,
  type PzkErrorCode,
  parseManifest,
  parseMessage,
  sha256,
  type VaultEntry,
  vaultEntrySchema,
} from '@pzk-auth/protocol';
import { describe, expect, it } from 'vitest';
import { createVaultEntry } from '../../src/vault/create-vault-entry.js';
import { generateIdentityKey } from '../../src/vault/identity-key.js';
import { openVaultEntry } from '../../src/vault/open-vault-entry.js';
import { openSlot, sealSlot } from '../../src/vault/slot-cipher.js';
import type { VaultMemory } from '../../src/vault/vault-memory.js';
import {
  type Craft,
  craftVault,
  credentialId,
  importSecret,
  issuer,
  newCraft,
  randomBytes,
  recipientKeys,
} from './craft-vault.js';

const apiKey = new TextEncoder().encode('wd_0123456789');
const coseKey = new Uint8Array(77).fill(1);

function open(
  entry: VaultEntry,
  secret: CryptoKey,
  memory?: VaultMemory,
  at = issuer,
  ancestry: readonly string[] = [],
) {
  const secretFor = () => Promise.resolve(secret);
  return openVaultEntry({ issuer: at, credentialId, entry, secretFor, memory, ancestry });
}

async function expectRefused(opening: Promise<unknown>, code: PzkErrorCode) {
  await expect(opening).rejects.toMatchObject({ name: 'PzkError', code });
}

async function honestVault() {
  const bytes = randomBytes(32);
  const secret = await importSecret(bytes);
  const confirmation = await importSecret(bytes);
  const options = { issuer, secret, confirmation, credentialId, coseKey, generation: 1, apiKey };
  return { ...(await createVaultEntry(options)), secret };
}

/** Changes one byte behind a base64url text. */
function flip(text: string, index: number): string {
  const bytes = decodeBase64url(text);
  bytes[index] = (bytes[index] ?? 0) ^ 0x01;
  return encodeBase64url(bytes);
}

const lengthOf = (text: string) => decodeBase64url(text).length;

describe('vault entry', () => {
  it('[V1] [V2] [V3] [V4] [V5] honest: opens what was made, and fits the wire schema', async () => {
    const { entry, secret, memory } = await honestVault();
    expect(parseMessage(vaultEntrySchema, entry)).toEqual(entry);
    const opened = await open(entry, secret);
    expect(opened.apiKey).toEqual(apiKey);
    expect(opened.generation).toBe(1);
    // A fresh browser knows by its pin alone that this is the vault.
    expect(opened.memory).toEqual({ ...memory, fromPin: true });
    expect((await open(entry, secret, memory)).apiKey).toEqual(apiKey);
  });

  it('honest: the crafted twin of the tests below opens', async () => {
    const craft = await newCraft();
    expect((await open(await craftVault(craft), craft.secret)).apiKey).toEqual(craft.apiKey);
  });

  it('holds the key nowhere in clear text', async () => {
    const { entry } = await honestVault();
    const parts = [entry.manifest, entry.sealed.ct, entry.slots[0]?.blob ?? ''].map((part) =>
      Buffer.from(decodeBase64url(part)),
    );
    for (const part of parts) expect(part.includes(Buffer.from(apiKey))).toBe(false);
  });

  it('makes no vault of a secret that comes out differently the second time', async () => {
    const secret = await importSecret(randomBytes(32));
    const confirmation = await importSecret(randomBytes(32));
    const options = { issuer, secret, confirmation, credentialId, coseKey, generation: 1, apiKey };
    await expectRefused(createVaultEntry(options), 'prf_mismatch');
  });

  it('[V5] refuses every flipped byte of the pin', async () => {
    const { entry, secret } = await honestVault();
    for (let index = 0; index < lengthOf(entry.pin); index++) {
      const pin = flip(entry.pin, index);
      await expectRefused(open({ ...entry, pin }, secret), 'vault_pin_mismatch');
    }
  });

  it('[V5] refuses every flipped byte of what is sealed', async () => {
    const { entry, secret } = await honestVault();
    for (const part of ['enc', 'ct'] as const) {
      for (let index = 0; index < lengthOf(entry.sealed[part]); index++) {
        const sealed = { ...entry.sealed, [part]: flip(entry.sealed[part], index) };
        await expectRefused(open({ ...entry, sealed }, secret), 'vault_sealed_invalid');
      }
    }
  });

  it('[V5] refuses every flipped byte of the manifest and of its signature', async () => {
    const { entry, secret } = await honestVault();
    for (const part of ['manifest', 'manifest_signature'] as const) {
      for (let index = 0; index < lengthOf(entry[part]); index++) {
        const changed = { ...entry, [part]: flip(entry[part], index) };
        await expectRefused(open(changed, secret), 'vault_manifest_invalid');
      }
    }
  });

  it('[V5] refuses every flipped byte of a slot', async () => {
    const { entry, secret } = await honestVault();
    const [slot = { id: '', blob: '' }] = entry.slots;
    for (let index = 0; index < lengthOf(slot.blob); index++) {
      const slots = [{ ...slot, blob: flip(slot.blob, index) }];
      await expectRefused(open({ ...entry, slots }, secret), 'vault_slot_invalid');
    }
  });

  it('[V5] refuses every flipped byte of a slot that its manifest covers', async () => {
    const key = randomBytes(32);
    const fields = { issuer, vaultId: 'v', slotId: 's', version: 1, kind: 'api-key' } as const;
    const blob = await sealSlot(key, fields, apiKey);
    expect(await openSlot(key, fields, blob)).toEqual(apiKey);
    for (let index = 0; index < blob.length; index++) {
      const changed = blob.slice();
      changed[index] = (changed[index] ?? 0) ^ 0x80;
      await expectRefused(openSlot(key, fields, changed), 'vault_slot_damaged');
    }
  });

  it.each([1, 4, 8, 12, 15])('[V5] refuses a slot with %i bytes less of tag', async (missing) => {
    const craft = await newCraft();
    const entry = await craftVault(craft);
    const [slot = { id: '', blob: '' }] = entry.slots;
    const short = decodeBase64url(slot.blob).slice(0, -missing);
    const changed = await coverSlot(craft, short);
    await expectRefused(open(changed, craft.secret), 'vault_slot_damaged');
  });

  it.each([0, 8, 11, 13, 16])('[V5] refuses a slot with an IV of %i bytes', async (ivLength) => {
    const craft = await newCraft();
    const [slot = { id: '', blob: '' }] = (await craftVault(craft)).slots;
    const blob = decodeBase64url(slot.blob);
    const odd = new Uint8Array([...randomBytes(ivLength), ...blob.slice(12)]);
    await expectRefused(open(await coverSlot(craft, odd), craft.secret), 'vault_slot_damaged');
  });

  /** The craft's vault with another blob in its slot, and a manifest that covers it. */
  async function coverSlot(craft: Craft, blob: Bytes): Promise<VaultEntry> {
    const text = encodeBase64url(blob);
    const entry = await craftVault(craft, {
      manifest: (manifest) => ({
        ...manifest,
        slots: manifest.slots.map((one) => ({
          ...one,
          blob_hash: encodeBase64url(blobHash(text)),
        })),
      }),
    });
    return { ...entry, slots: entry.slots.map((one) => ({ ...one, blob: text })) };
  }

  it.each([
    ['another slot', { slotId: 'AAAAAAAAAAAAAAAAAAAAAA' }],
    ['another vault', { vaultId: 'AAAAAAAAAAAAAAAAAAAAAA' }],
    ['another issuer', { issuer: 'https://other.example.com' }],
    ['another version', { version: 2 }],
    ['another kind', { kind: 'note' as 'api-key' }],
  ])('[V1] refuses a blob sealed for %s, even where the manifest covers it', async (_, slot) => {
    const craft = await newCraft();
    const entry = await craftVault(craft, { slot });
    await expectRefused(open(entry, craft.secret), 'vault_slot_damaged');
  });

  it('[V1] refuses parts of one vault in another', async () => {
    const bytes = randomBytes(32);
    const craft = await newCraft({ secret: await importSecret(bytes) });
    const other = await newCraft({ secret: craft.secret });
    const [one, two] = [await craftVault(craft), await craftVault(other)];
    await expectRefused(open({ ...one, sealed: two.sealed }, craft.secret), 'vault_sealed_invalid');
    await expectRefused(open({ ...one, slots: two.slots }, craft.secret), 'vault_slot_invalid');
    await expectRefused(open({ ...one, pin: two.pin }, craft.secret), 'vault_pin_mismatch');
    const { manifest, manifest_signature } = two;
    await expectRefused(
      open({ ...one, manifest, manifest_signature }, craft.secret),
      'vault_manifest_invalid',
    );
    const id = { vault_id: two.vault_id };
    await expectRefused(open({ ...one, ...id }, craft.secret), 'vault_manifest_invalid');
  });

  it('[V1] refuses the vault of another issuer', async () => {
    const craft = await newCraft();
    const entry = await craftVault(craft, { issuer: 'https://other.example.com' });
    await expectRefused(open(entry, craft.secret), 'vault_pin_mismatch');
  });

  it.each([
    ['issuer', { issuer: 'https://other.example.com' }],
    ['vault id', { vault_id: 'AAAAAAAAAAAAAAAAAAAAAA' }],
  ])('[V1] refuses a manifest that names another %s, though signed and pinned', async (_, part) => {
    const craft = await newCraft();
    const entry = await craftVault(craft, { manifest: (one) => ({ ...one, ...part }) });
    await expectRefused(open(entry, craft.secret), 'vault_manifest_invalid');
  });

  it('[V2] refuses dropped, added and permuted slots', async () => {
    const craft = await newCraft();
    const second = { id: encodeBase64url(randomBytes(16)), blob: encodeBase64url(randomBytes(40)) };
    const entry = await craftVault(craft, {
      manifest: (one) => ({
        ...one,
        slots: [
          ...one.slots,
          {
            id: second.id,
            version: 1,
            kind: 'api-key',
            blob_hash: encodeBase64url(blobHash(second.blob)),
          },
        ],
      }),
    });
    const [first] = entry.slots;
    if (first === undefined) throw new Error('no slot');
    const honest = { ...entry, slots: [first, second] };
    expect((await open(honest, craft.secret)).apiKey).toEqual(craft.apiKey);
    const third = { ...second, id: encodeBase64url(randomBytes(16)) };
    for (const slots of [[first], [second], [], [second, first], [first, second, third]]) {
      await expectRefused(open({ ...entry, slots }, craft.secret), 'vault_slot_invalid');
    }
  });

  it('[V2] refuses an older or forked manifest where a newer one is remembered', async () => {
    const craft = await newCraft();
    const first = await craftVault(craft);
    const { memory } = await open(first, craft.secret);
    const previous = encodeBase64url(sha256(decodeBase64url(first.manifest)));
    const next = await craftVault(craft, { counter: 2, previous });
    const later = await open(next, craft.secret, memory);
    expect(later.memory.counter).toBe(2);
    await expectRefused(open(first, craft.secret, later.memory), 'vault_rollback');

    const sameCounter = await craftVault(craft, {
      manifest: (one) => ({ ...one, receipts_head: encodeBase64url(randomBytes(32)) }),
    });
    await expectRefused(open(sameCounter, craft.secret, memory), 'vault_rollback');
    const forked = await craftVault(craft, {
      counter: 2,
      previous: encodeBase64url(randomBytes(32)),
    });
    await expectRefused(open(forked, craft.secret, memory), 'vault_rollback');
  });

  /** A vault of a craft after some writes, with what shows each of its manifests as an ancestor. */
  async function growVault(craft: Craft, last: number, from?: VaultEntry) {
    const nodes = new Map<string, string>();
    const entries = [from ?? (await craftVault(craft))];
    for (let counter = 2; counter <= last; counter++) {
      const bytes = decodeBase64url(entries.at(-1)?.manifest ?? '');
      const before = parseManifest(bytes);
      for (const { level, position, hash } of nodesAfter(before)) {
        nodes.set(`${level} ${position}`, hash);
      }
      const previous = encodeBase64url(sha256(bytes));
      entries.push(await craftVault(craft, { counter, previous, history: historyAfter(before) }));
    }
    const ancestryOf = (counter: number) =>
      ancestryPlaces(last, counter).map(
        ({ level, position }) => nodes.get(`${level} ${position}`) ?? '',
      );
    return { entries, entry: entries.at(-1) as VaultEntry, ancestryOf };
  }

  it('[V2] honest: opens any number of steps ahead of what is remembered, with its ancestry', async () => {
    const craft = await newCraft();
    const { entries, entry, ancestryOf } = await growVault(craft, 12);
    for (const [index, known] of entries.entries()) {
      const { memory } = await open(known, craft.secret);
      const opened = await open(entry, craft.secret, memory, issuer, ancestryOf(index + 1));
      expect(opened.memory.counter).toBe(12);
    }
  });

  it('[V2] refuses a fork of any number of steps, though the identity key signed both branches', async () => {
    const craft = await newCraft();
    const first = await craftVault(craft);
    const one = await growVault(craft, 12, first);
    const other = await growVault(craft, 12, first);
    for (let counter = 2; counter < 12; counter++) {
      const { memory } = await open(one.entries[counter - 1] as VaultEntry, craft.secret);
      for (const ancestry of [other.ancestryOf(counter), one.ancestryOf(counter), []]) {
        const opening = open(other.entry, craft.secret, memory, issuer, ancestry);
        await expectRefused(opening, 'vault_rollback');
      }
    }
    const { memory } = await open(first, craft.secret);
    await open(other.entry, craft.secret, memory, issuer, other.ancestryOf(1));
    await expectRefused(open(other.entry, craft.secret, memory), 'vault_rollback');
  });

  it('[V2] refuses another identity key and another vault than remembered', async () => {
    const craft = await newCraft();
    const { memory } = await open(await craftVault(craft), craft.secret);
    const rekeyed = { ...craft, identity: await generateIdentityKey() };
    await expectRefused(
      open(await craftVault(rekeyed, { counter: 9 }), craft.secret, memory),
      'vault_rollback',
    );
    const other = await newCraft({ secret: craft.secret });
    await expectRefused(
      open(await craftVault(other, { counter: 9 }), craft.secret, memory),
      'vault_rollback',
    );
  });

  it("[V3] refuses a vault that the server made and sealed to the user's recipient", async () => {
    const craft = await newCraft();
    const { hpke, hpkePublicKey } = await recipientKeys(craft);
    // The server knows public keys, ids and salt, not the secret: its pin is a guess.
    const server = await newCraft({
      vaultId: craft.vaultId,
      recipientId: craft.recipientId,
      salt: craft.salt,
    });
    const sealTo = { publicKey: hpke.publicKey, bytes: hpkePublicKey };
    const replaced = await craftVault(server, { sealTo });
    await expectRefused(open(replaced, craft.secret), 'vault_pin_mismatch');
    const { pin } = await craftVault(craft);
    await expectRefused(open({ ...replaced, pin }, craft.secret), 'vault_pin_mismatch');
  });

  it('[V3] refuses a recipient that the server added to the roster', async () => {
    const craft = await newCraft();
    const entry = await craftVault(craft);
    const text = new TextDecoder().decode(decodeBase64url(entry.manifest));
    const manifest = JSON.parse(text);
    manifest.recipients.push({
      ...manifest.recipients[0],
      id: encodeBase64url(randomBytes(16)),
      credential_id: 'c2VydmVy',
    });
    const bytes = new TextEncoder().encode(JSON.stringify(manifest));
    const added = { ...entry, manifest: encodeBase64url(bytes) };
    await expectRefused(open(added, craft.secret), 'vault_manifest_invalid');
  });

  it('[V3] refuses vault key and identity key of two vaults put together', async () => {
    const craft = await newCraft();
    const foreign = await generateIdentityKey();
    const sealedSecrets = new Uint8Array([...craft.vaultKey, ...foreign.scalar]);
    const entry = await craftVault(craft, { sealedSecrets });
    await expectRefused(open(entry, craft.secret), 'vault_sealed_invalid');
  });

  it('[V4] refuses another salt, generation or seal info', async () => {
    const craft = await newCraft();
    const [recipientChange, code] = [
      (part: object) => (one: Parameters<NonNullable<CraftManifest>>[0]) => ({
        ...one,
        recipients: one.recipients.map((recipient) => ({ ...recipient, ...part })),
      }),
      'vault_pin_mismatch',
    ] as const;
    type CraftManifest = NonNullable<Parameters<typeof craftVault>[1]>['manifest'];
    const salted = await craftVault(craft, {
      manifest: recipientChange({ salt: encodeBase64url(randomBytes(32)) }),
    });
    await expectRefused(open(salted, craft.secret), code);
    const later = await craftVault(craft, { manifest: recipientChange({ generation: 2 }) });
    await expectRefused(open(later, craft.secret), code);
    const resealed = await craftVault(craft, { sealCounter: 2 });
    await expectRefused(open(resealed, craft.secret), 'vault_sealed_invalid');
    const renamed = await craftVault(craft, {
      manifest: recipientChange({ id: encodeBase64url(randomBytes(16)) }),
    });
    await expectRefused(open(renamed, craft.secret), code);
  });

  it('[V4] refuses fields that name an algorithm, signed or not', async () => {
    const craft = await newCraft();
    const entry = await craftVault(craft);
    const text = new TextDecoder().decode(decodeBase64url(entry.manifest));
    const bytes = new TextEncoder().encode(text.replace('{', '{"alg":"none",'));
    const { manifestSignatureMessage } = await import('@pzk-auth/protocol');
    const signature = await craft.identity.sign(manifestSignatureMessage(craft.vaultId, bytes));
    const changed = {
      ...entry,
      manifest: encodeBase64url(bytes),
      manifest_signature: encodeBase64url(signature),
    };
    await expectRefused(open(changed, craft.secret), 'vault_manifest_invalid');
  });

  it('refuses a passkey that the roster does not list, and another secret', async () => {
    const { entry } = await honestVault();
    const secret = await importSecret(randomBytes(32));
    await expectRefused(open(entry, secret), 'vault_pin_mismatch');
    const secretFor = () => Promise.resolve(secret);
    const unknown = { issuer, credentialId: 'b3RoZXI', entry, secretFor };
    await expectRefused(openVaultEntry(unknown), 'vault_manifest_invalid');
  });
});
