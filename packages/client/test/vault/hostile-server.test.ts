import {
  type Bytes,
  decodeBase64url,
  encodeBase64url,
  isPzkError,
  manifestSignatureMessage,
  type PzkErrorCode,
  sealedHash,
  type VaultEntry,
} from '@pzk-auth/protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createSoftwareAuthenticator } from '../../src/testing/index.js';
import { createVaultEntry } from '../../src/vault/create-vault-entry.js';
import { openVaultEntry } from '../../src/vault/open-vault-entry.js';
import type { VaultMemory } from '../../src/vault/vault-memory.js';
import {
  createClientOf,
  createFakeIssuer,
  apiKey as enteredKey,
  origin,
  user,
  vaultAnswer,
} from '../fake-issuer.js';
import {
  type Craft,
  craftVault,
  credentialId,
  importSecret,
  issuer,
  newCraft,
  randomBytes,
  randomId,
} from './craft-vault.js';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Opens an entry and tells for which generations the passkey was asked. */
async function open(entry: VaultEntry, secret: CryptoKey, memory?: VaultMemory) {
  const asked: number[] = [];
  const secretFor = async (generation: number) => {
    asked.push(generation);
    return secret;
  };
  const opening = openVaultEntry({ issuer, credentialId, entry, secretFor, memory });
  const outcome = await opening.catch((error: unknown) => error);
  const code: PzkErrorCode | 'opened' = isPzkError(outcome) ? outcome.code : 'opened';
  return { asked, code, outcome };
}

/** The entry with another manifest text, signed by the vault's own identity key. */
async function resign(craft: Craft, entry: VaultEntry, text: string): Promise<VaultEntry> {
  const bytes = new TextEncoder().encode(text);
  const signature = await craft.identity.sign(manifestSignatureMessage(craft.vaultId, bytes));
  return {
    ...entry,
    manifest: encodeBase64url(bytes),
    manifest_signature: encodeBase64url(signature),
  };
}

const manifestText = (entry: VaultEntry) =>
  new TextDecoder().decode(decodeBase64url(entry.manifest));

async function knownVault() {
  const craft = await newCraft();
  const entry = await craftVault(craft);
  const { outcome } = await open(entry, craft.secret);
  const { memory } = outcome as { memory: VaultMemory };
  return { craft, entry, memory };
}

