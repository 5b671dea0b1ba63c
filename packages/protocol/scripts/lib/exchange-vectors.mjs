/** Vectors of docs/protocol.md sections 5 and 6. */
import { poseidon4 } from 'poseidon-lite/poseidon4';
import {
  base64url,
  bigEndian,
  hex,
  hkdf,
  lp,
  seededBytes,
  sha256,
  truncate,
} from './encodings.mjs';
import { publicPoint } from './p256.mjs';

export const ISSUER = 'https://api.example.com';
export const CREDENTIAL_ID = base64url(seededBytes('credential id', 32));

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function base62(value, length) {
  let text = '';
  for (let index = 0; index < length; index++) {
    text = ALPHABET[Number((value / 62n ** BigInt(index)) % 62n)] + text;
  }
  return text;
}

const checksum = (text) => base62(bigEndian(sha256(Buffer.from(text)).subarray(0, 4)), 6);

function formatKey(prefix, entropy) {
  const body = `${prefix}_${base62(bigEndian(entropy), 43)}`;
  return body + checksum(body);
}

function apiKeys() {
  const cases = [
    ['pzk', Buffer.alloc(32, 0)],
    ['pzk', Buffer.alloc(32, 0xff)],
    ['pzk', seededBytes('api key 1', 32)],
    ['weather_live', seededBytes('api key 2', 32)],
    ['a', seededBytes('api key 3', 32)],
  ].map(([prefix, entropy]) => ({
    prefix,
    entropy: hex(entropy),
    checksum: formatKey(prefix, entropy).slice(-6),
    apiKey: formatKey(prefix, entropy),
  }));
  const good = cases[2].apiKey;
  const flipped = good.slice(0, 10) + (good[10] === 'A' ? 'B' : 'A') + good.slice(11);
  const swapped = good.slice(0, 8) + good[9] + good[8] + good.slice(10);
  return {
    description:
      'API keys as issued: prefix, 256 bits in base62, checksum; and the texts that clients accept.',
    specification: 'docs/protocol.md, sections 5.1 and 5.2',
    cases,
    badChecksum: [
      { name: 'one character changed', apiKey: flipped },
      { name: 'two characters swapped', apiKey: swapped },
      { name: 'another prefix', apiKey: good.replace('pzk_', 'pzl_') },
      { name: 'cut off', apiKey: good.slice(0, -1) },
      { name: 'one character more', apiKey: `${good}0` },
      { name: 'upper-case prefix', apiKey: good.replace('pzk_', 'PZK_') },
      { name: 'without prefix', apiKey: good.slice(4) },
      { name: 'empty', apiKey: '' },
    ],
    badPrefixes: ['', '_', 'pzk_', '_pzk', 'PZK', 'p-k', 'a__b', '1a', 'thirteenchars', 'p k', 'é'],
    accepted: [
      { name: 'as it is', text: 'sk_test_123', bytes: hex(Buffer.from('sk_test_123')) },
      { name: 'outer white space', text: ' \t\r\nabc\n', bytes: hex(Buffer.from('abc')) },
      { name: 'inner space', text: 'a b', bytes: hex(Buffer.from('a b')) },
      { name: 'one character', text: 'x', bytes: '78' },
    ],
    refused: [
      { name: 'empty', text: '' },
      { name: 'white space alone', text: ' \n\t' },
      { name: 'not ASCII', text: 'sk_\u00e9' },
      { name: 'a line feed inside', text: 'a\nb' },
      { name: 'a tab inside', text: 'a\tb' },
      { name: 'a NUL', text: 'a\u0000' },
      { name: 'DEL', text: 'a\u007f' },
      { name: 'a zero-width space', text: 'a\u200bb' },
      { name: 'typographic quotes', text: '\u201cabc\u201d' },
      { name: '4097 characters', text: 'a'.repeat(4097) },
    ],
  };
}

/** Sections 5.3 to 5.6. */
function material(key) {
  const long = key.length > 62;
  const bytes = long ? hkdf(key, Buffer.alloc(0), Buffer.from('pzk-auth/v1/long-key'), 32) : key;
  const limb = (part) => bigEndian(Buffer.concat([part, Buffer.alloc(31 - part.length)]));
  return {
    m0: limb(bytes.subarray(0, 31)),
    m1: limb(bytes.subarray(31)),
    length: long ? 255 : key.length,
  };
}

