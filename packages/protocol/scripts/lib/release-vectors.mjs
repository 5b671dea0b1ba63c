/** Vectors of docs/protocol.md section 13. */
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { crockford } from './crockford.mjs';
import { base64url, hex, lp, seededBytes, sha256 } from './encodings.mjs';
import { CREDENTIAL_ID, ISSUER } from './exchange-vectors.mjs';
import { publicPoint, signDeterministic } from './p256.mjs';
import { BAD_NAMES } from './vault-change-vectors.mjs';
import {
  IDENTITY_KEY,
  OTHER_ID,
  OTHER_IDENTITY_KEY,
  OTHER_ISSUER,
  SLOT_ID,
  VAULT_ID,
  variants,
} from './vault-vectors.mjs';
import { words } from './words.mjs';

const raw = (text) => Buffer.from(text, 'hex');
const EMPTY = Buffer.alloc(0);
const agentScalar = seededBytes('agent scalar', 32);
const AGENT_KEY = publicPoint(agentScalar);
const OTHER_AGENT_KEY = publicPoint(seededBytes('another agent scalar', 32));

function pairing() {
  const fields = {
    issuer: ISSUER,
    vaultId: VAULT_ID,
    agentKey: hex(AGENT_KEY),
    nonceA: hex(seededBytes('pairing nonce a', 32)),
    identityKey: hex(IDENTITY_KEY),
    nonceB: hex(seededBytes('pairing nonce b', 32)),
  };
  const changes = {
    issuer: OTHER_ISSUER,
    vaultId: OTHER_ID,
    agentKey: hex(OTHER_AGENT_KEY),
    nonceA: hex(seededBytes('another pairing nonce a', 32)),
    identityKey: hex(OTHER_IDENTITY_KEY),
    nonceB: hex(seededBytes('another pairing nonce b', 32)),
  };
  const commitment = (one) =>
    sha256(lp('pzk-auth/v1/pair', one.issuer, one.vaultId, raw(one.agentKey), raw(one.nonceA)));
  const hash = (one) =>
    sha256(
      lp(
        'pzk-auth/v1/pair-words',
        one.issuer,
        one.vaultId,
        raw(one.agentKey),
        raw(one.nonceA),
        raw(one.identityKey),
        raw(one.nonceB),
      ),
    );
  const id = seededBytes('pairing id', 10);
  const text = crockford(id);
  return {
    description:
      'Pairing with an agent: the id that the user types, the commitment of the agent, and the words ' +
      'that both sides show. Every case has other words.',
    specification: 'docs/protocol.md, section 13.2',
    ids: [id, Buffer.alloc(10), Buffer.alloc(10, 0xff)].map((bytes) => ({
      id: hex(bytes),
      text: crockford(bytes),
    })),
    acceptedIds: [
      text.toLowerCase(),
      text.replaceAll('-', ''),
      ` ${text.replaceAll('-', ' ')}\n`,
    ].map((typed) => ({ text: typed, id: hex(id) })),
    refusedIds: ['', text.slice(0, -1), `${text}0`, `U${text.slice(1)}`, base64url(id)],
    wordlistHash: hex(sha256(Buffer.from(`${wordlist.join('\n')}\n`))),
    cases: variants(fields, changes).map(([name, one]) => ({
      name,
      fields: one,
      commitment: hex(commitment(one)),
      hash: hex(hash(one)),
      words: words(hash(one), 4),
    })),
  };
}

const REQUEST = {
  issuer: ISSUER,
  vaultId: VAULT_ID,
  requestId: base64url(seededBytes('request id', 16)),
  agentKeyHash: hex(sha256(AGENT_KEY)),
  hpkeKey: hex(publicPoint(seededBytes('request HPKE scalar', 32))),
  slotId: SLOT_ID,
  purpose: 'Summarise the open tickets of this week',
  host: 'api.anthropic.com',
  methods: ['GET', 'POST'],
  header: 'x-api-key',
  prefix: '',
  uses: 20,
  ttl: 900,
  perDay: 0,
  notAfter: 0,
};
const STANDING = { ...REQUEST, uses: 1_000_000, ttl: 0, perDay: 100_000, notAfter: 1_800_000_000 };

