/** A vector of docs/protocol.md section 12.17. */
import { crockford } from './crockford.mjs';
import { base64url, hex, hkdf, lp, seededBytes, sha256 } from './encodings.mjs';
import { COSE_KEY, CREDENTIAL_ID, coseKeyOf, ISSUER } from './exchange-vectors.mjs';
import {
  deriveHpkeScalar,
  encryptGcm,
  hmacSha256,
  publicPoint,
  sealHpke,
  signDeterministic,
} from './p256.mjs';
import { plaintext } from './vault-change-vectors.mjs';
import {
  IDENTITY_KEY,
  identityScalar,
  OTHER_ID,
  RECIPIENT_ID,
  VAULT_ID,
} from './vault-vectors.mjs';

const EMPTY = Buffer.alloc(0);
const VAULT_KEY = seededBytes('vault key', 32);

/** One of the vault's recipients, with what is sealed to it. */
function sealTo({ id, credentialId, secret, coseKey, counter }) {
  const salt = seededBytes(`salt of ${credentialId}`, 32);
  const info = (label) => lp(label, ISSUER, VAULT_ID, credentialId, 1);
  const key = publicPoint(deriveHpkeScalar(hkdf(secret, salt, info('pzk-auth/v1/hpke'), 32)));
  const { enc, ct } = sealHpke({
    ephemeralScalar: seededBytes(`ephemeral scalar for ${credentialId}`, 32),
    recipientKey: key,
    info: lp('pzk-auth/v1/vault-seal', ISSUER, VAULT_ID, id, counter),
    plaintext: Buffer.concat([VAULT_KEY, identityScalar]),
  });
  const pinKey = hkdf(secret, salt, info('pzk-auth/v1/pin'), 32);
  return {
    sealed: { enc: base64url(enc), ct: base64url(ct) },
    pin: hmacSha256(pinKey, lp('pzk-auth/v1/pin', ISSUER, VAULT_ID, id, IDENTITY_KEY)),
    member: {
      id,
      hpke_key: base64url(key),
      credential_id: credentialId,
      cose_key: base64url(coseKey),
      salt: base64url(salt),
      generation: 1,
      counter,
      sealed_hash: base64url(sha256(Buffer.concat([enc, ct]))),
    },
  };
}

function encryptSlot({ kind, version, bytes }, index) {
  const id = base64url(seededBytes(`slot ${index} of the export`, 16));
  const iv = seededBytes(`IV ${index} of the export`, 12);
  const key = hkdf(VAULT_KEY, EMPTY, lp('pzk-auth/v1/slot-key', VAULT_ID, id, version), 32);
  const aad = lp('pzk-auth/v1/slot-aad', ISSUER, VAULT_ID, id, version, kind);
  const blob = Buffer.concat([iv, encryptGcm(key, iv, aad, bytes)]);
  return { id, version, kind, blob };
}

function vaultExport() {
  const code = seededBytes('recovery code', 32);
  const signingIkm = hkdf(code, EMPTY, lp('pzk-auth/v1/recovery', ISSUER), 32);
  const counter = 2;
  const device = sealTo({
    ...{ id: RECIPIENT_ID, credentialId: CREDENTIAL_ID, coseKey: COSE_KEY, counter: 1 },
    secret: seededBytes('PRF output', 32),
  });
  const recovery = sealTo({
    ...{ id: OTHER_ID, credentialId: 'recovery', secret: code, counter },
    coseKey: coseKeyOf(publicPoint(deriveHpkeScalar(signingIkm))),
  });
  const values = [
    {
      ...{ kind: 'api-key', version: 1, name: '', provider: '' },
      value: Buffer.from('pzk_example_key_that_opens_nothing'),
    },
    {
      ...{ kind: 'secret', version: 3, name: 'Schlüssel 鍵', provider: 'anthropic' },
      value: Buffer.from('sk-ant-example-that-opens-nothing'),
    },
    { kind: 'secret', version: 1, name: 'Raw bytes', provider: '', value: Buffer.of(0, 255, 10) },
  ];
  const slots = values.map(({ kind, version, name, provider, value }, index) => {
    const bytes = kind === 'api-key' ? value : plaintext(name, provider, value);
    return encryptSlot({ kind, version, bytes }, index);
  });
  const manifest = Buffer.from(
    JSON.stringify({
      issuer: ISSUER,
      vault_id: VAULT_ID,
      identity_key: base64url(IDENTITY_KEY),
      counter,
      previous: base64url(seededBytes('manifest 1 of the export', 32)),
      history: [],
      recipients: [device.member, recovery.member],
      slots: slots.map(({ id, version, kind, blob }) => ({
        ...{ id, version, kind },
        blob_hash: base64url(sha256(blob)),
      })),
      agents: [],
      receipts_head: '',
    }),
  );
  const message = lp('pzk-auth/v1/manifest', VAULT_ID, manifest);
  const document = {
    format: 'pzk-auth/v1/vault-export',
    issuer: ISSUER,
    exported_at: 1790000000,
    entry: {
      vault_id: VAULT_ID,
      manifest: base64url(manifest),
      manifest_signature: base64url(signDeterministic(identityScalar, message)),
      sealed: recovery.sealed,
      pin: base64url(recovery.pin),
      slots: slots.map(({ id, blob }) => ({ id, blob: base64url(blob) })),
    },
    successions: [],
  };
  const { format: _f, ...withoutFormat } = document;
  const withEntry = (more) => ({ ...document, entry: { ...document.entry, ...more } });
  return {
    description:
      'A whole export, the recovery code that opens it, and what its slots then show. The manifest ' +
      'before is a test value.',
    specification: 'docs/protocol.md, section 12.17',
    recoveryCode: crockford(Buffer.concat([code, sha256(code).subarray(0, 3)])),
    document,
    opened: {
      issuer: ISSUER,
      vaultId: VAULT_ID,
      exportedAt: document.exported_at,
      counter,
      slots: values.map(({ value, ...slot }, index) => ({
        id: slots[index].id,
        ...slot,
        value: hex(value),
      })),
    },
    refused: [
      ['no format', withoutFormat],
      ['another format', { ...document, format: 'pzk-auth/v2/vault-export' }],
      ['an unknown member', { ...document, note: '' }],
      ['an unknown member of the entry', withEntry({ note: '' })],
      ['a time as text', { ...document, exported_at: '2026-09-21T13:33:20Z' }],
      ['a time with a fraction', { ...document, exported_at: 1790000000.5 }],
      ['a negative time', { ...document, exported_at: -1 }],
      ['another issuer', { ...document, issuer: 'https://api.example.org' }],
      ['a slot missing', withEntry({ slots: document.entry.slots.slice(1) })],
      ['two slots swapped', withEntry({ slots: [...document.entry.slots].reverse() })],
      ['what is sealed to another', withEntry({ sealed: device.sealed })],
      ['the pin of another', withEntry({ pin: base64url(device.pin) })],
    ].map(([name, refused]) => ({ name, document: refused })),
  };
}

export const exportVectors = { 'vault-export': vaultExport };