function keyPacking() {
  const keys = [1, 30, 31, 32, 33, 61, 62, 63, 64, 4096].map((length) =>
    Buffer.from(base64url(seededBytes(`key of ${length}`, length)).slice(0, length)),
  );
  const cases = [...keys, Buffer.from('0'), Buffer.from('00')].map((key) => {
    const { m0, m1, length } = material(key);
    const form = { m0: String(m0), m1: String(m1), length };
    return { bytes: key.length, key: key.toString('ascii'), ...form };
  });
  return {
    description:
      'API keys packed into two field elements and a length byte; more than 62 bytes are hashed.',
    specification: 'docs/protocol.md, section 5.3',
    cases,
  };
}

const issuerSalt = (issuer) => truncate(sha256(lp('pzk-auth/v1/issuer', issuer)));

const tag = (length) =>
  bigEndian(
    Buffer.concat([
      sha256(Buffer.from('pzk-auth/v1/commitment')).subarray(0, 30),
      Buffer.of(length),
    ]),
  );

export function commitmentTo(key, issuer) {
  const { m0, m1, length } = material(key);
  return String(poseidon4([tag(length), m0, m1, issuerSalt(issuer)]));
}

function commitments() {
  const issuers = [
    ISSUER,
    'https://api.example.com/tenants/a',
    'https://api.example.org',
    'http://localhost:3000',
  ];
  const keys = [
    formatKey('pzk', seededBytes('api key 1', 32)),
    'sk_test_123',
    'x',
    'k'.repeat(62),
    'k'.repeat(63),
  ];
  return {
    description:
      'Issuer salt, tag and commitment. The same key at two issuers has two commitments.',
    specification: 'docs/protocol.md, sections 5.4 to 5.6',
    salts: issuers.map((issuer) => ({ issuer, salt: String(issuerSalt(issuer)) })),
    tags: [1, 31, 62, 255].map((length) => ({ length, tag: String(tag(length)) })),
    cases: issuers.flatMap((issuer) =>
      keys.map((apiKey) => ({
        issuer,
        apiKey,
        commitment: commitmentTo(Buffer.from(apiKey), issuer),
      })),
    ),
    poseidon: [
      [0n, 0n, 0n, 0n],
      [1n, 2n, 3n, 4n],
    ].map((inputs) => ({ inputs: inputs.map(String), hash: String(poseidon4(inputs)) })),
  };
}

/** A COSE key (RFC 9053 section 7.1.1) as authenticators write it: EC2, ES256, P-256. */
export function coseKeyOf(point) {
  return Buffer.concat([
    Buffer.from('a5010203262001215820', 'hex'),
    point.subarray(1, 33),
    Buffer.from('225820', 'hex'),
    point.subarray(33),
  ]);
}

export const COSE_KEY = coseKeyOf(publicPoint(seededBytes('credential scalar', 32)));

const base = {
  issuer: ISSUER,
  audience: ISSUER,
  nonce: base64url(seededBytes('nonce', 180)),
  jkt: base64url(seededBytes('session key thumbprint', 32)),
  credentialId: CREDENTIAL_ID,
  scope: 'weather:read weather:write',
  circuitId: 'ownership/v1',
};

const other = {
  issuer: 'https://api.example.org',
  audience: 'https://api.example.com/v2',
  nonce: base64url(seededBytes('another nonce', 180)),
  jkt: base64url(seededBytes('another thumbprint', 32)),
  credentialId: base64url(seededBytes('another credential', 32)),
  scope: 'weather:read',
  circuitId: 'ownership/v2',
};

function context(purpose, fields, statement) {
  const { issuer, audience, nonce, jkt, credentialId, scope, circuitId } = fields;
  const parts = [purpose, issuer, audience, nonce, jkt, credentialId, scope, circuitId, statement];
  return String(truncate(sha256(lp('pzk-auth/v1/context', ...parts))));
}

function mutated(fields, replacements) {
  return Object.entries(replacements).map(([name, value]) => [
    `${name} changed`,
    { ...fields, [name]: value },
  ]);
}

