import { readFileSync } from 'node:fs';
import {
  decodeBase64url,
  encodeBase64url,
  formatRecoveryCode,
  isPzkError,
  type PzkErrorCode,
  type VaultExport,
} from '@pzk-auth/protocol';
import { describe, expect, it } from 'vitest';
import { type OpenVaultExportOptions, openVaultExport } from '../../src/index.js';
import { craftExport } from './craft-export.js';
import { issuer, randomBytes, randomId } from './craft-vault.js';

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const secrets = [
  { name: 'Claude for the desk', provider: 'anthropic', value: new TextEncoder().encode('sk-one') },
  { name: 'Raw bytes', provider: '', value: Uint8Array.of(0, 255, 10) },
];

async function codeOf(options: OpenVaultExportOptions): Promise<PzkErrorCode | 'opened'> {
  const outcome = await openVaultExport(options).catch((error: unknown) => error);
  return isPzkError(outcome) ? outcome.code : 'opened';
}

function flip(value: string, index: number): string {
  const bytes = decodeBase64url(value);
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  return encodeBase64url(bytes);
}

interface ExportVectors {
  readonly recoveryCode: string;
  readonly document: unknown;
  readonly opened: { readonly slots: readonly { readonly id: string; readonly value: string }[] };
  readonly refused: readonly { readonly name: string; readonly document: unknown }[];
}
const vectors = new URL('../../../protocol/vectors/vault-export.json', import.meta.url);
const vector: ExportVectors = JSON.parse(readFileSync(vectors, 'utf8'));

describe('the export of the vectors', () => {
  it('opens and shows what was put in', async () => {
    const { recoveryCode, document } = vector;
    const { slots, ...rest } = vector.opened;
    const opened = await openVaultExport({ document, recoveryCode });
    expect(opened).toMatchObject(rest);
    expect(opened.slots).toEqual(slots.map(({ value: _, ...slot }) => slot));
    for (const { id, value } of slots) {
      expect(Buffer.from(await opened.readSlot(id)).toString('hex'), id).toBe(value);
    }
  });

  it('is refused with anything else in it', async () => {
    for (const { name, document } of vector.refused) {
      const outcome = await codeOf({ document, recoveryCode: vector.recoveryCode });
      expect(outcome, name).not.toBe('opened');
    }
  });
});

