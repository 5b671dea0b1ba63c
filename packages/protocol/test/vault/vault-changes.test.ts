import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  encodeBase64url,
  formatEs256CoseKey,
  formatRecoveryCode,
  type InvitationNewFields,
  type InvitationOldFields,
  invitationIdInfo,
  invitationNewKeyInfo,
  invitationNewMessage,
  invitationOldKeyInfo,
  invitationOldMessage,
  parseEs256CoseKey,
  parseMessage,
  parseRecoveryCode,
  type RecoveryFields,
  recoveryKeyInfo,
  recoveryMessage,
  recoveryWriteHash,
  type Succession,
  type SuccessionFields,
  successionMessage,
  successionSchema,
  type VaultWrite,
} from '../../src/index.js';
import { codeOf, fromHex, readVectors, toHex } from '../read-vectors.js';

/** The fields of a vector with those that are bytes in hexadecimal decoded. */
function decode<Fields>(fields: object, bytes: readonly string[]): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      bytes.includes(name) ? fromHex(value) : value,
    ]),
  ) as Fields;
}

interface MessageCase {
  readonly name: string;
  readonly fields: object;
  readonly message: string;
}

async function hkdf(ikm: Uint8Array<ArrayBuffer>, info: Uint8Array<ArrayBuffer>, length: number) {
  const key = await crypto.subtle.importKey('raw', ikm, 'HKDF', false, ['deriveBits']);
  const algorithm = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, length * 8));
}

async function verify(publicKey: string, signature: Uint8Array<ArrayBuffer>, message: string) {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const key = await crypto.subtle.importKey('raw', fromHex(publicKey), algorithm, false, [
    'verify',
  ]);
  const how = { name: 'ECDSA', hash: 'SHA-256' };
  return crypto.subtle.verify(how, key, signature, fromHex(message));
}

describe('succession', () => {
  const vectors = readVectors<{
    readonly cases: readonly MessageCase[];
    readonly succession: Succession;
  }>('vault-successions');
  const messageOf = (fields: object) =>
    toHex(
      successionMessage(
        decode<SuccessionFields>(fields, ['oldIdentityKey', 'newIdentityKey', 'previous']),
      ),
    );

  it.each(vectors.cases)('message, $name', ({ fields, message }) => {
    expect(messageOf(fields)).toBe(message);
  });

  it('changes with each field', () => {
    expect(new Set(vectors.cases.map(({ message }) => message)).size).toBe(8);
  });

  it('is on the wire what the old key signed', async () => {
    const succession = parseMessage(successionSchema, vectors.succession);
    const [first] = vectors.cases as unknown as readonly {
      fields: { oldIdentityKey: string };
      message: string;
    }[];
    const signature = Uint8Array.from(Buffer.from(succession.signature, 'base64url'));
    const { oldIdentityKey } = first?.fields ?? { oldIdentityKey: '' };
    expect(await verify(oldIdentityKey, signature, first?.message ?? '')).toBe(true);
  });
});

describe('invitation', () => {
  const vectors = readVectors<{
    readonly issuer: string;
    readonly code: string;
    readonly infos: Readonly<Record<'id' | 'macNew' | 'macOld', string>>;
    readonly id: string;
    readonly keyNew: string;
    readonly keyOld: string;
    readonly old: readonly (MessageCase & { readonly mac: string })[];
    readonly new: readonly (MessageCase & { readonly mac: string })[];
  }>('vault-invitations');

  it('has id and keys of its code', async () => {
    const code = fromHex(vectors.code);
    const { issuer } = vectors;
    expect(toHex(invitationIdInfo(issuer))).toBe(vectors.infos.id);
    expect(toHex(invitationNewKeyInfo(issuer))).toBe(vectors.infos.macNew);
    expect(toHex(invitationOldKeyInfo(issuer))).toBe(vectors.infos.macOld);
    expect(encodeBase64url(await hkdf(code, invitationIdInfo(issuer), 16))).toBe(vectors.id);
    expect(toHex(await hkdf(code, invitationNewKeyInfo(issuer), 32))).toBe(vectors.keyNew);
    expect(toHex(await hkdf(code, invitationOldKeyInfo(issuer), 32))).toBe(vectors.keyOld);
  });

  it.each(vectors.old)('message about the vault, $name', ({ fields, message }) => {
    const decoded = decode<InvitationOldFields>(fields, ['identityKey', 'manifestHash']);
    expect(toHex(invitationOldMessage(decoded))).toBe(message);
  });

  it.each(vectors.new)(
    '[V8] honest: message about the new recipient, $name',
    ({ fields, message }) => {
      const decoded = decode<InvitationNewFields>(fields, ['hpkeKey', 'coseKey', 'salt']);
      expect(toHex(invitationNewMessage(decoded))).toBe(message);
    },
  );

  it('[V8] changes with each field, and no message serves the other side', () => {
    const all = [...vectors.old, ...vectors.new].map(({ message }) => message);
    expect(new Set(all).size).toBe(all.length);
    expect(all).toHaveLength(7 + 10);
  });
});