describe('a vault of a hostile server', () => {
  it.each([0, 1, 7])(
    '[V3] asks nobody for generation %i of a vault that this device does not know',
    async (generation) => {
      const { craft, entry, memory } = await knownVault();
      const server = await newCraft();
      const replaced = await craftVault(server, { generation });
      expect(await open(replaced, craft.secret, memory)).toMatchObject({
        asked: [],
        code: 'vault_rollback',
      });
      // The same with every id, the salt and the pin of the vault that it replaces.
      const { vaultId, recipientId, salt } = craft;
      const alike = await craftVault({ ...server, vaultId, recipientId, salt }, { generation });
      expect(await open({ ...alike, pin: entry.pin }, craft.secret, memory)).toMatchObject({
        asked: [],
        code: 'vault_rollback',
        outcome: { hint: expect.stringContaining('Do not enter the API key') },
      });
    },
  );

  it('[V3] honest: asks for the generation that the known vault names', async () => {
    const { craft, entry, memory } = await knownVault();
    expect(await open(entry, craft.secret, memory)).toMatchObject({ asked: [1], code: 'opened' });
    const previous = encodeBase64url(memory.manifestHash as Bytes);
    const rotated = await craftVault(craft, {
      counter: 2,
      previous,
      generation: 2,
      manifest: (manifest) => ({
        ...manifest,
        recipients: manifest.recipients.map((one) => ({ ...one, generation: 2 })),
      }),
    });
    expect(await open(rotated, craft.secret, memory)).toMatchObject({ asked: [2], code: 'opened' });
  });

  it('[V2] asks for no touch to show an older state', async () => {
    const { craft, entry, memory } = await knownVault();
    const newer = { ...memory, counter: 2 };
    expect(await open(entry, craft.secret, newer)).toMatchObject({
      asked: [],
      code: 'vault_rollback',
      outcome: { hint: expect.stringContaining('backup') },
    });
  });

  it('[V2] honest: asks once to show the state that is remembered', async () => {
    const { craft, entry, memory } = await knownVault();
    expect(await open(entry, craft.secret, memory)).toMatchObject({ asked: [1], code: 'opened' });
  });

  it.each([
    ['__proto__', (text: string) => text.replace('{', '{"__proto__":{"issuer":"x"},')],
    ['constructor', (text: string) => text.replace('{', '{"constructor":1,')],
    ['a member of a recipient', (text: string) => text.replace('[{', '[{"__proto__":null,')],
    ['a member twice', (text: string) => text.replace('"counter":1', '"counter":2,"counter":1')],
    ['another key first', (text: string) => text.replace('{', '{"identity_key":"AAAA",')],
    ['white space', (text: string) => text.replace('{', '{ ')],
    ['a byte order mark', (text: string) => `\ufeff${text}`],
    ['an exponent', (text: string) => text.replace('"counter":1', '"counter":1e0')],
    ['an escaped name', (text: string) => text.replace('"issuer"', '"\\u0069ssuer"')],
    ['a list', () => '[]'],
    ['5,000 brackets', () => '['.repeat(5000)],
  ])('[V4] refuses a manifest with %s before any touch, though it is signed', async (_, change) => {
    const craft = await newCraft();
    const entry = await craftVault(craft);
    const text = manifestText(entry);
    const changed = await resign(craft, entry, change(text));
    expect(changed.manifest).not.toBe(entry.manifest);
    const code = 'vault_manifest_invalid';
    expect(await open(changed, craft.secret)).toMatchObject({ asked: [], code });
  });

  it('[V4] honest: the same text, signed again, opens', async () => {
    const craft = await newCraft();
    const entry = await craftVault(craft);
    const again = await resign(craft, entry, manifestText(entry));
    expect(await open(again, craft.secret)).toMatchObject({ asked: [1], code: 'opened' });
  });

  it('[V1] refuses an id that stands for two things', async () => {
    const craft = await newCraft();
    const entry = await craftVault(craft);
    const manifest = JSON.parse(manifestText(entry));
    const [recipient] = manifest.recipients;
    const [slot] = manifest.slots;
    for (const part of [
      { recipients: [recipient, recipient] },
      { slots: [slot, slot] },
      { slots: [{ ...slot, id: recipient.id }] },
    ]) {
      const changed = await resign(craft, entry, JSON.stringify({ ...manifest, ...part }));
      const code = 'vault_manifest_invalid';
      expect(await open(changed, craft.secret)).toMatchObject({ asked: [], code });
    }
    const other = { recipients: [{ ...recipient, id: randomId() }] };
    const renamed = await resign(craft, entry, JSON.stringify({ ...manifest, ...other }));
    expect(await open(renamed, craft.secret)).toMatchObject({ code: 'vault_pin_mismatch' });
  });

  it.each([
    ['zeros', new Uint8Array(65)],
    ['the point at infinity', Uint8Array.of(4, ...new Uint8Array(64))],
    ['a point off the curve', Uint8Array.of(4, ...new Uint8Array(64).fill(1))],
  ])('[V5] refuses %s as identity key and as encapsulated key', async (_, point) => {
    const craft = await newCraft();
    const entry = await craftVault(craft);
    const manifest = JSON.parse(manifestText(entry));
    const rekeyed = { ...manifest, identity_key: encodeBase64url(point) };
    expect(
      await open(await resign(craft, entry, JSON.stringify(rekeyed)), craft.secret),
    ).toMatchObject({ asked: [], code: 'vault_manifest_invalid' });

    const sealed = { ...entry.sealed, enc: encodeBase64url(point) };
    manifest.recipients[0].sealed_hash = encodeBase64url(sealedHash(sealed));
    const covered = await resign(craft, { ...entry, sealed }, JSON.stringify(manifest));
    expect(await open(covered, craft.secret)).toMatchObject({ code: 'vault_sealed_invalid' });
  });
});

