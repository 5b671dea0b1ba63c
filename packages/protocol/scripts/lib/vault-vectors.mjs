/** Vectors of docs/protocol.md section 12. */
import { base64url, hex, hkdf, lp, seededBytes, sha256 } from './encodings.mjs';
import { COSE_KEY, CREDENTIAL_ID, ISSUER } from './exchange-vectors.mjs';
import {
  deriveHpkeScalar,
  encryptGcm,
  hmacSha256,
  publicPoint,
  sealHpke,
  signDeterministic,
} from './p256.mjs';
import { words } from './words.mjs';

export const VAULT_ID = base64url(seededBytes('vault id', 16));
export const RECIPIENT_ID = base64url(seededBytes('recipient id', 16));
export const SLOT_ID = base64url(seededBytes('slot id', 16));
export const OTHER_ISSUER = 'https://api.example.org';
export const OTHER_ID = base64url(seededBytes('another id', 16));
export const identityScalar = seededBytes('identity scalar', 32);
export const IDENTITY_KEY = publicPoint(identityScalar);
export const OTHER_IDENTITY_KEY = publicPoint(seededBytes('another identity scalar', 32));

/** The fields as they are, and once more with each of the changes alone. */
export function variants(fields, changes) {
  return [
    ['the first', fields],
    ...Object.entries(changes).map(([name, value]) => [
      `${name} changed`,
      { ...fields, [name]: value },
    ]),
  ];
}

function prf() {
  const fields = { issuer: ISSUER, vaultId: VAULT_ID, credentialId: CREDENTIAL_ID, generation: 1 };
  const changes = {
    issuer: OTHER_ISSUER,
    vaultId: OTHER_ID,
    credentialId: 'recovery',
    generation: 2,
  };
  const info = (label, { issuer, vaultId, credentialId, generation }) =>
    hex(lp(label, issuer, vaultId, credentialId, generation));
  return {
    description: 'PRF inputs by issuer and generation, and the HKDF infos of a recipient.',
    specification: 'docs/protocol.md, sections 12.1 and 12.2',
    inputs: [
      [ISSUER, 1],
      [ISSUER, 2],
      [ISSUER, 10],
      [OTHER_ISSUER, 1],
    ].map(([issuer, generation]) => ({
      issuer,
      generation,
      input: base64url(sha256(lp('pzk-auth/v1/prf', issuer, generation))),
    })),
    infos: variants(fields, changes).map(([name, one]) => ({
      name,
      fields: one,
      hpke: info('pzk-auth/v1/hpke', one),
      pin: info('pzk-auth/v1/pin', one),
    })),
  };
}

