import { randomBytes } from 'node:crypto';
import { createSoftwareAuthenticator, createTestClient } from '@pzk-auth/client/testing';
import { createVerifier, memoryStores } from '@pzk-auth/verifier';
import { interleave, timeEach } from './lib/interleave.mjs';
import { compare } from './lib/result.mjs';

const ISSUER = 'http://localhost:3000';
const SLOTS = 100;
/** What OWASP recommends for PBKDF2 with SHA-256, and password managers have as their default. */
const ITERATIONS = 600_000;

const { subtle } = crypto;

/**
 * `vault.unlock`: from the PRF output of one touch and the server's answer to a vault that is open, every
 * check made and the 100 secrets named.
 *
 * @param {import('./lib/settings.mjs').Settings} settings
 */
export async function measureVaultUnlock({ quick, note }) {
  const ours = await createOurs();
  try {
    const names = Array.from({ length: SLOTS }, (_, index) => `Secret ${index}`);
    const plain = await createPlain(names);
    const password = await createPassword(names);
    const samples = await interleave(
      {
        ours: () => timeEach(3, ours.unlock),
        whole: () => timeEach(2, ours.open),
        plain: () => timeEach(3, plain),
        password: () => timeEach(1, password),
      },
      { rounds: quick ? 8 : 40 },
    );
    const common = { unit: 'ms', better: /** @type {const} */ ('less'), ours: samples.ours };
    const { value } = compare({
      ...common,
      id: '',
      peer: '',
      ours: samples.whole,
      theirs: samples.whole,
    });
    note(
      `vault.unlock: ${value.toFixed(1)} ms for vault.open as a whole, with a software passkey and the server in the same process`,
    );
    return [
      compare({
        ...common,
        id: 'vault.unlock',
        peer: `PBKDF2 with ${ITERATIONS} iterations, then AES-CBC and HMAC for each of 100 secrets, as password managers do`,
        theirs: samples.password,
      }),
      compare({
        ...common,
        id: 'vault.unlock.bare',
        peer: 'WebCrypto alone: HKDF, a wrapped key, AES-GCM for each of 100 secrets; no checks of who sealed what',
        theirs: samples.plain,
      }),
    ];
  } finally {
    await ours.close();
  }
}

/** A vault with 100 slots, made by a client and a server. */
async function createOurs() {
  const verifier = createVerifier({
    ...{ issuer: ISSUER, audience: ISSUER, rpId: 'localhost', origins: [ISSUER] },
    ...{ scopes: ['bench'], stores: memoryStores() },
  });
  const authenticator = createSoftwareAuthenticator({ origin: ISSUER });
  /** @type {Uint8Array<ArrayBuffer> | undefined} */
  let prfOutput;
  let answer = '';
  const client = createTestClient({
    issuer: ISSUER,
    scope: ['bench'],
    authenticator: {
      ...authenticator,
      async get(options) {
        const credential = await authenticator.get(options);
        const { first } = credential.getClientExtensionResults().prf?.results ?? {};
        prfOutput = new Uint8Array(/** @type {ArrayBuffer} */ (first)).slice();
        return credential;
      },
    },
    async fetch(input, init) {
      const request = new Request(input, init);
      const response = await verifier.handle(request);
      if (request.url.endsWith('/vault/open')) answer = await response.clone().text();
      return response;
    },
  });
  const { apiKey } = await verifier.keys.issue({ scopes: ['bench'] });
  await client.enroll({ apiKey, user: { name: 'ada', displayName: 'Ada' } });
  let vault = await client.vault.open();
  // The API key has the first slot.
  for (let index = 1; index < SLOTS; index++) {
    await vault.addSecret({
      name: `Secret ${index}`,
      value: randomBytes(40).toString('base64url'),
    });
  }
  vault = await client.vault.open();
  const own = vault.contents.members.find((member) => member.own);
  const credentialId = own?.credentialId ?? '';
  const { importRecipientSecret, unlockVaultEntry, describeVault } = await loadClientVault();

  async function unlock() {
    const { vault: entry } = JSON.parse(answer);
    const secret = await importRecipientSecret(
      /** @type {Uint8Array<ArrayBuffer>} */ (prfOutput).slice(),
    );
    const unlocked = await unlockVaultEntry({
      ...{ issuer: ISSUER, credentialId, entry },
      secretFor: async () => secret,
    });
    const { slots } = await describeVault(unlocked.vault, { revoked: [], roster: undefined }, 0);
    assertNames(slots.map(({ name }) => name));
  }
  await unlock();
  return {
    unlock,
    open: () => client.vault.open(),
    close: () => verifier.close(),
  };
}

/** What the client runs, loaded from the build by its path, as the package does not export it. */
async function loadClientVault() {
  const { importRecipientSecret } = await import(
    '../../packages/client/dist/vault/recipient-secret.js'
  );
  const { unlockVaultEntry } = await import(
    '../../packages/client/dist/vault/unlock-vault-entry.js'
  );
  const { describeVault } = await import('../../packages/client/dist/exchange/vault-state.js');
  return { importRecipientSecret, unlockVaultEntry, describeVault };
}

/**
 * The least that a vault behind a PRF output can be.
 *
 * @param {readonly string[]} names
 */