function contexts() {
  const apiKey = formatKey('pzk', seededBytes('api key 1', 32));
  const commitment = commitmentTo(Buffer.from(apiKey), ISSUER);
  const session = { ...base, commitment };
  const sessionOther = { ...other, commitment: commitmentTo(Buffer.from('x'), ISSUER) };
  const enroll = {
    ...session,
    coseKey: hex(COSE_KEY),
    recipientKey: hex(publicPoint(seededBytes('recipient scalar', 32))),
    vaultEntryHash: hex(seededBytes('vault entry hash', 32)),
  };
  const enrollOther = {
    ...sessionOther,
    coseKey: hex(coseKeyOf(publicPoint(seededBytes('another credential scalar', 32)))),
    recipientKey: hex(publicPoint(seededBytes('another recipient scalar', 32))),
    vaultEntryHash: hex(seededBytes('another vault entry hash', 32)),
  };
  const statementOf = (fields) => {
    const part = (value) => (value === undefined ? '' : Buffer.from(value, 'hex'));
    const hashed = fields.coseKey === undefined ? '' : sha256(Buffer.from(fields.coseKey, 'hex'));
    const { recipientKey, vaultEntryHash } = fields;
    return lp(fields.commitment, hashed, part(recipientKey), part(vaultEntryHash));
  };
  const { coseKey: _c, recipientKey: _r, vaultEntryHash: _v, ...keypair } = enroll;
  const { recipientKey: _rr, vaultEntryHash: _vv, ...withoutVault } = enroll;
  return {
    description:
      'Contexts of session and enrolment. Every case has another context than every other.',
    specification: 'docs/protocol.md, section 6.1',
    session: [
      ['a session', session],
      ['a key that demands no passkey', { ...session, credentialId: '' }],
      ['no scope', { ...session, scope: '' }],
      ['a separator moved (first)', { ...session, issuer: 'a|b', audience: 'c' }],
      ['a separator moved (second)', { ...session, issuer: 'a', audience: 'b|c' }],
      ...mutated(session, sessionOther),
    ].map(([name, fields]) => ({
      name,
      fields,
      context: context('session', fields, fields.commitment),
    })),
    enroll: [
      ['an enrolment with a vault', enroll],
      ['a passkey without a vault', withoutVault],
      ['a key pair', { ...keypair, credentialId: '' }],
      ...mutated(enroll, enrollOther),
    ].map(([name, fields]) => ({
      name,
      fields,
      context: context('enroll', fields, statementOf(fields)),
    })),
  };
}

function webauthnChallenges() {
  const challenge = (fields) =>
    sha256(
      lp(
        'pzk-auth/v1/webauthn',
        ...[fields.purpose, fields.issuer, fields.audience, fields.nonce, fields.jkt, fields.scope],
      ),
    );
  const { credentialId: _c, circuitId: _i, ...shared } = base;
  const { credentialId: _oc, circuitId: _oi, ...changes } = other;
  const session = { purpose: 'session', ...shared };
  return {
    description: 'What a passkey signs in an exchange; every case has another challenge.',
    specification: 'docs/protocol.md, section 6.2',
    cases: [
      ['a session', session],
      ['an enrolment', { ...session, purpose: 'enroll' }],
      ['no scope', { ...session, scope: '' }],
      ...mutated(session, changes),
    ].map(([name, fields]) => ({ name, fields, challenge: base64url(challenge(fields)) })),
  };
}

function revokeChallenges() {
  const fields = { issuer: base.issuer, device: 'dev_1', nonce: base.nonce };
  const changes = { issuer: other.issuer, device: 'dev_2', nonce: other.nonce };
  return {
    description: 'What a passkey signs to end a device; every case has another challenge.',
    specification: 'docs/protocol.md, section 12.15',
    cases: [['the first', fields], ...mutated(fields, changes)].map(([name, one]) => ({
      name,
      fields: one,
      challenge: base64url(
        sha256(lp('pzk-auth/v1/revoke-challenge', one.issuer, one.device, one.nonce)),
      ),
    })),
  };
}

export const exchangeVectors = {
  'api-keys': apiKeys,
  'key-packing': keyPacking,
  commitments,
  contexts,
  'webauthn-challenges': webauthnChallenges,
  'revoke-challenges': revokeChallenges,
};