describe('an export', () => {
  it('[V5] honest: opens with the recovery code, without a server', async () => {
    const { document, recoveryCode, slotIds } = await craftExport(secrets);
    // As a file, and as people type.
    const opened = await openVaultExport({
      document: JSON.parse(JSON.stringify(document)),
      recoveryCode: recoveryCode.toLowerCase().replaceAll('-', ' '),
    });
    expect(opened).toMatchObject({
      issuer,
      counter: 4,
      receiptsHead: '',
      exportedAt: 1_790_000_000,
    });
    expect(opened.slots.map(({ id, kind, name, provider }) => [id, kind, name, provider])).toEqual([
      [slotIds[0], 'api-key', '', ''],
      [slotIds[1], 'secret', 'Claude for the desk', 'anthropic'],
      [slotIds[2], 'secret', 'Raw bytes', ''],
    ]);
    const [apiKey, one, two] = await Promise.all(slotIds.map((id) => opened.readSlot(id)));
    expect(text(apiKey ?? new Uint8Array())).toBe('wd_key');
    expect(one).toEqual(secrets[0]?.value);
    expect(two).toEqual(secrets[1]?.value);
    await expect(opened.readSlot(randomId())).rejects.toMatchObject({ code: 'not_found' });
    opened.close();
    await expect(opened.readSlot(slotIds[0] ?? '')).rejects.toThrow('closed');
  });

  it('[V5] is refused with any byte of its entry flipped', async () => {
    const { document, recoveryCode } = await craftExport(secrets);
    const { entry } = document;
    const places: [string, string, (changed: string) => VaultExport['entry']][] = [
      ['vault id', entry.vault_id, (vault_id) => ({ ...entry, vault_id })],
      ['manifest', entry.manifest, (manifest) => ({ ...entry, manifest })],
      [
        'signature',
        entry.manifest_signature,
        (manifest_signature) => ({ ...entry, manifest_signature }),
      ],
      ['enc', entry.sealed.enc, (enc) => ({ ...entry, sealed: { ...entry.sealed, enc } })],
      ['ct', entry.sealed.ct, (ct) => ({ ...entry, sealed: { ...entry.sealed, ct } })],
      ['pin', entry.pin, (pin) => ({ ...entry, pin })],
      ...entry.slots.map(({ blob }, at): (typeof places)[number] => [
        `blob ${at}`,
        blob,
        (changed) => ({
          ...entry,
          slots: entry.slots.map((slot, index) =>
            index === at ? { ...slot, blob: changed } : slot,
          ),
        }),
      ]),
    ];
    const opened: string[] = [];
    for (const [name, value, change] of places) {
      for (let index = 0; index < decodeBase64url(value).length; index++) {
        const changed = { ...document, entry: change(flip(value, index)) };
        if ((await codeOf({ document: changed, recoveryCode })) === 'opened') {
          opened.push(`${name} ${index}`);
        }
      }
    }
    expect(opened).toEqual([]);
  });

  it('[V1] is refused with another code, of another issuer, with parts of another vault', async () => {
    const { document, recoveryCode } = await craftExport(secrets);
    const other = await craftExport(secrets);
    const open = (change: object, code = recoveryCode) =>
      codeOf({ document: { ...document, ...change }, recoveryCode: code });
    expect(await open({})).toBe('opened');
    expect(await open({}, formatRecoveryCode(randomBytes(32)))).toBe('vault_pin_mismatch');
    expect(await open({}, 'QHD4-MTV4')).toBe('recovery_code_malformed');
    expect(await open({ issuer: 'https://api.example.org' })).toBe('vault_pin_mismatch');
    expect(await open({ entry: other.document.entry })).toBe('vault_pin_mismatch');
    const { entry } = document;
    const mixed = (part: Partial<typeof entry>) => open({ entry: { ...entry, ...part } });
    expect(await mixed({ sealed: other.document.entry.sealed })).toBe('vault_sealed_invalid');
    expect(await mixed({ slots: other.document.entry.slots })).toBe('vault_slot_invalid');
    expect(await mixed({ slots: entry.slots.slice(1) })).toBe('vault_slot_invalid');
    expect(await mixed({ pin: other.document.entry.pin })).toBe('vault_pin_mismatch');
    expect(await open({ format: 'pzk-auth/v2/vault-export' })).toBe('invalid_request');
    expect(await open({ more: 1 })).toBe('invalid_request');
    expect(await codeOf({ document: null, recoveryCode })).toBe('invalid_request');
  });

  it('[V7] opens after another device changed the keys only where that is approved', async () => {
    const { rotated, recoveryCode } = await craftExport(secrets);
    expect(await codeOf({ document: rotated, recoveryCode })).toBe('vault_repin_required');
    const no = { document: rotated, recoveryCode, approveSuccession: () => false };
    expect(await codeOf(no)).toBe('vault_repin_required');
    // Nobody who is not named by the key before can bring a key of their own.
    const other = await craftExport(secrets);
    for (const successions of [[], other.rotated.successions]) {
      const document = { ...rotated, successions };
      const approve = { document, recoveryCode, approveSuccession: () => true };
      expect(await codeOf(approve)).toBe('vault_pin_mismatch');
    }
  });

  it('[V7] honest: opens after a change of keys that the user approves', async () => {
    const { rotated, recoveryCode, device, slotIds } = await craftExport(secrets);
    const shown: unknown[] = [];
    const opened = await openVaultExport({
      document: rotated,
      recoveryCode,
      approveSuccession: ({ by, recipients }) => {
        shown.push(by, recipients.length);
        return true;
      },
    });
    expect(shown).toEqual([[device], 2]);
    expect(text(await opened.readSlot(slotIds[1] ?? ''))).toBe('sk-one');
  });
});