function bindings() {
  const seal = { issuer: ISSUER, vaultId: VAULT_ID, recipientId: RECIPIENT_ID, counter: 1 };
  const pin = {
    issuer: ISSUER,
    vaultId: VAULT_ID,
    recipientId: RECIPIENT_ID,
    identityKey: hex(IDENTITY_KEY),
  };
  const pinWrite = {
    ...pin,
    salt: hex(seededBytes('recipient salt', 32)),
    pin: hex(seededBytes('pin', 32)),
  };
  const { recipientId: _r, ...identity } = pin;
  const state = { ...identity, counter: 1, manifestHash: hex(sha256(Buffer.from('manifest'))) };
  const slot = {
    issuer: ISSUER,
    vaultId: VAULT_ID,
    slotId: SLOT_ID,
    version: 1,
    kind: 'api-key',
  };
  const { issuer: _i, kind: _k, ...slotKey } = slot;
  const manifest = { vaultId: VAULT_ID, manifest: hex(Buffer.from('{"counter":1}')) };
  const raw = (text) => Buffer.from(text, 'hex');
  return {
    description:
      'What the parts of a vault are bound to. Within a list every case has another encoding.',
    specification: 'docs/protocol.md, sections 12.3 to 12.6, and 12.8 for the words',
    seal: variants(seal, {
      issuer: OTHER_ISSUER,
      vaultId: OTHER_ID,
      recipientId: OTHER_ID,
      counter: 2,
    }).map(([name, one]) => ({
      name,
      fields: one,
      info: hex(
        lp('pzk-auth/v1/vault-seal', one.issuer, one.vaultId, one.recipientId, one.counter),
      ),
    })),
    pin: variants(pin, {
      issuer: OTHER_ISSUER,
      vaultId: OTHER_ID,
      recipientId: OTHER_ID,
      identityKey: hex(OTHER_IDENTITY_KEY),
    }).map(([name, one]) => ({
      name,
      fields: one,
      message: hex(
        lp('pzk-auth/v1/pin', one.issuer, one.vaultId, one.recipientId, raw(one.identityKey)),
      ),
    })),
    pinWrite: variants(pinWrite, {
      issuer: OTHER_ISSUER,
      vaultId: OTHER_ID,
      recipientId: OTHER_ID,
      salt: hex(seededBytes('another salt', 32)),
      identityKey: hex(OTHER_IDENTITY_KEY),
      pin: hex(seededBytes('another pin', 32)),
    }).map(([name, one]) => ({
      name,
      fields: one,
      message: hex(
        lp(
          'pzk-auth/v1/pin-write',
          ...[one.issuer, one.vaultId, one.recipientId],
          ...[raw(one.salt), raw(one.identityKey), raw(one.pin)],
        ),
      ),
    })),
    vaultWords: variants(state, {
      issuer: OTHER_ISSUER,
      vaultId: OTHER_ID,
      identityKey: hex(OTHER_IDENTITY_KEY),
      counter: 2,
      manifestHash: hex(sha256(Buffer.from('another manifest'))),
    }).map(([name, one]) => {
      const hash = sha256(
        lp(
          'pzk-auth/v1/vault-words',
          one.issuer,
          one.vaultId,
          raw(one.identityKey),
          one.counter,
          raw(one.manifestHash),
        ),
      );
      return { name, fields: one, hash: hex(hash), words: words(hash, 8) };
    }),
    slotKey: variants(slotKey, { vaultId: OTHER_ID, slotId: OTHER_ID, version: 2 }).map(
      ([name, one]) => ({
        name,
        fields: one,
        info: hex(lp('pzk-auth/v1/slot-key', one.vaultId, one.slotId, one.version)),
      }),
    ),
    slotAad: variants(slot, {
      issuer: OTHER_ISSUER,
      vaultId: OTHER_ID,
      slotId: OTHER_ID,
      version: 2,
    }).map(([name, one]) => ({
      name,
      fields: one,
      aad: hex(
        lp('pzk-auth/v1/slot-aad', ...[one.issuer, one.vaultId, one.slotId, one.version, one.kind]),
      ),
    })),
    manifestSignature: variants(manifest, {
      vaultId: OTHER_ID,
      manifest: hex(Buffer.from('{"counter":2}')),
    }).map(([name, one]) => ({
      name,
      fields: one,
      message: hex(lp('pzk-auth/v1/manifest', one.vaultId, raw(one.manifest))),
    })),
  };
}

