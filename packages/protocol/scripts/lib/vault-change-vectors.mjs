/** Vectors of docs/protocol.md sections 12.9 to 12.13 and 12.19. */
import { crockford } from './crockford.mjs';
import { base64url, hex, hkdf, lp, seededBytes, sha256 } from './encodings.mjs';
import { COSE_KEY, CREDENTIAL_ID, ISSUER } from './exchange-vectors.mjs';
import { deriveHpkeScalar, hmacSha256, publicPoint, signDeterministic } from './p256.mjs';
import {
  IDENTITY_KEY,
  identityScalar,
  OTHER_ID,
  OTHER_IDENTITY_KEY,
  OTHER_ISSUER,
  RECIPIENT_ID,
  VAULT_ID,
  variants,
} from './vault-vectors.mjs';

const EMPTY = Buffer.alloc(0);
const raw = (text) => Buffer.from(text, 'hex');

/** Texts that no name may be, beside those of another length. */
export const BAD_NAMES = [
  ['a NUL', 'a\u0000b'],
  ['a line feed', 'a\nb'],
  ['an escape', 'a\u001b[31mb'],
  ['DEL', 'a\u007fb'],
  ['a control of the second block', 'a\u0085b'],
  ['a line separator', 'a\u2028b'],
  ['a paragraph separator', 'a\u2029b'],
  ['an override', 'a\u202eb'],
  ['an embedding', 'a\u202ab'],
  ['an isolate', 'a\u2066b'],
  ['the end of an isolate', 'a\u2069b'],
  ['a left-to-right mark', 'a\u200eb'],
  ['an Arabic letter mark', 'a\u061cb'],
  ['a byte order mark', 'a\ufeffb'],
  ['a byte order mark in front', '\ufeffa'],
  ['white space in front', ' a'],
  ['white space at the end', 'a\u00a0'],
  ['white space alone', '\u3000'],
  ['a zero-width space alone', '\u200b'],
  ['word joiners alone', '\u2060\u2060'],
  ['a Hangul filler alone', '\u3164'],
  ['tags alone', '\u{e0041}\u{e0042}'],
  ['a blank braille pattern alone', '\u2800'],
  ['a mark alone', '\u0301'],
  ['a mark in front', '\u0301a'],
  ['an unseen character and a mark in front', '\u200b\u0301a'],
  ['a pile of marks', `a${'\u0301'.repeat(5)}`],
  [
    'a pile of marks with joiners between',
    'a\u0301\u200d\u0302\u200d\u0303\u200d\u0304\u200d\u0305',
  ],
  ['a pile of enclosing marks', `a${'\u20dd'.repeat(5)}`],
];

/** Section 12.9. */
export function plaintext(name, provider, value) {
  const used = 16 + Buffer.byteLength(name) + Buffer.byteLength(provider) + value.length;
  return lp(name, provider, value, Buffer.alloc(Math.ceil(used / 256) * 256 - used));
}

