import { describe, expect, it } from 'vitest';
import {
  blobHash,
  decodeBase64url,
  encodeBase64url,
  formatEs256CoseKey,
  formatManifest,
  hpkeInfo,
  limits,
  manifestSignatureMessage,
  parseManifest,
  parseMessage,
  pinKeyInfo,
  pinMessage,
  sealedBytes,
  sealedHash,
  slotAad,
  slotKeyInfo,
  utf8,
  type VaultEntry,
  type VaultManifest,
  vaultEntryHash,
  vaultEntrySchema,
} from '../../src/index.js';
import { memberPaths, objectPaths, withMember, without } from '../messages/samples.js';
import { codeOf, fromHex, readVectors, toHex } from '../read-vectors.js';

interface VaultEntryVector {
  readonly issuer: string;
  readonly credentialId: string;
  readonly apiKey: string;
  readonly secrets: {
    readonly prfOutput: string;
    readonly salt: string;
    readonly vaultKey: string;
  };
  readonly derived: {
    readonly hpkeIkm: string;
    readonly recipientKey: string;
    readonly identityKey: string;
    readonly pinKey: string;
    readonly sealedHash: string;
    readonly blobHash: string;
    readonly manifestText: string;
  };
  readonly entry: VaultEntry;
  readonly entryHash: string;
}

const vector = readVectors<VaultEntryVector>('vault-entry');

interface Spelling {
  readonly name: string;
  readonly text: string;
}

const spellings = readVectors<{
  readonly accepted: readonly Spelling[];
  readonly refused: readonly Spelling[];
}>('vault-manifests');
const { entry, derived, secrets } = vector;
// Read without the code under test, so that its faults show as failed tests.
const manifestBytes = Uint8Array.from(Buffer.from(entry.manifest, 'base64url'));
const manifest: VaultManifest = JSON.parse(new TextDecoder().decode(manifestBytes));

/** Flips one bit of a base64url value. */
function flip(text: string): string {
  const bytes = decodeBase64url(text);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  return encodeBase64url(bytes);
}

async function hkdf(
  secret: Uint8Array<ArrayBuffer>,
  salt: Uint8Array<ArrayBuffer>,
  info: Uint8Array<ArrayBuffer>,
) {
  const key = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
  const bits = await crypto.subtle.deriveBits(
    { name: 'HKDF', hash: 'SHA-256', salt, info },
    key,
    256,
  );
  return new Uint8Array(bits);
}