/** A whole vault with one recipient and one slot, each step of it computed. */
function vaultEntry() {
  const secret = seededBytes('PRF output', 32);
  const salt = seededBytes('recipient salt', 32);
  const vaultKey = seededBytes('vault key', 32);
  const ephemeralScalar = seededBytes('ephemeral scalar', 32);
  const iv = seededBytes('slot IV', 12);
  const apiKey = 'pzk_example_key_that_opens_nothing';
  const generation = 1;
  const counter = 1;
  const version = 1;
  const recipientInfo = (label) => lp(label, ISSUER, VAULT_ID, CREDENTIAL_ID, generation);

  const hpkeIkm = hkdf(secret, salt, recipientInfo('pzk-auth/v1/hpke'), 32);
  const recipientScalar = deriveHpkeScalar(hpkeIkm);
  const recipientKey = publicPoint(recipientScalar);
  const sealed = sealHpke({
    ephemeralScalar,
    recipientKey,
    info: lp('pzk-auth/v1/vault-seal', ISSUER, VAULT_ID, RECIPIENT_ID, counter),
    plaintext: Buffer.concat([vaultKey, identityScalar]),
  });
  const sealedBytes = Buffer.concat([sealed.enc, sealed.ct]);

  const slotInfo = lp('pzk-auth/v1/slot-key', VAULT_ID, SLOT_ID, version);
  const slotKey = hkdf(vaultKey, Buffer.alloc(0), slotInfo, 32);
  const aad = lp('pzk-auth/v1/slot-aad', ISSUER, VAULT_ID, SLOT_ID, version, 'api-key');
  const blob = Buffer.concat([iv, encryptGcm(slotKey, iv, aad, Buffer.from(apiKey))]);

  const manifest = Buffer.from(
    JSON.stringify({
      issuer: ISSUER,
      vault_id: VAULT_ID,
      identity_key: base64url(IDENTITY_KEY),
      counter,
      previous: '',
      history: [],
      recipients: [
        {
          id: RECIPIENT_ID,
          hpke_key: base64url(recipientKey),
          credential_id: CREDENTIAL_ID,
          cose_key: base64url(COSE_KEY),
          salt: base64url(salt),
          generation,
          counter,
          sealed_hash: base64url(sha256(sealedBytes)),
        },
      ],
      slots: [{ id: SLOT_ID, version, kind: 'api-key', blob_hash: base64url(sha256(blob)) }],
      agents: [],
      receipts_head: '',
    }),
  );
  const signature = signDeterministic(
    identityScalar,
    lp('pzk-auth/v1/manifest', VAULT_ID, manifest),
  );
  const pinKey = hkdf(secret, salt, recipientInfo('pzk-auth/v1/pin'), 32);
  const pin = hmacSha256(
    pinKey,
    lp('pzk-auth/v1/pin', ISSUER, VAULT_ID, RECIPIENT_ID, IDENTITY_KEY),
  );
  const hash = sha256(lp(VAULT_ID, manifest, signature, sealedBytes, pin, sha256(blob)));
  return {
    description:
      'A whole vault entry with one recipient and one slot, and each value on the way to it. The ' +
      'secrets are test values; the ephemeral scalar of HPKE and the IV are chosen so that the ' +
      'result is reproducible, and the ECDSA nonce follows RFC 6979.',
    specification: 'docs/protocol.md, sections 12.2 to 12.7',
    issuer: ISSUER,
    credentialId: CREDENTIAL_ID,
    coseKey: hex(COSE_KEY),
    apiKey,
    secrets: {
      prfOutput: hex(secret),
      salt: hex(salt),
      vaultKey: hex(vaultKey),
      identityScalar: hex(identityScalar),
      ephemeralScalar: hex(ephemeralScalar),
      slotIv: hex(iv),
    },
    derived: {
      hpkeIkm: hex(hpkeIkm),
      recipientScalar: hex(recipientScalar),
      recipientKey: hex(recipientKey),
      identityKey: hex(IDENTITY_KEY),
      slotKey: hex(slotKey),
      pinKey: hex(pinKey),
      sealedHash: hex(sha256(sealedBytes)),
      blobHash: hex(sha256(blob)),
      manifestText: manifest.toString('utf8'),
    },
    entry: {
      vault_id: VAULT_ID,
      manifest: base64url(manifest),
      manifest_signature: base64url(signature),
      sealed: { enc: base64url(sealed.enc), ct: base64url(sealed.ct) },
      pin: base64url(pin),
      slots: [{ id: SLOT_ID, blob: base64url(blob) }],
    },
    entryHash: hex(hash),
  };
}