function vaultSecrets() {
  const value = Buffer.from('sk-example-that-opens-nothing');
  const good = plaintext('Main', 'Anthropic', value);
  const full = Buffer.alloc(256 - 16 - 4, 0x61);
  const wide = '🔑'.repeat(64);
  const nonZero = Buffer.from(good);
  nonZero[nonZero.length - 1] = 1;
  const padded = (padding) => lp('Main', 'Anthropic', value, Buffer.alloc(padding));
  const needed = 256 - (16 + 4 + 9 + value.length);
  return {
    description:
      'Plaintexts of slots of kind `secret`: lp(name, provider, value, padding), padded to a multiple ' +
      'of 256 bytes. `names` are shown to people; what is refused as a name is so everywhere.',
    specification: 'docs/protocol.md, section 12.9',
    cases: [
      ['a secret', 'Main', 'Anthropic', value],
      ['without provider', 'Main', '', value],
      ['one byte', 'x', '', Buffer.of(0)],
      ['bytes that are no text', 'x', 'y', Buffer.from('ff00fe80', 'hex')],
      ['exactly 256 bytes: no padding', 'Main', '', full],
      ['one byte more: 255 of padding', 'Main', '', Buffer.concat([full, Buffer.of(0x61)])],
      ['the longest', wide, wide, seededBytes('a long secret', 8192)],
    ].map(([name, name_, provider, bytes]) => ({
      name,
      secret: { name: name_, provider, value: hex(bytes) },
      plaintext: hex(plaintext(name_, provider, bytes)),
    })),
    names: [
      'a',
      'Main',
      'Schlüssel 鍵 🔑',
      'a  b',
      '\u0645\u0641\u062a\u0627\u062d',
      '👩‍💻'.repeat(21),
      'می\u200cخواهم',
      '1\ufe0f\u20e3 ที่นี่',
      '\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}',
      `a${'\u0301'.repeat(4)}b`,
      wide,
    ],
    badNames: [
      ...BAD_NAMES,
      ['empty', ''],
      ['65 characters', 'a'.repeat(65)],
      ['65 characters of two code units', '🔑'.repeat(65)],
    ].map(([name, text]) => ({ name, text })),
    refused: [
      ...BAD_NAMES.map(([name, text]) => [`a name with ${name}`, plaintext(text, '', value)]),
      ...BAD_NAMES.map(([name, text]) => [`a provider with ${name}`, plaintext('a', text, value)]),
      ['no name', plaintext('', 'Anthropic', value)],
      ['a name of 65 characters', plaintext('a'.repeat(65), '', value)],
      ['a name that is not UTF-8', plaintext(Buffer.from('ff', 'hex'), '', value)],
      ['a lone surrogate in UTF-8', plaintext(Buffer.from('eda080', 'hex'), '', value)],
      ['an overlong form', plaintext(Buffer.from('c1a1', 'hex'), '', value)],
      ['no value', plaintext('a', '', EMPTY)],
      ['a value of 8193 bytes', plaintext('a', '', Buffer.alloc(8193, 1))],
      ['no padding', padded(0)],
      ['padding one short', padded(needed - 1)],
      ['padding one long', padded(needed + 1)],
      ['padding of another 256', padded(needed + 256)],
      ['padding of 256 where none is needed', lp('Main', '', full, Buffer.alloc(256))],
      ['padding that is not zero', nonZero],
      ['three parts', lp('Main', 'Anthropic', Buffer.alloc(256 - 12 - 13))],
      ['five parts', lp('Main', 'A', 'x', '', Buffer.alloc(256 - 20 - 6))],
      ['bytes after the end', Buffer.concat([good, Buffer.alloc(256)])],
      ['cut off', good.subarray(0, 255)],
      ['a length beyond the end', Buffer.concat([raw('ffffffff'), good.subarray(4)])],
      ['empty', EMPTY],
    ].map(([name, bytes]) => ({ name, plaintext: hex(bytes) })),
  };
}

/** Section 12.19. */
export function namesPlaintext(pairs) {
  const names = lp(...pairs.flat());
  const used = 8 + names.length;
  return lp(names, Buffer.alloc(Math.ceil(used / 256) * 256 - used));
}