function requestParts(one) {
  return [
    'pzk-auth/v1/agent-request',
    one.issuer,
    one.vaultId,
    one.requestId,
    raw(one.agentKeyHash),
    raw(one.hpkeKey),
    one.slotId,
    one.purpose,
    one.host,
    one.methods.join(' '),
    one.header,
    one.prefix,
    one.uses,
    one.ttl,
    one.perDay,
    one.notAfter,
  ];
}

const BAD_HOSTS = [
  ['empty', ''],
  ['upper case', 'API.example.com'],
  ['not ASCII', 'api.exämple.com'],
  ['a Cyrillic letter', '\u0430pi.example.com'],
  ['a full-width dot', 'api\uff0eexample.com'],
  ['a final dot', 'api.example.com.'],
  ['a dot in front', '.example.com'],
  ['two dots', 'api..example.com'],
  ['the port 443', 'api.example.com:443'],
  ['a port with a leading zero', 'api.example.com:080'],
  ['the port 0', 'api.example.com:0'],
  ['the port 65536', 'api.example.com:65536'],
  ['no port after the colon', 'api.example.com:'],
  ['two ports', 'api.example.com:80:80'],
  ['a port alone', ':80'],
  ['a scheme', 'https://api.example.com'],
  ['a path', 'api.example.com/v1'],
  ['a query', 'api.example.com?x'],
  ['a fragment', 'api.example.com#x'],
  ['user information', 'user@api.example.com'],
  ['a backslash', 'api.example.com\\x'],
  ['percent-encoding', 'api%2eexample.com'],
  ['a space', 'api.example.com evil.example'],
  ['a line feed', 'api.example.com\n'],
  ['a NUL', 'api.example.com\u0000.evil.example'],
  ['an override', 'api.\u202eexample.com'],
  ['a wildcard', '*.example.com'],
  ['an underscore', 'a_b.example.com'],
  ['a hyphen in front', '-a.example.com'],
  ['a hyphen at the end of a label', 'a-.example.com'],
  ['a label of 64 characters', `${'a'.repeat(64)}.example.com`],
  ['254 characters', ['a'.repeat(62), ...Array(3).fill('b'.repeat(63))].join('.')],
  ['an IPv4 address', '127.0.0.1'],
  ['an IPv4 address with a port', '127.0.0.1:8080'],
  ['an IPv4 address as one number', '2130706433'],
  ['an IPv4 address in hexadecimal', '0x7f000001'],
  ['a short IPv4 address', '127.1'],
  ['a number as the last label', 'example.1'],
  ['a hexadecimal number as the last label', 'example.0x1'],
  ['an IPv6 address', '[::1]'],
  ['an IPv6 address without brackets', '::1'],
];

const BAD_METHODS = [
  ['none', ''],
  ['lower case', 'get'],
  ['another order', 'POST GET'],
  ['one twice', 'GET GET'],
  ['two spaces', 'GET  POST'],
  ['a space in front', ' GET'],
  ['a space at the end', 'GET '],
  ['a comma', 'GET,POST'],
  ['a line feed', 'GET\nPOST'],
  ['TRACE', 'TRACE'],
  ['CONNECT', 'CONNECT'],
  ['an unknown one', 'GET QUERY'],
  ['a wildcard', '*'],
  ['very many', 'GET '.repeat(300)],
];

const BAD_HEADERS = [
  ['empty', ''],
  ['upper case', 'X-API-Key'],
  ['one that ends in logs', 'referer'],
  ['another', 'user-agent'],
  ['one of cookies', 'cookie'],
  ['one of proxies', 'proxy-authorization'],
  ['a header that says where to', 'host'],
  ['no word before the hyphen', '-api-key'],
  ['two hyphens', 'x--token'],
  ['an underscore', 'x_api_key'],
  ['five words in front', 'a-b-c-d-e-token'],
  ['65 characters', `${'a'.repeat(59)}-token`],
  ['a space', 'x-api-key '],
  ['a colon', 'x-api-key:'],
  ['a line feed', 'x-api-key\n'],
  ['more behind', 'x-api-key-id'],
  ['a letter that is not ASCII', 'x-apı-key'],
];

const BAD_PREFIXES = [
  ['no space', 'Bearer'],
  ['two spaces', 'Bearer  '],
  ['a space alone', ' '],
  ['two words', 'Bearer x '],
  ['a space in front', ' Bearer '],
  ['a digit in front', '1Bearer '],
  ['33 characters', `${'a'.repeat(33)} `],
  ['a line feed', 'Bearer \n'],
  ['a colon', 'x: '],
  ['a quote', 'Token token="'],
];