describe('vault entry', () => {
  it('has the hash of the vector', () => {
    expect(parseMessage(vaultEntrySchema, entry)).toEqual(entry);
    expect(toHex(vaultEntryHash(entry))).toBe(vector.entryHash);
    expect(toHex(sealedHash(entry.sealed))).toBe(derived.sealedHash);
    expect(sealedBytes(entry.sealed)).toHaveLength(65 + 80);
    expect(toHex(blobHash(entry.slots[0]?.blob ?? ''))).toBe(derived.blobHash);
  });

  it('has another hash after any change', () => {
    const [slot] = entry.slots;
    if (slot === undefined) throw new Error('no slot');
    const changed: VaultEntry[] = [
      { ...entry, vault_id: flip(entry.vault_id) },
      { ...entry, manifest: flip(entry.manifest) },
      { ...entry, manifest_signature: flip(entry.manifest_signature) },
      { ...entry, sealed: { ...entry.sealed, enc: flip(entry.sealed.enc) } },
      { ...entry, sealed: { ...entry.sealed, ct: flip(entry.sealed.ct) } },
      { ...entry, pin: flip(entry.pin) },
      { ...entry, slots: [{ ...slot, blob: flip(slot.blob) }] },
      { ...entry, slots: [] },
      { ...entry, slots: [slot, slot] },
    ];
    const hashes = changed.map((one) => toHex(vaultEntryHash(one)));
    expect(new Set([...hashes, vector.entryHash]).size).toBe(changed.length + 1);
  });

  it('refuses odd lengths of every fixed part, and blobs without room for IV and tag', () => {
    const cut = (text: string) => encodeBase64url(decodeBase64url(text).slice(0, -1));
    const grown = (text: string) => encodeBase64url(Uint8Array.of(...decodeBase64url(text), 0));
    for (const change of [cut, grown, () => '']) {
      const odd = [
        { ...entry, vault_id: change(entry.vault_id) },
        { ...entry, manifest_signature: change(entry.manifest_signature) },
        { ...entry, sealed: { ...entry.sealed, enc: change(entry.sealed.enc) } },
        { ...entry, sealed: { ...entry.sealed, ct: change(entry.sealed.ct) } },
        { ...entry, pin: change(entry.pin) },
      ];
      for (const one of odd) {
        expect(codeOf(() => parseMessage(vaultEntrySchema, one))).toBe('invalid_request');
      }
    }
    const [slot] = entry.slots;
    for (const length of [0, 12, 28]) {
      const slots = [{ ...slot, blob: encodeBase64url(new Uint8Array(length)) }];
      expect(codeOf(() => parseMessage(vaultEntrySchema, { ...entry, slots }))).toBe(
        'invalid_request',
      );
    }
  });

  it('takes the smallest blob, one byte of plaintext', () => {
    const slots = [{ id: entry.slots[0]?.id, blob: encodeBase64url(new Uint8Array(29)) }];
    expect(codeOf(() => parseMessage(vaultEntrySchema, { ...entry, slots }))).toBeUndefined();
  });

  it('derives, opens and verifies with WebCrypto what the vector holds', async () => {
    const [recipient] = manifest.recipients;
    const [slot] = manifest.slots;
    if (recipient === undefined || slot === undefined) throw new Error('empty manifest');
    const { issuer, credentialId } = vector;
    const vaultId = entry.vault_id;
    const derivation = { issuer, vaultId, credentialId, generation: recipient.generation };
    const secret = fromHex(secrets.prfOutput);
    const salt = decodeBase64url(recipient.salt);
    expect(toHex(await hkdf(secret, salt, hpkeInfo(derivation)))).toBe(derived.hpkeIkm);
    const pinKey = await hkdf(secret, salt, pinKeyInfo(derivation));
    expect(toHex(pinKey)).toBe(derived.pinKey);

    const identityKey = decodeBase64url(manifest.identity_key);
    const hmac = await crypto.subtle.importKey(
      'raw',
      pinKey,
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['verify'],
    );
    const pinned = pinMessage({ issuer, vaultId, recipientId: recipient.id, identityKey });
    expect(await crypto.subtle.verify('HMAC', hmac, decodeBase64url(entry.pin), pinned)).toBe(true);

    const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const verifyKey = await crypto.subtle.importKey('raw', identityKey, ecdsa, false, ['verify']);
    const signature = decodeBase64url(entry.manifest_signature);
    const message = manifestSignatureMessage(vaultId, manifestBytes);
    expect(await crypto.subtle.verify(ecdsa, verifyKey, signature, message)).toBe(true);

    const fields = { issuer, vaultId, slotId: slot.id, version: slot.version, kind: slot.kind };
    const slotBytes = await hkdf(fromHex(secrets.vaultKey), new Uint8Array(), slotKeyInfo(fields));
    const slotKey = await crypto.subtle.importKey('raw', slotBytes, 'AES-GCM', false, ['decrypt']);
    const blob = decodeBase64url(entry.slots[0]?.blob ?? '');
    const gcm = {
      name: 'AES-GCM',
      iv: blob.slice(0, 12),
      additionalData: slotAad(fields),
      tagLength: 128,
    };
    const opened = await crypto.subtle.decrypt(gcm, slotKey, blob.slice(12));
    expect(new TextDecoder().decode(opened)).toBe(vector.apiKey);
  });
});

