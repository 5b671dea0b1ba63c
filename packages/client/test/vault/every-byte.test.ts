import {
  decodeBase64url,
  encodeBase64url,
  isPzkError,
  type Succession,
  type VaultEntry,
} from '@pzk-auth/protocol';
import { beforeAll, describe, expect, it } from 'vitest';
import { createVaultEntry } from '../../src/vault/create-vault-entry.js';
import { type PreparedWrite, prepareWrite } from '../../src/vault/prepare-write.js';
import { prepareRotation } from '../../src/vault/rotate-vault.js';
import { sealToRecipient } from '../../src/vault/seal-recipient.js';
import { addSlot, describeSlots } from '../../src/vault/slot-changes.js';
import { unlockVaultEntry } from '../../src/vault/unlock-vault-entry.js';
import { credentialId, importSecret, issuer, randomBytes } from './craft-vault.js';

let secret: CryptoKey;
let pinned: VaultEntry;
let entry: VaultEntry;
let succession: Succession;

/** The entry that stands after a write. */
function after(before: VaultEntry, { write, next }: PreparedWrite): VaultEntry {
  const [own] = write.recipients;
  return {
    ...before,
    manifest: write.manifest,
    manifest_signature: write.manifest_signature,
    sealed: own?.sealed ?? before.sealed,
    pin: own?.pin ?? before.pin,
    slots: next.manifest.slots.map(({ id }) => ({ id, blob: next.blobs.get(id) ?? '' })),
  };
}

beforeAll(async () => {
  secret = await importSecret(randomBytes(32));
  const made = await createVaultEntry({
    issuer,
    secret,
    credentialId,
    coseKey: randomBytes(77),
    generation: 1,
    apiKey: new TextEncoder().encode('wd_key'),
  });
  let { vault } = await unlock(made.entry);
  entry = made.entry;
  for (const name of ['first', 'second']) {
    const { change } = await addSlot(vault, { name, provider: '', value: randomBytes(20) });
    const prepared = await prepareWrite(vault, change);
    entry = after(entry, prepared);
    vault = prepared.next;
  }
  pinned = entry;
  const rotation = await prepareRotation(vault);
  entry = after(entry, rotation);
  succession = rotation.write.succession as Succession;
});

function unlock(changed: VaultEntry, successions: readonly Succession[] = []) {
  return unlockVaultEntry({
    issuer,
    credentialId,
    entry: changed,
    secretFor: async () => secret,
    successions,
    approveSuccession: () => true,
  });
}

/** `opened`, or the code of the refusal. */
async function outcome(changed: VaultEntry, successions?: readonly Succession[]) {
  try {
    await describeSlots((await unlock(changed, successions)).vault);
    return 'opened';
  } catch (cause) {
    return isPzkError(cause) ? cause.code : cause;
  }
}

/** The text with each byte of it flipped in turn. */
function* flips(text: string): Generator<string> {
  const bytes = decodeBase64url(text);
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
    yield encodeBase64url(changed);
  }
}

async function outcomes(
  text: string,
  change: (flipped: string) => VaultEntry,
): Promise<ReadonlySet<unknown>> {
  const seen = new Set<unknown>();
  for (const flipped of flips(text)) seen.add(await outcome(change(flipped)));
  return seen;
}

describe('every byte of a vault', () => {
  it('[V5] honest: opens as it is, before and after its keys have changed', async () => {
    expect(await outcome(pinned)).toBe('opened');
    expect(await outcome(entry)).toBe('opened');
    expect(await outcome({ ...entry, pin: pinned.pin }, [succession])).toBe('opened');
  });

  it('[V5] refuses any flipped byte of the manifest and of its signature', async () => {
    const manifest = await outcomes(entry.manifest, (text) => ({ ...entry, manifest: text }));
    expect([...manifest]).toEqual(['vault_manifest_invalid']);
    const signature = await outcomes(entry.manifest_signature, (text) => ({
      ...entry,
      manifest_signature: text,
    }));
    expect([...signature]).toEqual(['vault_manifest_invalid']);
  });

  it('[V5] refuses any flipped byte of the sealed vault key and of the pin', async () => {
    const { sealed } = entry;
    const enc = await outcomes(sealed.enc, (text) => ({
      ...entry,
      sealed: { ...sealed, enc: text },
    }));
    const ct = await outcomes(sealed.ct, (text) => ({ ...entry, sealed: { ...sealed, ct: text } }));
    expect([...enc, ...ct]).toEqual(['vault_sealed_invalid', 'vault_sealed_invalid']);
    const pin = await outcomes(entry.pin, (text) => ({ ...entry, pin: text }));
    expect([...pin]).toEqual(['vault_pin_mismatch']);
  });

  it('[V5] refuses any flipped byte of every sealed slot', async () => {
    for (const [index, { id, blob }] of entry.slots.entries()) {
      const seen = await outcomes(blob, (text) => ({
        ...entry,
        slots: entry.slots.with(index, { id, blob: text }),
      }));
      expect([...seen]).toEqual(['vault_slot_invalid']);
    }
  });

  it('[V5] refuses any flipped byte of a succession', async () => {
    const old = { ...entry, pin: pinned.pin };
    for (const member of [
      'old_identity_key',
      'identity_key',
      'previous',
      'by',
      'signature',
    ] as const) {
      for (const text of flips(succession[member])) {
        expect(await outcome(old, [{ ...succession, [member]: text }])).toBe('vault_pin_mismatch');
      }
    }
  });

  it('[V1] refuses slots that are swapped, dropped, given twice or of an older state', async () => {
    const [first, second, third] = entry.slots as [
      VaultEntry['slots'][number],
      VaultEntry['slots'][number],
      VaultEntry['slots'][number],
    ];
    for (const slots of [
      [second, first, third],
      [first, { ...second, blob: third.blob }, { ...third, blob: second.blob }],
      [first, second],
      [first, second, third, third],
      [first, second, second],
      pinned.slots,
      [],
    ]) {
      expect(await outcome({ ...entry, slots })).toBe('vault_slot_invalid');
    }
  });

  it('[V3] refuses what is put together from before and after the keys have changed', async () => {
    expect(await outcome({ ...entry, sealed: pinned.sealed })).toBe('vault_sealed_invalid');
    // The same secrets sealed to the same recipient once more: not what the manifest lists.
    const { vault } = await unlock(entry);
    const { recipient, secrets } = vault;
    const place = { issuer, vaultId: entry.vault_id, counter: recipient.counter };
    const { sealed } = await sealToRecipient(place, recipient, secrets);
    expect(await outcome({ ...entry, sealed })).toBe('vault_sealed_invalid');
    expect(await outcome({ ...entry, pin: pinned.pin })).toBe('vault_pin_mismatch');
    expect(await outcome({ ...pinned, pin: entry.pin }, [succession])).toBe('vault_pin_mismatch');
    expect(await outcome({ ...entry, manifest_signature: pinned.manifest_signature })).toBe(
      'vault_manifest_invalid',
    );
  });
});