const BAD_NUMBERS = [
  ['empty', ''],
  ['a leading zero', '020'],
  ['minus', '-1'],
  ['plus', '+20'],
  ['a fraction', '20.0'],
  ['an exponent', '1e1'],
  ['hexadecimal', '0x10'],
  ['a space', '20 '],
  ['Arabic digits', '\u0662'],
  ['a huge count', '9'.repeat(400)],
  ['beyond the exact range of a double', '9007199254740993'],
  ['Infinity', 'Infinity'],
];

const BAD_IDS = [
  ['empty', ''],
  ['15 bytes', base64url(Buffer.alloc(15))],
  ['17 bytes', base64url(Buffer.alloc(17))],
  ['unused bits set', `${base64url(Buffer.alloc(16)).slice(0, -1)}B`],
  ['padding', `${base64url(Buffer.alloc(16))}==`],
  ['raw bytes', Buffer.alloc(16)],
];

function agentRequests() {
  const encode = (one) => lp(...requestParts(one));
  const good = encode(REQUEST);
  const parts = requestParts(REQUEST);
  const withPart = (index, value) => lp(...parts.map((part, at) => (at === index ? value : part)));
  const withTerm = (uses, ttl, perDay, notAfter) =>
    lp(...parts.slice(0, 12), uses, ttl, perDay, notAfter);
  const changes = {
    issuer: OTHER_ISSUER,
    vaultId: OTHER_ID,
    requestId: OTHER_ID,
    agentKeyHash: hex(sha256(OTHER_AGENT_KEY)),
    hpkeKey: hex(publicPoint(seededBytes('another HPKE scalar', 32))),
    slotId: OTHER_ID,
    purpose: 'Summarise',
    host: 'api.anthropic.com:8443',
    methods: ['GET'],
    header: 'authorization',
    prefix: 'Bearer ',
    uses: 21,
    ttl: 901,
  };
  return {
    description:
      'Requests of agents in their one spelling, each with its hash; and bytes, hosts and methods that ' +
      'must be refused. The agent signs the bytes, here with the nonce of RFC 6979.',
    specification: 'docs/protocol.md, section 13.3',
    agentKey: hex(AGENT_KEY),
    cases: [
      ...variants(REQUEST, changes),
      ['a standing approval', STANDING],
      ['a standing approval, perDay changed', { ...STANDING, perDay: 1 }],
      ['a standing approval, notAfter changed', { ...STANDING, notAfter: 1_800_000_001 }],
      [
        'every method',
        { ...REQUEST, methods: 'DELETE GET HEAD OPTIONS PATCH POST PUT'.split(' ') },
      ],
      ['a header of five words', { ...REQUEST, header: 'a1-b-c-d-access-key' }],
      ['the longest header', { ...REQUEST, header: `${'a'.repeat(58)}-token` }],
      ['a header without hyphens', { ...REQUEST, header: 'apikey' }],
      ['the longest prefix', { ...REQUEST, prefix: `${'a'.repeat(32)} ` }],
      ['punycode', { ...REQUEST, host: 'xn--exmple-cua.com' }],
      ['a host of one label with a port', { ...REQUEST, host: 'localhost:8787' }],
      [
        'the longest host',
        { ...REQUEST, host: ['a'.repeat(61), ...Array(3).fill('b'.repeat(63))].join('.') },
      ],
      ['the longest purpose', { ...REQUEST, purpose: '🔑'.repeat(200) }],
      ['the longest time', { ...REQUEST, ttl: 86_400, uses: 1_000_000 }],
    ].map(([name, one]) => ({
      name,
      request: one,
      bytes: hex(encode(one)),
      hash: hex(sha256(encode(one))),
      signature: base64url(signDeterministic(agentScalar, encode(one))),
    })),
    badHosts: BAD_HOSTS.map(([name, host]) => ({ name, host })),
    refused: [
      ['empty', EMPTY],
      ['one part less', lp(...parts.slice(0, -1))],
      ['one part more', lp(...parts, '')],
      ['a byte after the end', Buffer.concat([good, Buffer.of(0)])],
      ['a byte missing', good.subarray(0, -1)],
      ['the first length too long', Buffer.concat([raw('7fffffff'), good.subarray(4)])],
      ['two parts swapped', lp(parts[0], parts[2], parts[1], ...parts.slice(3))],
      ['longer than 2048 bytes', withPart(7, 'a'.repeat(2000))],
      ['another label', withPart(0, 'pzk-auth/v1/receipt')],
      ['another version', withPart(0, 'pzk-auth/v2/agent-request')],
      ['no label', withPart(0, '')],
      ['no issuer', withPart(1, '')],
      ['an issuer that is no URL', withPart(1, 'api.example.com')],
      ['an issuer with a line feed', withPart(1, `${ISSUER}\n`)],
      ...[2, 3, 6].flatMap((index) =>
        BAD_IDS.map(([name, id]) => [`id in part ${index}: ${name}`, withPart(index, id)]),
      ),
      ['a hash of 31 bytes', withPart(4, Buffer.alloc(31))],
      ['no hash', withPart(4, EMPTY)],
      ['a compressed point', withPart(5, Buffer.concat([Buffer.of(2), Buffer.alloc(32, 1)]))],
      ['a point with another first byte', withPart(5, Buffer.alloc(65, 5))],
      ['a point of 66 bytes', withPart(5, Buffer.concat([raw(REQUEST.hpkeKey), Buffer.of(0)]))],
      ...BAD_NAMES.map(([name, text]) => [`a purpose with ${name}`, withPart(7, text)]),
      ['no purpose', withPart(7, '')],
      ['a purpose of 201 characters', withPart(7, 'a'.repeat(201))],
      ['a purpose that is not UTF-8', withPart(7, Buffer.from('ff', 'hex'))],
      ...BAD_HOSTS.map(([name, host]) => [`a host: ${name}`, withPart(8, host)]),
      ...BAD_METHODS.map(([name, list]) => [`methods: ${name}`, withPart(9, list)]),
      ...BAD_HEADERS.map(([name, text]) => [`a header: ${name}`, withPart(10, text)]),
      ...BAD_PREFIXES.map(([name, text]) => [`a prefix: ${name}`, withPart(11, text)]),
      ...[12, 13, 14, 15].flatMap((index) =>
        BAD_NUMBERS.slice(0, index === 12 ? undefined : 4).map(([name, text]) => [
          `number in part ${index}: ${name}`,
          withPart(index, text),
        ]),
      ),
      ['no use', withTerm(0, 900, 0, 0)],
      ['1,000,001 uses', withTerm(1_000_001, 900, 0, 0)],
      ['a time above a day', withTerm(1, 86_401, 0, 0)],
      ['no time at all', withTerm(1, 0, 0, 0)],
      ['a time and uses for each day', withTerm(1, 900, 1, 0)],
      ['a time and an end', withTerm(1, 900, 0, 1_800_000_000)],
      ['both forms', withTerm(1, 900, 1, 1_800_000_000)],
      ['a standing approval without end', withTerm(1, 0, 1, 0)],
      ['a standing approval without uses for each day', withTerm(1, 0, 0, 1_800_000_000)],
      ['100,001 uses for each day', withTerm(1, 0, 100_001, 1_800_000_000)],
    ].map(([name, bytes]) => ({ name, bytes: hex(bytes) })),
  };
}

