import { describe, expect, it } from 'vitest';
import {
  manifestSignatureMessage,
  type PinFields,
  pinMessage,
  pinWriteMessage,
  type SlotFields,
  slotAad,
  slotKeyInfo,
  type VaultSealFields,
  vaultSealInfo,
  vaultWords,
} from '../../src/index.js';
import { fromHex, readVectors, toHex } from '../read-vectors.js';

interface Case<Fields> {
  readonly name: string;
  readonly fields: Fields;
}

interface BindingVectors {
  readonly seal: readonly (Case<VaultSealFields> & { info: string })[];
  readonly pin: readonly (Case<Omit<PinFields, 'identityKey'> & { identityKey: string }> & {
    message: string;
  })[];
  readonly pinWrite: readonly (Case<{
    readonly issuer: string;
    readonly vaultId: string;
    readonly recipientId: string;
    readonly salt: string;
    readonly identityKey: string;
    readonly pin: string;
  }> & { message: string })[];
  readonly vaultWords: readonly (Case<{
    readonly issuer: string;
    readonly vaultId: string;
    readonly identityKey: string;
    readonly counter: number;
    readonly manifestHash: string;
  }> & { words: string[] })[];
  readonly slotKey: readonly (Case<Omit<SlotFields, 'issuer' | 'kind'>> & { info: string })[];
  readonly slotAad: readonly (Case<SlotFields> & { aad: string })[];
  readonly manifestSignature: readonly (Case<{ vaultId: string; manifest: string }> & {
    message: string;
  })[];
}

const vectors = readVectors<BindingVectors>('vault-bindings');

describe('what the parts of a vault are bound to', () => {
  it.each(vectors.seal)('HPKE info, $name', ({ fields, info }) => {
    expect(toHex(vaultSealInfo(fields))).toBe(info);
  });

  it.each(vectors.pin)('pin, $name', ({ fields, message }) => {
    const identityKey = fromHex(fields.identityKey);
    expect(toHex(pinMessage({ ...fields, identityKey }))).toBe(message);
  });

  it.each(vectors.pinWrite)('pin sent alone, $name', ({ fields, message }) => {
    const [salt, identityKey, pin] = [
      fromHex(fields.salt),
      fromHex(fields.identityKey),
      fromHex(fields.pin),
    ];
    expect(toHex(pinWriteMessage({ ...fields, salt, identityKey, pin }))).toBe(message);
  });

  it.each(vectors.vaultWords)('words of a vault, $name', ({ fields, words }) => {
    const identityKey = fromHex(fields.identityKey);
    const manifestHash = fromHex(fields.manifestHash);
    expect(vaultWords({ ...fields, identityKey, manifestHash })).toEqual(words);
  });

  it('has eight other words for each other state, key, vault and issuer', () => {
    const all = vectors.vaultWords.map(({ words }) => words.join(' '));
    expect(new Set(all).size).toBe(all.length);
    expect(new Set(vectors.vaultWords.map(({ words }) => words.length))).toEqual(new Set([8]));
  });

  it.each(vectors.slotKey)('slot key, $name', ({ fields, info }) => {
    expect(toHex(slotKeyInfo(fields))).toBe(info);
  });

  it.each(vectors.slotAad)('slot AAD, $name', ({ fields, aad }) => {
    expect(toHex(slotAad(fields))).toBe(aad);
  });

  it.each(vectors.manifestSignature)('manifest signature, $name', ({ fields, message }) => {
    expect(toHex(manifestSignatureMessage(fields.vaultId, fromHex(fields.manifest)))).toBe(message);
  });

  it('changes with each single field, and no two uses share an encoding', () => {
    const all = [
      ...vectors.seal.map(({ info }) => info),
      ...vectors.pin.map(({ message }) => message),
      ...vectors.pinWrite.map(({ message }) => message),
      ...vectors.slotKey.map(({ info }) => info),
      ...vectors.slotAad.map(({ aad }) => aad),
      ...vectors.manifestSignature.map(({ message }) => message),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  it('changes with the kind of a slot', () => {
    const fields = vectors.slotAad[0]?.fields as SlotFields;
    const other = { ...fields, kind: 'other' } as unknown as SlotFields;
    expect(toHex(slotAad(other))).not.toBe(toHex(slotAad(fields)));
  });
});
