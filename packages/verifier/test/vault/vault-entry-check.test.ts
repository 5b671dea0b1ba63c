import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import {
  blobHash,
  encodeBase64url,
  formatManifest,
  manifestSignatureMessage,
  sealedHash,
  utf8,
  type VaultEntry,
  type VaultManifest,
} from '@pzk-auth/protocol';
import { expect, it } from 'vitest';
import { checkVaultEntry } from '../../src/vault/vault-entry-check.js';

const ISSUER = 'https://api.example.com';
const random = (length: number) => encodeBase64url(Uint8Array.from(randomBytes(length)));

function sec1(key: KeyObject): string {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  const coordinates = [x, y].map((text) => Buffer.from(text, 'base64url'));
  return encodeBase64url(Uint8Array.from(Buffer.concat([Buffer.of(4), ...coordinates])));
}

const coseKey = Uint8Array.from(randomBytes(77));
const expected = {
  issuer: ISSUER,
  credentialId: random(16),
  coseKey,
  recipientKey: sec1(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey),
};

/** A vault as an honest client makes it; what is signed, and what is sent, can be changed. */
function craft(
  changes: {
    readonly manifest?: (manifest: VaultManifest) => VaultManifest;
    readonly text?: (text: string) => string;
    readonly blob?: string;
    readonly entry?: (entry: VaultEntry) => VaultEntry;
  } = {},
): VaultEntry {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const vaultId = random(16);
  const sealed = { enc: random(65), ct: random(80) };
  const slot = { id: random(16), blob: changes.blob ?? random(60) };
  const honest: VaultManifest = {
    issuer: ISSUER,
    vault_id: vaultId,
    identity_key: sec1(publicKey),
    counter: 1,
    previous: '',
    history: [],
    recipients: [
      {
        id: random(16),
        hpke_key: expected.recipientKey,
        credential_id: expected.credentialId,
        cose_key: encodeBase64url(coseKey),
        salt: random(32),
        generation: 1,
        counter: 1,
        sealed_hash: encodeBase64url(sealedHash(sealed)),
      },
    ],
    slots: [
      {
        id: slot.id,
        version: 1,
        kind: 'api-key',
        blob_hash: encodeBase64url(blobHash(slot.blob)),
      },
    ],
    agents: [],
    receipts_head: '',
  };
  const { manifest = (same) => same, text = (same) => same, entry = (same) => same } = changes;
  const bytes = utf8(text(Buffer.from(formatManifest(manifest(honest))).toString()));
  const message = manifestSignatureMessage(vaultId, bytes);
  const signature = sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return entry({
    vault_id: vaultId,
    manifest: encodeBase64url(bytes),
    manifest_signature: encodeBase64url(Uint8Array.from(signature)),
    sealed,
    pin: random(32),
    slots: [slot],
  });
}

const check = (entry: VaultEntry) => checkVaultEntry(entry, expected);

/** Changes the one recipient of a manifest. */
function recipient(change: Partial<VaultManifest['recipients'][number]>) {
  return ({ recipients: [only], ...rest }: VaultManifest): VaultManifest => ({
    ...rest,
    recipients: [{ ...(only as VaultManifest['recipients'][number]), ...change }],
  });
}

const other = sec1(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);

it('[V1] honest: takes a vault that belongs to the device, and says how it is protected', () => {
  expect(check(craft())).toBe('passkey');
  expect(check(craft({ manifest: recipient({ generation: 0 }) }))).toBe('device');
});

it('[V12] refuses a vault whose recipient has a key that is no point', () => {
  const recipientKey = encodeBase64url(new Uint8Array(65).fill(4));
  const entry = craft({ manifest: recipient({ hpke_key: recipientKey }) });
  const refused = expect.objectContaining({ code: 'invalid_request' });
  expect(() => checkVaultEntry(entry, { ...expected, recipientKey })).toThrow(refused);
});

it('refuses a vault that has plaintext in its slot', () => {
  const words = (blob: string) => craft({ blob });
  const refused = expect.objectContaining({ code: 'invalid_request' });
  const key = encodeBase64url(utf8('wd_live_an_api_key_as_it_was_issued'));
  expect(() => check(words(key))).toThrow(refused);
  expect(check(words(random(35)))).toBe('passkey');
});

it.each<[string, Parameters<typeof craft>[0]]>([
  ['of another issuer', { manifest: (m) => ({ ...m, issuer: 'https://other.example.com' }) }],
  ['whose manifest names another vault', { manifest: (m) => ({ ...m, vault_id: random(16) }) }],
  ['that is sent as another', { entry: (e) => ({ ...e, vault_id: random(16) }) }],
  ['that is no first one', { manifest: (m) => ({ ...m, counter: 2 }) }],
  ['that follows another', { manifest: (m) => ({ ...m, previous: random(32) }) }],
  ['sealed at a later counter', { manifest: recipient({ counter: 2 }) }],
  ['for another credential', { manifest: recipient({ credential_id: random(16) }) }],
  ['for another public key of the credential', { manifest: recipient({ cose_key: random(77) }) }],
  ['for another recipient key', { manifest: recipient({ hpke_key: other }) }],
  ['sealed otherwise', { entry: (e) => ({ ...e, sealed: { enc: random(65), ct: random(80) } }) }],
  [
    'with a second recipient',
    {
      manifest: (m) => ({
        ...m,
        recipients: [
          ...m.recipients,
          { ...m.recipients[0], id: random(16), credential_id: random(16) } as never,
        ],
      }),
    },
  ],
  ['with a slot that is not listed', { manifest: (m) => ({ ...m, slots: [] }) }],
  ['without a slot that is listed', { entry: (e) => ({ ...e, slots: [] }) }],
  [
    'with another blob in its slot',
    { entry: (e) => ({ ...e, slots: e.slots.map(({ id }) => ({ id, blob: random(60) })) }) },
  ],
  [
    'with its slot under another id',
    { entry: (e) => ({ ...e, slots: e.slots.map(({ blob }) => ({ id: random(16), blob })) }) },
  ],
  ['signed by another key', { manifest: (m) => ({ ...m, identity_key: other }) }],
  [
    'whose identity key is no point',
    { manifest: (m) => ({ ...m, identity_key: encodeBase64url(new Uint8Array(65).fill(4)) }) },
  ],
  ['with another signature', { entry: (e) => ({ ...e, manifest_signature: random(64) }) }],
  ['in another spelling', { text: (text) => `${text} ` }],
])('[V1] refuses a vault %s', (_, changes) => {
  expect(() => check(craft(changes))).toThrow(expect.objectContaining({ code: 'invalid_request' }));
});