function releases() {
  const requestHash = sha256(lp(...requestParts(REQUEST)));
  const otherHash = sha256(lp(...requestParts(STANDING)));
  const nonce = base64url(seededBytes('release nonce', 96));
  const challenge = { requestHash: hex(requestHash), nonce };
  const signed = {
    vaultId: VAULT_ID,
    requestHash: hex(requestHash),
    enc: hex(publicPoint(seededBytes('release ephemeral scalar', 32))),
    ct: hex(seededBytes('release ciphertext', 64)),
  };
  return {
    description: 'What an approval is bound to. Within a list every case has another value.',
    specification: 'docs/protocol.md, section 13.4',
    challenges: variants(challenge, {
      requestHash: hex(otherHash),
      nonce: base64url(seededBytes('another release nonce', 96)),
    }).map(([name, one]) => ({
      name,
      fields: one,
      challenge: base64url(
        sha256(lp('pzk-auth/v1/release-challenge', raw(one.requestHash), one.nonce)),
      ),
    })),
    seals: [requestHash, otherHash].map((hash) => ({
      requestHash: hex(hash),
      info: hex(lp('pzk-auth/v1/release-seal', hash)),
    })),
    signatures: variants(signed, {
      vaultId: OTHER_ID,
      requestHash: hex(otherHash),
      enc: hex(OTHER_AGENT_KEY),
      ct: hex(seededBytes('another release ciphertext', 64)),
    }).map(([name, one]) => ({
      name,
      fields: one,
      message: hex(
        lp(
          'pzk-auth/v1/release-signature',
          one.vaultId,
          raw(one.requestHash),
          raw(one.enc),
          raw(one.ct),
        ),
      ),
    })),
  };
}