async function createPlain(names) {
  const [prfOutput, salt] = [randomBytes(32), randomBytes(32)];
  const wrapping = await deriveWrapping(prfOutput, salt);
  const vaultKey = await importAes(randomBytes(32));
  const stored = JSON.stringify({
    key: await sealGcm(wrapping, new Uint8Array(await subtle.exportKey('raw', vaultKey))),
    items: await Promise.all(
      names.map((name) =>
        sealGcm(vaultKey, Buffer.from(`${name}\n${randomBytes(40).toString('hex')}`)),
      ),
    ),
  });
  return async () => {
    const { key, items } = JSON.parse(stored);
    const opened = await openGcm(await deriveWrapping(prfOutput, salt), key);
    const secrets = await importAes(opened);
    const found = [];
    for (const item of items) found.push((await openGcm(secrets, item)).toString().split('\n')[0]);
    assertNames(found);
  };
}

/**
 * A vault behind a password: the password is stretched, two keys are expanded from it, and what they open
 * is the key of the items, each encrypted and then authenticated, in two fields.
 *
 * @param {readonly string[]} names
 */
async function createPassword(names) {
  const [password, salt] = [Buffer.from('correct horse battery staple'), randomBytes(16)];
  const stretched = await stretch(password, salt);
  const userKey = randomBytes(64);
  const keys = await importPair(userKey);
  const stored = JSON.stringify({
    key: await sealCbc(stretched, userKey),
    items: await Promise.all(
      names.map(async (name) => ({
        name: await sealCbc(keys, Buffer.from(name)),
        value: await sealCbc(keys, randomBytes(40)),
      })),
    ),
  });
  return async () => {
    const { key, items } = JSON.parse(stored);
    const opened = await importPair(await openCbc(await stretch(password, salt), key));
    const found = [];
    for (const { name, value } of items) {
      found.push((await openCbc(opened, name)).toString());
      await openCbc(opened, value);
    }
    assertNames(found);
  };
}

/** @param {Uint8Array<ArrayBuffer>} secret @param {Uint8Array<ArrayBuffer>} salt */
async function deriveWrapping(secret, salt) {
  const base = await subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey']);
  const hkdf = { name: 'HKDF', hash: 'SHA-256', salt, info: Buffer.from('vault') };
  const aes = { name: 'AES-GCM', length: 256 };
  return subtle.deriveKey(hkdf, base, aes, false, ['encrypt', 'decrypt']);
}

/** @param {Uint8Array<ArrayBuffer>} key */
const importAes = (key) => subtle.importKey('raw', key, 'AES-GCM', true, ['encrypt', 'decrypt']);

/** @param {CryptoKey} key @param {Uint8Array<ArrayBuffer>} plaintext */
async function sealGcm(key, plaintext) {
  const iv = randomBytes(12);
  const sealed = await subtle.encrypt({ name: 'AES-GCM', iv }, key, plaintext);
  return Buffer.concat([iv, Buffer.from(sealed)]).toString('base64url');
}

/** @param {CryptoKey} key @param {string} text */
async function openGcm(key, text) {
  const sealed = Buffer.from(text, 'base64url');
  const iv = sealed.subarray(0, 12);
  return Buffer.from(await subtle.decrypt({ name: 'AES-GCM', iv }, key, sealed.subarray(12)));
}

/** @typedef {{ readonly aes: CryptoKey, readonly mac: CryptoKey }} KeyPair */

/**
 * @param {Uint8Array<ArrayBuffer>} bytes - 64
 * @returns {Promise<KeyPair>}
 */
async function importPair(bytes) {
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  return {
    aes: await subtle.importKey('raw', bytes.subarray(0, 32), 'AES-CBC', false, [
      'encrypt',
      'decrypt',
    ]),
    mac: await subtle.importKey('raw', bytes.subarray(32), hmac, false, ['sign', 'verify']),
  };
}

/** @param {Uint8Array<ArrayBuffer>} password @param {Uint8Array<ArrayBuffer>} salt */
async function stretch(password, salt) {
  const base = await subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits']);
  const pbkdf2 = { name: 'PBKDF2', hash: 'SHA-256', salt, iterations: ITERATIONS };
  const master = await subtle.deriveBits(pbkdf2, base, 256);
  const next = await subtle.importKey('raw', master, 'HKDF', false, ['deriveBits']);
  const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: Buffer.from('keys') };
  return importPair(new Uint8Array(await subtle.deriveBits(hkdf, next, 512)));
}

/** @param {KeyPair} keys @param {Uint8Array<ArrayBuffer>} plaintext */
async function sealCbc({ aes, mac }, plaintext) {
  const iv = randomBytes(16);
  const sealed = Buffer.from(await subtle.encrypt({ name: 'AES-CBC', iv }, aes, plaintext));
  const signed = Buffer.concat([iv, sealed]);
  const tag = Buffer.from(await subtle.sign('HMAC', mac, signed));
  return Buffer.concat([tag, signed]).toString('base64url');
}

/** @param {KeyPair} keys @param {string} text */
async function openCbc({ aes, mac }, text) {
  const bytes = Buffer.from(text, 'base64url');
  const [tag, signed] = [bytes.subarray(0, 32), bytes.subarray(32)];
  if (!(await subtle.verify('HMAC', mac, tag, signed))) throw new Error('A wrong MAC.');
  const iv = signed.subarray(0, 16);
  return Buffer.from(await subtle.decrypt({ name: 'AES-CBC', iv }, aes, signed.subarray(16)));
}

/** @param {readonly (string | undefined)[]} names */
function assertNames(names) {
  if (names.length !== SLOTS || names[SLOTS - 1] !== `Secret ${SLOTS - 1}`) {
    throw new Error('The vault opened with something else in it.');
  }
}