describe('manifest', () => {
  const parse = (value: unknown) => parseManifest(utf8(JSON.stringify(value)));

  it('[H6] honest: writes the bytes of the vector, and reads them', () => {
    expect(new TextDecoder().decode(formatManifest(manifest))).toBe(derived.manifestText);
    expect(parseManifest(formatManifest(manifest))).toEqual(manifest);
    expect(parseManifest(manifestBytes)).toEqual(manifest);
  });

  it.each(spellings.accepted)('takes the one spelling: $name', ({ text }) => {
    const bytes = utf8(text);
    expect(formatManifest(parseManifest(bytes))).toEqual(bytes);
  });

  it.each(spellings.refused)('refuses another spelling: $name', ({ text }) => {
    expect(codeOf(() => parseManifest(utf8(text)))).toBe('vault_manifest_invalid');
  });

  it('writes the one spelling whatever the order of the object it is given', () => {
    const reversed = (value: object) => Object.fromEntries(Object.entries(value).reverse());
    const recipients = manifest.recipients.map(reversed);
    const slots = manifest.slots.map(reversed);
    const shuffled = reversed({ ...manifest, recipients, slots }) as unknown as VaultManifest;
    expect(new TextDecoder().decode(formatManifest(shuffled))).toBe(derived.manifestText);
  });

  it('refuses it with any member missing', () => {
    for (const path of memberPaths(manifest)) {
      expect(
        codeOf(() => parse(without(manifest, path))),
        path,
      ).toBe('vault_manifest_invalid');
    }
  });

  it('[H6] refuses unknown members at every level, __proto__ and constructor among them', () => {
    for (const path of objectPaths(manifest)) {
      for (const name of ['extra', '__proto__', 'constructor', 'prototype']) {
        const changed = withMember(manifest, path, name, { polluted: 1 });
        expect(
          codeOf(() => parse(changed)),
          `${path} ${name}`,
        ).toBe('vault_manifest_invalid');
      }
    }
    expect('polluted' in {}).toBe(false);
  });

  it('refuses doubled ids, no recipient, odd counters and generations', () => {
    const [recipient] = manifest.recipients;
    const [slot] = manifest.slots;
    const bad: unknown[] = [
      { ...manifest, recipients: [] },
      { ...manifest, recipients: [recipient, recipient] },
      { ...manifest, slots: [slot, slot] },
      { ...manifest, slots: [{ ...slot, id: recipient?.id }] },
      { ...manifest, slots: [{ ...slot, kind: 'password' }] },
      ...[0, -1, 1.5, 2 ** 53, '1'].map((counter) => ({ ...manifest, counter })),
      ...[-1, 1.5, 1_000_001, '1'].map((generation) => ({
        ...manifest,
        recipients: [{ ...recipient, generation }],
      })),
      { ...manifest, previous: 'x' },
    ];
    for (const value of bad) expect(codeOf(() => parse(value))).toBe('vault_manifest_invalid');
  });

  it('takes a hash or nothing as the previous manifest and the head of the receipts', () => {
    const hash = encodeBase64url(new Uint8Array(32));
    for (const name of ['previous', 'receipts_head']) {
      for (const value of ['', hash]) {
        expect(codeOf(() => parse({ ...manifest, [name]: value }))).toBeUndefined();
      }
      for (const value of ['x', `${hash}A`, null, 0]) {
        expect(codeOf(() => parse({ ...manifest, [name]: value }))).toBe('vault_manifest_invalid');
      }
    }
  });

  it('stops at the first fault', () => {
    const bad = { ...manifest, counter: 0, issuer: 'x', vault_id: 'x' };
    try {
      parse(bad);
      expect.unreachable();
    } catch (error) {
      const { cause } = error as { cause: { issues: unknown[] } };
      expect(cause.issues).toHaveLength(1);
    }
  });

  describe('rosters', () => {
    const [recipient] = manifest.recipients;
    const [slot] = manifest.slots;
    if (recipient === undefined || slot === undefined) throw new Error('empty manifest');
    const idOf = (n: number) => encodeBase64url(new Uint8Array(16).fill(n));
    const agent = { id: idOf(1), name: 'Agent', key: encodeBase64url(new Uint8Array(65).fill(4)) };
    const agentOf = (n: number) => ({
      ...agent,
      id: idOf(n),
      key: encodeBase64url(new Uint8Array(65).fill(n)),
    });
    const recipientOf = (n: number) => ({ ...recipient, id: idOf(n), credential_id: idOf(n) });
    const slotOf = (n: number) => ({ ...slot, id: idOf(n) });
    const many = <T>(count: number, make: (n: number) => T, from = 0) =>
      Array.from({ length: count }, (_, index) => make(from + index));
    const code = {
      ...recipientOf(9),
      credential_id: 'recovery',
      cose_key: encodeBase64url(formatEs256CoseKey(new Uint8Array(65).fill(4))),
    };

    it('hold up to 16 recipients, 128 slots of both kinds and 16 agents, and a head of receipts', () => {
      const full = {
        ...manifest,
        recipients: [...many(15, recipientOf), { ...code, id: idOf(15) }],
        slots: many(128, (n) => ({ ...slotOf(n), kind: n % 2 === 0 ? 'api-key' : 'secret' }), 16),
        agents: many(16, agentOf, 144),
        receipts_head: encodeBase64url(new Uint8Array(32)),
      };
      expect(parse(full)).toEqual(full);
      expect(formatManifest(full as VaultManifest).length).toBeLessThan(limits.manifestBytes);
      for (const over of [
        { ...full, recipients: [...full.recipients, recipientOf(200)] },
        { ...full, slots: [...full.slots, slotOf(200)] },
        { ...full, agents: [...full.agents, agentOf(200)] },
      ]) {
        expect(codeOf(() => parse(over))).toBe('vault_manifest_invalid');
      }
    });

    it.each([
      ['an agent with the id of a slot', { agents: [{ ...agent, id: slot.id }] }],
      ['two agents with one key', { agents: [agent, { ...agent, id: idOf(2) }] }],
      ['two agents with one id', { agents: [agent, { ...agentOf(2), id: agent.id }] }],
      ['an agent without a name', { agents: [{ ...agent, name: '' }] }],
      ['an agent whose name turns the line', { agents: [{ ...agent, name: 'a\u202eb' }] }],
      ['an agent whose name steers a terminal', { agents: [{ ...agent, name: 'a\u001b[2J' }] }],
      ['an agent with a member more', { agents: [{ ...agent, admin: true }] }],
      ['an agent with a short key', { agents: [{ ...agent, key: idOf(1) }] }],
      [
        'two recipients of one credential',
        { recipients: [recipient, { ...recipient, id: idOf(1) }] },
      ],
      ['two recovery codes', { recipients: [recipient, code, { ...code, id: idOf(8) }] }],
      ['a recovery code without a key', { recipients: [recipient, { ...code, cose_key: '' }] }],
      [
        'a recovery code with a key of another form',
        { recipients: [recipient, { ...code, cose_key: encodeBase64url(new Uint8Array(77)) }] },
      ],
      ['a recovery code of generation 2', { recipients: [recipient, { ...code, generation: 2 }] }],
      ['a credential id that is none', { recipients: [{ ...recipient, credential_id: 'a b' }] }],
      ['a recipient without a COSE key', { recipients: [{ ...recipient, cose_key: '' }] }],
      ['a short head of receipts', { receipts_head: idOf(1) }],
    ])('refuse %s', (_, changes) => {
      const value = { ...manifest, ...changes };
      expect(codeOf(() => parse(value))).toBe('vault_manifest_invalid');
      expect(() => formatManifest(value as VaultManifest)).toThrow(TypeError);
    });

    it('honest: take a recovery code and an agent', () => {
      const value = { ...manifest, recipients: [recipient, code], agents: [agent] };
      expect(parseManifest(formatManifest(value))).toEqual(value);
    });

    it('refuse more than 48 KiB, which it also does not write', () => {
      const wide = (n: number) => ({
        ...recipientOf(n),
        credential_id: encodeBase64url(new Uint8Array(1023).fill(n)),
        cose_key: encodeBase64url(new Uint8Array(1050)),
      });
      const value = { ...manifest, recipients: many(16, wide) };
      expect(codeOf(() => parse(value))).toBe('vault_manifest_invalid');
      expect(() => formatManifest(value)).toThrow(TypeError);
    });
  });

  it('takes the generation 0 of a device secret', () => {
    const recipients = manifest.recipients.map((one) => ({ ...one, generation: 0 }));
    expect(codeOf(() => parse({ ...manifest, recipients }))).toBeUndefined();
  });

  it('writes no manifest that it would not read', () => {
    const broken = { ...manifest, counter: 0 } as VaultManifest;
    expect(() => formatManifest(broken)).toThrow(TypeError);
  });
});