function vaultNames() {
  const [first, second] = [RECIPIENT_ID, OTHER_ID].sort();
  const good = namesPlaintext([[first, 'Laptop']]);
  const one = lp(first, 'Laptop');
  const nonZero = Buffer.from(good);
  nonZero[nonZero.length - 1] = 1;
  const many = (count) =>
    Array.from({ length: count }, (_, index) => [
      base64url(Buffer.alloc(16, index)),
      '🔑'.repeat(64),
    ]).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    description:
      'Plaintexts of a slot of kind `names`: lp(lp(id, name, ...), padding), padded to a multiple of ' +
      '256 bytes, ids ascending. What is refused as a name: vault-secrets.json.',
    specification: 'docs/protocol.md, section 12.19',
    cases: [
      ['one device', [[first, 'Laptop']]],
      [
        'two devices of one name',
        [
          [first, 'Phone'],
          [second, 'Phone'],
        ],
      ],
      ['other scripts', [[first, 'Schlüssel 鍵 🔑']]],
      ['the most and the longest', many(16)],
    ].map(([name, names]) => ({ name, names, plaintext: hex(namesPlaintext(names)) })),
    refused: [
      ...BAD_NAMES.map(([name, text]) => [`a name with ${name}`, namesPlaintext([[first, text]])]),
      ['no name', namesPlaintext([[first, '']])],
      ['a name of 65 characters', namesPlaintext([[first, 'a'.repeat(65)]])],
      ['a name that is not UTF-8', namesPlaintext([[first, Buffer.from('ff', 'hex')]])],
      ['no pair', namesPlaintext([])],
      ['17 pairs', namesPlaintext(many(17))],
      ['an id without a name', namesPlaintext([[first]])],
      ['an id of 15 bytes', namesPlaintext([[base64url(Buffer.alloc(15)), 'Laptop']])],
      ['an id with padding', namesPlaintext([[`${first}==`, 'Laptop']])],
      ['an id in another spelling', namesPlaintext([['AAAAAAAAAAAAAAAAAAAAAB', 'Laptop']])],
      [
        'an id twice',
        namesPlaintext([
          [first, 'Laptop'],
          [first, 'Phone'],
        ]),
      ],
      [
        'ids in descending order',
        namesPlaintext([
          [second, 'Phone'],
          [first, 'Laptop'],
        ]),
      ],
      ['no padding', lp(one, EMPTY)],
      ['padding one long', lp(one, Buffer.alloc(256 - 8 - one.length + 1))],
      ['padding of another 256', lp(one, Buffer.alloc(512 - 8 - one.length))],
      ['padding that is not zero', nonZero],
      ['one part', lp(Buffer.alloc(252))],
      ['bytes after the end', Buffer.concat([good, Buffer.alloc(256)])],
      [
        'bytes after the last name',
        lp(Buffer.concat([one, raw('00')]), Buffer.alloc(256 - 9 - one.length)),
      ],
      ['cut off', good.subarray(0, 255)],
      ['a length beyond the end', Buffer.concat([raw('ffffffff'), good.subarray(4)])],
      ['empty', EMPTY],
    ].map(([name, bytes]) => ({ name, plaintext: hex(bytes) })),
  };
}

function successions() {
  const newScalar = seededBytes('next identity scalar', 32);
  const fields = {
    issuer: ISSUER,
    vaultId: VAULT_ID,
    oldIdentityKey: hex(IDENTITY_KEY),
    newIdentityKey: hex(publicPoint(newScalar)),
    counter: 2,
    previous: hex(seededBytes('previous manifest hash', 32)),
    by: RECIPIENT_ID,
  };
  const changes = {
    issuer: OTHER_ISSUER,
    vaultId: OTHER_ID,
    oldIdentityKey: hex(OTHER_IDENTITY_KEY),
    newIdentityKey: hex(OTHER_IDENTITY_KEY),
    counter: 3,
    previous: hex(seededBytes('another manifest hash', 32)),
    by: OTHER_ID,
  };
  const message = (one) =>
    lp(
      'pzk-auth/v1/succession',
      one.issuer,
      one.vaultId,
      raw(one.oldIdentityKey),
      raw(one.newIdentityKey),
      one.counter,
      raw(one.previous),
      one.by,
    );
  return {
    description:
      'What an identity key signs for its successor. Every case has another message; the first is ' +
      'also given as a succession on the wire, signed with the nonce of RFC 6979.',
    specification: 'docs/protocol.md, section 12.11',
    cases: variants(fields, changes).map(([name, one]) => ({
      name,
      fields: one,
      message: hex(message(one)),
    })),
    succession: {
      old_identity_key: base64url(raw(fields.oldIdentityKey)),
      identity_key: base64url(raw(fields.newIdentityKey)),
      counter: fields.counter,
      previous: base64url(raw(fields.previous)),
      by: fields.by,
      signature: base64url(signDeterministic(identityScalar, message(fields))),
    },
  };
}