/** The manifest of the vault entry in its one spelling, and the same content written otherwise. */
function manifests() {
  const text = vaultEntry().derived.manifestText;
  const { issuer, vault_id, ...rest } = JSON.parse(text);
  const [recipient] = rest.recipients;
  const rewrite = (from, to) => {
    if (text.split(from).length !== 2) throw new Error(`Not exactly once: ${from}`);
    return text.replace(from, to);
  };
  const { id, ...others } = recipient;
  const hash = base64url(Buffer.alloc(32));
  const names = (byte) =>
    JSON.stringify({
      id: base64url(Buffer.alloc(16, byte)),
      version: 1,
      kind: 'names',
      blob_hash: hash,
    });
  return {
    description:
      'The one spelling of a manifest, and spellings of the same content, or nearly so, that must be ' +
      'refused. Each is the UTF-8 text; nothing is signed here.',
    specification: 'docs/protocol.md, section 12.4',
    accepted: [
      { name: 'the manifest of vault-entry.json', text },
      { name: 'one with names of devices', text: rewrite('"slots":[', `"slots":[${names(1)},`) },
    ],
    refused: [
      ['white space before', ` ${text}`],
      ['a line feed after', `${text}\n`],
      ['white space after a colon', rewrite('"counter":1,"previous"', '"counter": 1,"previous"')],
      ['white space in an empty array', rewrite('"agents":[]', '"agents":[ ]')],
      ['indented', JSON.stringify(JSON.parse(text), null, 2)],
      ['a byte order mark', `\uFEFF${text}`],
      ['a member twice, with one value', rewrite('"agents":[]', '"agents":[],"agents":[]')],
      ['a member twice, the last one good', rewrite('{"issuer"', '{"counter":9,"issuer"')],
      ['a member of a recipient twice', rewrite('"generation":1', '"generation":2,"generation":1')],
      ['a member of a slot twice', rewrite('"version":1', '"version":1,"version":1')],
      ['two members swapped', JSON.stringify({ vault_id, issuer, ...rest })],
      [
        'two members of a recipient swapped',
        JSON.stringify({ issuer, vault_id, ...rest, recipients: [{ ...others, id }] }),
      ],
      ['an escaped solidus', rewrite('https://', 'https:\\/\\/')],
      ['an escaped letter', rewrite('"kind":"api-key"', '"kind":"\\u0061pi-key"')],
      ['an escaped member name', rewrite('"agents"', '"\\u0061gents"')],
      ['a number with a fraction', rewrite('"version":1', '"version":1.0')],
      ['a number with an exponent', rewrite('"version":1', '"version":1e0')],
      ['an unknown member', rewrite('"agents":[]', '"agents":[],"extra":1')],
      ['a missing member', rewrite(',"receipts_head":""', '')],
      ['a history that is not of its counter', rewrite('"history":[]', `"history":["${hash}"]`)],
      ['names of devices twice', rewrite('"slots":[', `"slots":[${names(1)},${names(2)},`)],
      ['an unknown kind of slot', rewrite('"kind":"api-key"', '"kind":"name"')],
      ['text after the end', `${text}{}`],
    ].map(([name, refused]) => ({ name, text: refused })),
  };
}

/** The hash over leaves from..to, of which there are a power of two; straight from the definition. */
function treeHash(leaves) {
  if (leaves.length === 1) return leaves[0];
  const middle = leaves.length / 2;
  const [left, right] = [leaves.slice(0, middle), leaves.slice(middle)].map(treeHash);
  return sha256(lp('pzk-auth/v1/history', left, right));
}

/** The complete trees over a row of leaves, the largest first. */
function trees(leaves) {
  const found = [];
  for (let from = 0; from < leaves.length; ) {
    let size = 1;
    while (size * 2 <= leaves.length - from) size *= 2;
    found.push({ from, leaves: leaves.slice(from, from + size) });
    from += size;
  }
  return found;
}

/** The siblings between a leaf and the top of its tree, lowest first. */
function siblings(leaves, position) {
  if (leaves.length === 1) return [];
  const middle = leaves.length / 2;
  const halves = [leaves.slice(0, middle), leaves.slice(middle)];
  const [own, other] = position < middle ? halves : halves.reverse();
  return [...siblings(own, position % middle), treeHash(other)];
}