describe('recovery code', () => {
  const vectors = readVectors<{
    readonly codes: readonly { readonly code: string; readonly text: string }[];
    readonly accepted: readonly { name: string; text: string; code: string }[];
    readonly refused: readonly { name: string; text: string }[];
    readonly key: Readonly<
      Record<'issuer' | 'code' | 'info' | 'ikm' | 'publicKey' | 'coseKey', string>
    >;
    readonly messages: readonly MessageCase[];
    readonly writes: readonly { name: string; write: VaultWrite; hash: string }[];
    readonly signature: string;
  }>('vault-recovery');

  it('is overwritten in what was typed wrongly, too', () => {
    const typed = formatRecoveryCode(new Uint8Array(32).fill(7));
    const wrong = `${typed.slice(0, -1)}${typed.endsWith('0') ? '1' : '0'}`;
    const seen: Uint8Array[] = [];
    for (const name of ['slice', 'subarray'] as const) {
      const real = Uint8Array.prototype[name];
      vi.spyOn(Uint8Array.prototype, name).mockImplementation(function (
        this: Uint8Array,
        ...range
      ) {
        const part = real.apply(this, range);
        if (this.length === 35) seen.push(this, part);
        return part as Uint8Array<ArrayBuffer>;
      });
    }
    expect(codeOf(() => parseRecoveryCode(wrong))).toBe('recovery_code_malformed');
    vi.restoreAllMocks();
    expect(seen).toHaveLength(4);
    for (const bytes of seen) expect(bytes).toEqual(new Uint8Array(bytes.length));
    expect(parseRecoveryCode(typed)).toEqual(new Uint8Array(32).fill(7));
  });

  it.each(vectors.codes)('is written in 14 groups of four and read again: $text', (one) => {
    expect(formatRecoveryCode(fromHex(one.code))).toBe(one.text);
    expect(toHex(parseRecoveryCode(one.text))).toBe(one.code);
    expect(one.text).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){13}[0-9A-HJKMNP-TV-Z]{4}$/);
  });

  it.each(vectors.accepted)('is read as people type it: $name', ({ text, code }) => {
    expect(toHex(parseRecoveryCode(text))).toBe(code);
  });

  it.each(vectors.refused)('refuses $name', ({ text }) => {
    expect(codeOf(() => parseRecoveryCode(text))).toBe('recovery_code_malformed');
  });

  it('refuses what is very long at once', () => {
    expect(codeOf(() => parseRecoveryCode(' '.repeat(50_000_000)))).toBe('recovery_code_malformed');
  });

  it('round trip; a code with one character changed is another text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(55), (code, place) => {
        const text = formatRecoveryCode(code);
        expect(toHex(parseRecoveryCode(text))).toBe(toHex(code));
        const bare = text.replaceAll('-', '');
        const other = bare[place] === 'Z' ? 'Y' : 'Z';
        const wrong = bare.slice(0, place) + other + bare.slice(place + 1);
        // The checksum has 24 bits: that one of these passes is not to be expected.
        expect(codeOf(() => parseRecoveryCode(wrong))).toBe('recovery_code_malformed');
      }),
      { numRuns: 200 },
    );
    for (const length of [0, 31, 33]) {
      expect(() => formatRecoveryCode(new Uint8Array(length))).toThrow(TypeError);
    }
  });

  it('has a signing key whose COSE key has one form', async () => {
    const { key } = vectors;
    const info = recoveryKeyInfo(key.issuer);
    expect(toHex(info)).toBe(key.info);
    expect(toHex(await hkdf(fromHex(key.code), info, 32))).toBe(key.ikm);
    expect(toHex(formatEs256CoseKey(fromHex(key.publicKey)))).toBe(key.coseKey);
    expect(toHex(parseEs256CoseKey(fromHex(key.coseKey)))).toBe(key.publicKey);
  });

  it('refuses every COSE key of another form', () => {
    const good = fromHex(vectors.key.coseKey);
    const coordinates = (index: number) => (index >= 10 && index < 42) || index >= 45;
    for (let index = 0; index < good.length; index++) {
      if (coordinates(index)) continue;
      const changed = good.slice();
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(
        codeOf(() => parseEs256CoseKey(changed)),
        `byte ${index}`,
      ).toBe('invalid_request');
    }
    for (const bad of [good.slice(0, -1), Uint8Array.of(...good, 0), new Uint8Array()]) {
      expect(codeOf(() => parseEs256CoseKey(bad))).toBe('invalid_request');
    }
    for (const bad of [new Uint8Array(65), Uint8Array.of(4), new Uint8Array(66).fill(4)]) {
      expect(() => formatEs256CoseKey(bad)).toThrow(TypeError);
    }
  });

  it.each(vectors.messages)('signs, $name', ({ fields, message }) => {
    const { writeHash = '' } = fields as { readonly writeHash?: string };
    const bound = { ...fields, writeHash: fromHex(writeHash) } as unknown as RecoveryFields;
    expect(toHex(recoveryMessage(bound))).toBe(message);
    if (writeHash !== '') return;
    expect(toHex(recoveryMessage({ ...bound, writeHash: undefined }))).toBe(message);
  });

  it.each(vectors.writes)('binds a write, $name', ({ write, hash }) => {
    expect(toHex(recoveryWriteHash(write))).toBe(hash);
  });

  it('binds another hash for each part of a write changed', () => {
    expect(new Set(vectors.writes.map(({ hash }) => hash)).size).toBe(vectors.writes.length);
  });

  it('signs another message for each field changed', async () => {
    expect(new Set(vectors.messages.map(({ message }) => message)).size).toBe(7);
    const signature = fromHex(vectors.signature);
    const results = await Promise.all(
      vectors.messages.map(({ message }) => verify(vectors.key.publicKey, signature, message)),
    );
    expect(results).toEqual([true, false, false, false, false, false, false]);
  });
});