function invitations() {
  const code = seededBytes('invitation code', 16);
  const derive = (label, length) => hkdf(code, EMPTY, lp(`pzk-auth/v1/${label}`, ISSUER), length);
  const id = base64url(derive('invite-id', 16));
  const keyNew = derive('invite-mac-new', 32);
  const keyOld = derive('invite-mac-old', 32);
  const oldFields = {
    issuer: ISSUER,
    vaultId: VAULT_ID,
    id,
    identityKey: hex(IDENTITY_KEY),
    counter: 3,
    manifestHash: hex(seededBytes('manifest hash', 32)),
  };
  const newFields = {
    issuer: ISSUER,
    vaultId: VAULT_ID,
    id,
    recipientId: RECIPIENT_ID,
    hpkeKey: hex(publicPoint(seededBytes('recipient scalar', 32))),
    credentialId: CREDENTIAL_ID,
    coseKey: hex(COSE_KEY),
    salt: hex(seededBytes('recipient salt', 32)),
    generation: 1,
  };
  const oldMessage = (one) =>
    lp(
      'pzk-auth/v1/invite-mac-old',
      one.issuer,
      one.vaultId,
      one.id,
      raw(one.identityKey),
      one.counter,
      raw(one.manifestHash),
    );
  const newMessage = (one) =>
    lp(
      'pzk-auth/v1/invite-mac-new',
      one.issuer,
      one.vaultId,
      one.id,
      one.recipientId,
      raw(one.hpkeKey),
      one.credentialId,
      sha256(raw(one.coseKey)),
      raw(one.salt),
      one.generation,
    );
  const list = (fields, changes, message, key) =>
    variants(fields, changes).map(([name, one]) => ({
      name,
      fields: one,
      message: hex(message(one)),
      mac: base64url(hmacSha256(key, message(one))),
    }));
  return {
    description: 'An invitation from its code on. Within a list every case has another message.',
    specification: 'docs/protocol.md, section 12.12',
    issuer: ISSUER,
    code: hex(code),
    infos: {
      id: hex(lp('pzk-auth/v1/invite-id', ISSUER)),
      macNew: hex(lp('pzk-auth/v1/invite-mac-new', ISSUER)),
      macOld: hex(lp('pzk-auth/v1/invite-mac-old', ISSUER)),
    },
    id,
    keyNew: hex(keyNew),
    keyOld: hex(keyOld),
    old: list(
      oldFields,
      {
        issuer: OTHER_ISSUER,
        vaultId: OTHER_ID,
        id: OTHER_ID,
        identityKey: hex(OTHER_IDENTITY_KEY),
        counter: 4,
        manifestHash: hex(seededBytes('another manifest hash', 32)),
      },
      oldMessage,
      keyOld,
    ),
    new: list(
      newFields,
      {
        issuer: OTHER_ISSUER,
        vaultId: OTHER_ID,
        id: OTHER_ID,
        recipientId: OTHER_ID,
        hpkeKey: hex(publicPoint(seededBytes('another recipient scalar', 32))),
        credentialId: OTHER_ID,
        coseKey: hex(seededBytes('another COSE key', 77)),
        salt: hex(seededBytes('another salt', 32)),
        generation: 2,
      },
      newMessage,
      keyNew,
    ),
  };
}