function history() {
  const hashOf = (counter) => seededBytes(`manifest ${counter}`, 32);
  const manifestAt = (counter) => {
    const leaves = Array.from({ length: Math.max(counter - 2, 0) }, (_, at) => hashOf(at + 1));
    const forest = trees(leaves);
    return {
      forest,
      told: {
        counter,
        previous: counter === 1 ? '' : base64url(hashOf(counter - 1)),
        history: forest.map((one) => base64url(treeHash(one.leaves))),
      },
    };
  };
  const ancestryOf = (counter, earlier) => {
    if (earlier === counter - 1) return [];
    const { forest } = manifestAt(counter);
    const tree = forest.findLast(({ from }) => from < earlier);
    return siblings(tree.leaves, earlier - 1 - tree.from).map(base64url);
  };
  const counters = [1, 2, 3, 4, 5, 6, 9, 10, 11, 33, 100];
  const pairs = [
    [2, 1],
    [3, 1],
    [3, 2],
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((earlier) => [10, earlier]),
    [33, 1],
    [33, 30],
    [33, 31],
    [100, 1],
    [100, 64],
    [100, 65],
    [100, 96],
    [100, 97],
    [100, 98],
    [100, 99],
  ];
  const accepted = pairs.map(([counter, earlier]) => ({
    manifest: manifestAt(counter).told,
    earlier: { counter: earlier, hash: hex(hashOf(earlier)) },
    ancestry: ancestryOf(counter, earlier),
  }));
  const one = accepted.find(
    ({ manifest, earlier }) => manifest.counter === 100 && earlier.counter === 65,
  );
  const previous = accepted.find(
    ({ manifest, earlier }) => manifest.counter === 100 && earlier.counter === 99,
  );
  const stray = base64url(seededBytes('stray', 32));
  const { manifest, earlier, ancestry } = one;
  return {
    description:
      'Manifests whose hashes are test values: the `history` of each counter, ancestries that lead from ' +
      'an earlier manifest to a later one, and some that do not.',
    specification: 'docs/protocol.md, section 12.4',
    histories: counters.map((counter) => manifestAt(counter).told),
    accepted,
    refused: [
      ['another hash', { ...one, earlier: { ...earlier, hash: hex(seededBytes('stray', 32)) } }],
      ['another counter', { ...one, earlier: { ...earlier, counter: 66 } }],
      ['a counter of another tree', { ...one, earlier: { ...earlier, counter: 97 } }],
      ['a sibling changed', { ...one, ancestry: [stray, ...ancestry.slice(1)] }],
      ['a sibling missing', { ...one, ancestry: ancestry.slice(0, -1) }],
      ['a sibling too many', { ...one, ancestry: [...ancestry, stray] }],
      ['none', { ...one, ancestry: [] }],
      ['siblings swapped', { ...one, ancestry: [...ancestry].reverse() }],
      [
        'a node for a leaf',
        {
          ...one,
          earlier: { counter: 33, hash: hex(treeHash([hashOf(65), hashOf(66)])) },
          ancestry: ancestry.slice(1),
        },
      ],
      [
        'another history',
        { ...one, manifest: { ...manifest, history: manifest.history.map(() => stray) } },
      ],
      ['the same counter', { ...one, earlier: { counter: 100, hash: hex(hashOf(100)) } }],
      [
        'a later counter',
        { ...one, earlier: { counter: 101, hash: hex(hashOf(101)) }, ancestry: [] },
      ],
      [
        'another previous manifest',
        { ...previous, earlier: { counter: 99, hash: hex(hashOf(98)) } },
      ],
      ['siblings for the previous manifest', { ...previous, ancestry: [stray] }],
    ].map(([name, value]) => ({ name, ...value })),
  };
}

export const vaultVectors = {
  prf,
  'vault-bindings': bindings,
  'vault-manifests': manifests,
  'vault-entry': vaultEntry,
  'vault-history': history,
};