function receipts() {
  const request = lp(...requestParts(REQUEST));
  const nonce = base64url(seededBytes('release nonce', 96));
  const base = {
    request: hex(request),
    agentSignature: hex(signDeterministic(agentScalar, request)),
    nonce,
    previous: '',
    authenticatorData: hex(seededBytes('authenticator data', 37)),
    clientDataJSON: hex(
      Buffer.from(
        JSON.stringify({
          type: 'webauthn.get',
          challenge: base64url(sha256(lp('pzk-auth/v1/release-challenge', sha256(request), nonce))),
          origin: 'https://app.example.com',
        }),
      ),
    ),
    signature: hex(seededBytes('passkey signature', 71)),
    credentialId: CREDENTIAL_ID,
    manifest: hex(Buffer.from('{"counter":1}')),
    manifestSignature: hex(seededBytes('manifest signature', 64)),
  };
  const encode = (one) =>
    lp(
      raw(one.request),
      raw(one.agentSignature),
      one.nonce,
      raw(one.previous),
      raw(one.authenticatorData),
      raw(one.clientDataJSON),
      raw(one.signature),
      one.credentialId,
      raw(one.manifest),
      raw(one.manifestSignature),
    );
  const hash = (bytes) => sha256(lp('pzk-auth/v1/receipt', bytes));
  const first = encode(base);
  const other = lp(...requestParts(STANDING));
  const refused = (changes) => encode({ ...base, ...changes });
  return {
    description:
      'Receipts and their hashes; the second of the chain names the first. Only the form is judged ' +
      'here: the signatures of passkey and manifest are bytes of the right length.',
    specification: 'docs/protocol.md, section 13.5',
    cases: [
      ...variants(base, {
        request: hex(other),
        agentSignature: hex(signDeterministic(agentScalar, other)),
        nonce: base64url(seededBytes('another release nonce', 96)),
        previous: hex(hash(first)),
        authenticatorData: hex(seededBytes('other authenticator data', 37)),
        clientDataJSON: hex(seededBytes('other client data', 80)),
        signature: hex(seededBytes('another passkey signature', 70)),
        credentialId: OTHER_ID,
        manifest: hex(Buffer.from('{"counter":2}')),
        manifestSignature: hex(seededBytes('another manifest signature', 64)),
      }),
    ].map(([name, one]) => ({
      name,
      receipt: one,
      bytes: hex(encode(one)),
      hash: hex(hash(encode(one))),
    })),
    refused: [
      ['empty', EMPTY],
      ['a byte after the end', Buffer.concat([first, Buffer.of(0)])],
      ['a byte missing', first.subarray(0, -1)],
      ['one part more', Buffer.concat([first, lp('')])],
      ['no request', refused({ request: '' })],
      ['a request of 2049 bytes', refused({ request: '00'.repeat(2049) })],
      ['a signature of 63 bytes', refused({ agentSignature: '00'.repeat(63) })],
      ['no nonce', refused({ nonce: '' })],
      ['a nonce with a space', refused({ nonce: `${nonce} ` })],
      ['a previous hash of 31 bytes', refused({ previous: '00'.repeat(31) })],
      ['authenticator data of 36 bytes', refused({ authenticatorData: '00'.repeat(36) })],
      ['no client data', refused({ clientDataJSON: '' })],
      ['no signature', refused({ signature: '' })],
      ['no credential id', refused({ credentialId: '' })],
      ['recovery as the credential id', refused({ credentialId: 'recovery' })],
      ['a credential id that is not canonical', refused({ credentialId: 'AB' })],
      ['no manifest', refused({ manifest: '' })],
      ['a manifest signature of 65 bytes', refused({ manifestSignature: '00'.repeat(65) })],
    ].map(([name, bytes]) => ({ name, bytes: hex(bytes) })),
  };
}

export const releaseVectors = {
  'agent-pairing': pairing,
  'agent-requests': agentRequests,
  releases,
  receipts,
};