function recovery() {
  const code = seededBytes('recovery code', 32);
  const withChecksum = (bytes) => Buffer.concat([bytes, sha256(bytes).subarray(0, 3)]);
  const text = crockford(withChecksum(code));
  const bare = text.replaceAll('-', '');
  const swap = (index) => {
    const [a, b] = [bare[index], bare[index + 1]];
    if (a === b) throw new Error('Nothing to swap.');
    return bare.slice(0, index) + b + a + bare.slice(index + 2);
  };
  const ikm = hkdf(code, EMPTY, lp('pzk-auth/v1/recovery', ISSUER), 32);
  const scalar = deriveHpkeScalar(ikm);
  const point = publicPoint(scalar);
  const fields = {
    issuer: ISSUER,
    audience: `${ISSUER}/v1`,
    nonce: base64url(seededBytes('recovery nonce', 96)),
    jkt: base64url(seededBytes('recovery jkt', 32)),
    endpoint: '/enroll',
    writeHash: hex(seededBytes('recovery write', 32)),
  };
  const changes = {
    issuer: OTHER_ISSUER,
    audience: OTHER_ISSUER,
    nonce: base64url(seededBytes('another nonce', 96)),
    jkt: base64url(seededBytes('another jkt', 32)),
    endpoint: '/vault/recover',
    writeHash: '',
  };
  const message = ({ issuer, audience, nonce, jkt, endpoint, writeHash }) =>
    lp('pzk-auth/v1/recovery', issuer, audience, nonce, jkt, endpoint, raw(writeHash));
  const write = {
    manifest: base64url(Buffer.from('{"counter":2}')),
    manifest_signature: base64url(seededBytes('recovery manifest signature', 64)),
    recipients: [
      { id: RECIPIENT_ID, pin: base64url(seededBytes('recovery pin', 32)) },
      { id: OTHER_ID },
    ],
  };
  const writes = [
    ['the first', write],
    ['manifest changed', { ...write, manifest: base64url(Buffer.from('{"counter":3}')) }],
    [
      'manifest signature changed',
      { ...write, manifest_signature: base64url(seededBytes('another manifest signature', 64)) },
    ],
    [
      'pin changed',
      {
        ...write,
        recipients: [
          { id: RECIPIENT_ID, pin: base64url(seededBytes('another recovery pin', 32)) },
          { id: OTHER_ID },
        ],
      },
    ],
    ['recipients in another order', { ...write, recipients: [...write.recipients].reverse() }],
    [
      'pin of another',
      {
        ...write,
        recipients: [{ id: OTHER_ID, pin: write.recipients[0].pin }, { id: RECIPIENT_ID }],
      },
    ],
    ['no pin', { ...write, recipients: [{ id: RECIPIENT_ID }, { id: OTHER_ID }] }],
  ];
  const bytesOf = (text) => Buffer.from(text ?? '', 'base64url');
  const writeHash = ({ manifest, manifest_signature, recipients }) =>
    sha256(
      lp(
        bytesOf(manifest),
        bytesOf(manifest_signature),
        ...recipients.flatMap(({ id, pin }) => [id, bytesOf(pin)]),
      ),
    );
  const zeros = crockford(withChecksum(Buffer.alloc(32)));
  return {
    description:
      'Recovery codes as people read and type them, the signing key of one, and what it signs. The ' +
      'signature of the first message has the nonce of RFC 6979.',
    specification: 'docs/protocol.md, section 12.13',
    codes: [code, Buffer.alloc(32), Buffer.alloc(32, 0xff)].map((bytes) => ({
      code: hex(bytes),
      text: crockford(withChecksum(bytes)),
    })),
    accepted: [
      ['lower case', text.toLowerCase(), code],
      ['without separators', bare, code],
      ['spaces and line feeds', `  ${text.replaceAll('-', ' ').replace(' ', '\n')}\t`, code],
      ['letters for digits', zeros.replaceAll('0', 'O'), Buffer.alloc(32)],
      ['small letters for digits', zeros.replaceAll('0', 'o'), Buffer.alloc(32)],
      ['I and l for 1', text.replaceAll('1', 'I').replace('I', 'l'), code],
    ].map(([name, typed, bytes]) => ({ name, text: typed, code: hex(bytes) })),
    refused: [
      ['empty', ''],
      ['one character missing', bare.slice(0, -1)],
      ['one character more', `${bare}0`],
      ['two characters swapped', swap(4)],
      ['the first character changed', (bare[0] === '7' ? '8' : '7') + bare.slice(1)],
      ['the last character changed', bare.slice(0, -1) + (bare.at(-1) === '7' ? '8' : '7')],
      ['a U', `U${bare.slice(1)}`],
      ['a dotless i', `\u0131${bare.slice(1)}`],
      ['a long s', `\u017f${bare.slice(1)}`],
      ['full-width digits', `\uff11${bare.slice(1)}`],
      ['a NUL', `${bare}\u0000`],
      ['a check symbol', `${bare}*`],
      ['very long', bare.repeat(10)],
      ['without checksum', bare.slice(0, 52)],
    ].map(([name, typed]) => ({ name, text: typed })),
    key: {
      issuer: ISSUER,
      code: hex(code),
      info: hex(lp('pzk-auth/v1/recovery', ISSUER)),
      ikm: hex(ikm),
      scalar: hex(scalar),
      publicKey: hex(point),
      coseKey: hex(
        Buffer.concat([
          raw('a5010203262001215820'),
          point.subarray(1, 33),
          raw('225820'),
          point.subarray(33),
        ]),
      ),
    },
    messages: variants(fields, changes).map(([name, one]) => ({
      name,
      fields: one,
      message: hex(message(one)),
    })),
    signature: hex(signDeterministic(scalar, message(fields))),
    writes: writes.map(([name, one]) => ({ name, write: one, hash: hex(writeHash(one)) })),
  };
}

export const vaultChangeVectors = {
  'vault-secrets': vaultSecrets,
  'vault-names': vaultNames,
  'vault-successions': successions,
  'vault-invitations': invitations,
  'vault-recovery': recovery,
};