describe('a client whose vault the server replaces', () => {
  async function enrolledClient() {
    const fake = createFakeIssuer();
    const prompts: string[] = [];
    const onUserPrompt = (ceremony: string) => void prompts.push(ceremony);
    const authenticator = createSoftwareAuthenticator({ origin, onUserPrompt });
    const client = createClientOf(fake, { authenticator });
    await client.enroll({ apiKey: enteredKey, user });
    const { registration } = JSON.parse(fake.sent.at(-1)?.body ?? '');
    prompts.length = 0;
    return { fake, client, prompts, credential: registration.id as string };
  }

  it.each([0, 5])(
    '[V3] stops at one of generation %i, also with the API key at hand',
    async (generation) => {
      const { fake, client, prompts, credential } = await enrolledClient();
      const vault = await craftVault(await newCraft(), {
        manifest: (manifest) => ({
          ...manifest,
          recipients: manifest.recipients.map((one) => ({
            ...one,
            credential_id: credential,
            generation,
          })),
        }),
      });
      fake.respond('/pzk/vault/open', () => Response.json(vaultAnswer(vault)));
      fake.sent.length = 0;
      const starting = client.start({ apiKey: enteredKey });
      await expect(starting).rejects.toMatchObject({ code: 'vault_rollback' });
      expect(prompts).toEqual(['get']);
      expect(fake.paths()).toEqual(['/pzk/challenge', '/pzk/vault/open']);
    },
  );

  it('[V3] honest: starts with its own vault and one touch', async () => {
    const { fake, client, prompts } = await enrolledClient();
    fake.sent.length = 0;
    await client.start();
    expect(prompts).toEqual(['get']);
    expect(fake.paths()).toEqual(['/pzk/challenge', '/pzk/vault/open', '/pzk/token']);
  });
});

/** Records the secrets that the code under test hands to WebCrypto, as the buffers that it holds. */
function watchSecrets() {
  const seen: { readonly what: string; readonly bytes: Uint8Array }[] = [];
  const { subtle } = crypto;
  const importKey = subtle.importKey.bind(subtle) as (...args: unknown[]) => Promise<CryptoKey>;
  vi.spyOn(subtle, 'importKey').mockImplementation((...args: unknown[]) => {
    const [format, data, algorithm] = args;
    const { name = algorithm } = algorithm as { name?: unknown };
    if (data instanceof Uint8Array) seen.push({ what: `${format} ${name}`, bytes: data });
    return importKey(...args);
  });
  return (what: string, length: number) =>
    seen
      .filter((one) => one.what === what && one.bytes.length === length)
      .map(({ bytes }) => bytes);
}

describe('secrets of a vault', () => {
  it.each(['opened', 'vault_slot_damaged'] as const)(
    'are overwritten after use, where the outcome is: %s',
    async (expected) => {
      const craft = await newCraft();
      const slot = expected === 'opened' ? {} : { version: 2 };
      const entry = await craftVault(craft, { slot });
      const secretsOf = watchSecrets();
      expect(await open(entry, craft.secret)).toMatchObject({ code: expected });
      const [vaultKey] = secretsOf('raw HKDF', 32);
      const [identity] = secretsOf('pkcs8 ECDSA', 138);
      expect(vaultKey).toEqual(new Uint8Array(32));
      expect(identity).toEqual(new Uint8Array(138));
    },
  );

  it('are overwritten after a vault was made', async () => {
    const secret = await importSecret(randomBytes(32));
    const secretsOf = watchSecrets();
    const apiKey = new TextEncoder().encode('wd_key');
    const coseKey = new Uint8Array(77);
    await createVaultEntry({ issuer, secret, credentialId, coseKey, generation: 1, apiKey });
    expect(secretsOf('raw HKDF', 32)).toEqual([new Uint8Array(32)]);
    // The caller's to overwrite: it still proves with it.
    expect(new TextDecoder().decode(apiKey)).toBe('wd_key');
  });

  it('stand in no error, down to its causes', async () => {
    const craft = await newCraft();
    const entry = await craftVault(craft, { slot: { version: 2 } });
    const text: string[] = [];
    let { outcome: error } = await open(entry, craft.secret);
    while (error instanceof Error) {
      text.push(error.message, String((error as { hint?: unknown }).hint));
      error = error.cause;
    }
    expect(text[0]).toBe('A slot of the vault does not open.');
    const all = text.join(' ');
    const secrets = [craft.apiKey, craft.vaultKey, craft.identity.scalar];
    for (const secret of secrets) {
      expect(all).not.toContain(encodeBase64url(secret));
      expect(all).not.toContain(Buffer.from(secret).toString('hex'));
      expect(all).not.toContain(Buffer.from(secret).toString('latin1'));
    }
  });
});
