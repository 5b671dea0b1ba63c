import { encodeBase64url, type PzkErrorCode, prfInput } from '@pzk-auth/protocol';
import { describe, expect, it, vi } from 'vitest';
import { createMemoryStorage } from '../../src/index.js';
import { createSoftwareAuthenticator } from '../../src/testing/index.js';
import {
  apiKey,
  createClientOf,
  createIdleProver,
  issuer,
  origin,
  problem,
  user,
} from '../fake-issuer.js';
import { createFakePlatform, manifestOf, type StoredVault, text } from './fake-platform.js';

type PrfResults = AuthenticationExtensionsPRFValues;

/** A passkey that answers PRF as another one would. */
type Answer = (results: PrfResults) => Partial<PrfResults> | undefined;

const random = () => crypto.getRandomValues(new Uint8Array(32));
const inputs = (generation: number) =>
  [generation, generation + 1].map((one) => encodeBase64url(prfInput(issuer, one)));

/** A device with an open vault, and what its passkey is asked from then on. */
async function opened(answerOpening?: Answer) {
  const platform = createFakePlatform();
  const inner = createSoftwareAuthenticator({ origin });
  const asked: { prf: string[]; challenge: string; signature: string }[] = [];
  let answer: Answer | undefined;
  let onTouch: () => void | Promise<void> = () => undefined;
  const authenticator = {
    ...inner,
    async get(options: CredentialRequestOptions) {
      const { challenge, extensions } = options.publicKey as PublicKeyCredentialRequestOptions;
      const evaluated = extensions?.prf?.eval;
      const credential = await inner.get(options);
      const { signature } = credential.response as AuthenticatorAssertionResponse;
      asked.push({
        prf: [evaluated?.first, evaluated?.second].map((input) =>
          encodeBase64url(new Uint8Array(input as ArrayBuffer)),
        ),
        challenge: encodeBase64url(new Uint8Array(challenge as ArrayBuffer)),
        signature: encodeBase64url(new Uint8Array(signature)),
      });
      await onTouch();
      const { results } = credential.getClientExtensionResults().prf ?? {};
      if (answer === undefined || results === undefined) return credential;
      const changed = answer(results);
      return {
        ...credential,
        getClientExtensionResults: () => ({
          prf: changed === undefined ? {} : { results: changed },
        }),
      } as PublicKeyCredential;
    },
  };
  const storage = createMemoryStorage();
  const open = (kept = storage) =>
    createClientOf(platform, { authenticator, storage: kept, prover: createIdleProver() });
  const client = open();
  await client.enroll({ apiKey, user });
  answer = answerOpening;
  const vault = await client.vault.open();
  answer = undefined;
  const id = await vault.addSecret({ name: 'a', value: 'b' });
  asked.length = 0;
  return {
    platform,
    authenticator,
    asked,
    open,
    client,
    vault,
    id,
    own: () => manifestOf(platform.vault as StoredVault).recipients[0],
    answerBy: (next: Answer | undefined) => {
      answer = next;
    },
    atTouch: (work: () => void | Promise<void>) => {
      onTouch = work;
    },
  };
}

/** Two passkeys of one vault on one authenticator; it was opened with the older. */
async function withTwoPasskeys() {
  const setting = await opened();
  const { asked, authenticator, platform, client } = setting;
  const invitation = await client.vault.invitations.create();
  const second = createClientOf(platform, { authenticator });
  await second.vault.invitations.accept({ code: invitation.code, user });
  await invitation.poll();
  await invitation.admit();
  asked.length = 0;
  return setting;
}

const firstOnly: Answer = ({ first }) => ({ first });

describe('the next PRF generation', () => {
  it('comes with one touch, and the device asks for it from then on', async () => {
    const { asked, client, vault, id, own, open } = await opened();
    const before = own();
    await vault.rotateGeneration();
    expect(asked.map(({ prf }) => prf)).toEqual([inputs(2)]);
    expect(own()).toMatchObject({ generation: 2, credential_id: before?.credential_id });
    expect(own()?.salt).not.toBe(before?.salt);
    expect(own()?.hpke_key).not.toBe(before?.hpke_key);
    await client.vault.open();
    expect(asked.map(({ prf }) => prf)).toEqual([inputs(2), inputs(2)]);
    expect(text(await vault.readSecret(id))).toBe('b');
    // A browser that knows nothing asks for generations 1 and 2.
    const other = await open(createMemoryStorage()).vault.open();
    expect(asked.map(({ prf }) => prf).slice(2)).toEqual([inputs(1)]);
    expect(text(await other.readSecret(id))).toBe('b');
  });

  it('comes with one touch each time, as each touch gives the one after, too', async () => {
    const { asked, client, vault, id, own } = await opened();
    for (const generation of [2, 3, 4]) {
      await vault.rotateGeneration();
      await vault.renameSecret(id, { name: `in ${generation}` });
      expect(own()?.generation).toBe(generation);
    }
    expect(asked.map(({ prf }) => prf)).toEqual([inputs(2), inputs(3), inputs(4)]);
    await client.vault.open();
    expect(asked).toHaveLength(4);
    expect(text(await vault.readSecret(id))).toBe('b');
  });

  it('takes two touches where the opening gave one output only', async () => {
    const { asked, answerBy, client, vault, id, own } = await opened(firstOnly);
    answerBy(firstOnly);
    await vault.rotateGeneration();
    await vault.rotateGeneration();
    expect(asked.map(({ prf }) => prf)).toEqual([inputs(2), inputs(2), inputs(3), inputs(3)]);
    expect(own()?.generation).toBe(3);
    await client.vault.open();
    expect(asked).toHaveLength(5);
    expect(text(await vault.readSecret(id))).toBe('b');
  });

  it('takes two touches in a browser that did not ask for it at the opening', async () => {
    const { asked, open, vault, own } = await opened();
    await vault.rotateGeneration();
    asked.length = 0;
    const fresh = open(createMemoryStorage());
    const theirs = await fresh.vault.open();
    await fresh.start();
    expect(asked.map(({ prf }) => prf)).toEqual([inputs(1), inputs(2)]);
    await theirs.rotateGeneration();
    expect(asked.map(({ prf }) => prf).slice(2)).toEqual([inputs(3), inputs(3)]);
    expect(own()?.generation).toBe(3);
    // Opened once more it has been asked for.
    await fresh.vault.open();
    await theirs.rotateGeneration();
    expect(asked.map(({ prf }) => prf).slice(4)).toEqual([inputs(3), inputs(4)]);
  });

  it('is forgotten with the vault, and asked for by no touch then', async () => {
    const { asked, client, platform, vault, atTouch, own } = await opened();
    vault.lock();
    await expect(vault.rotateGeneration()).rejects.toMatchObject({ code: 'vault_locked' });
    expect(asked).toEqual([]);
    await client.vault.open();
    const sent = platform.sent.length;
    // Locked while the passkey is asked.
    atTouch(() => vault.lock());
    await expect(vault.rotateGeneration()).rejects.toMatchObject({ code: 'vault_locked' });
    expect(platform.sent).toHaveLength(sent);
    expect(own()?.generation).toBe(1);
  });

  it('ends with the signal, and writes nothing', async () => {
    const { platform, vault, atTouch, own } = await opened();
    const sent = platform.sent.length;
    const controller = new AbortController();
    atTouch(() => controller.abort());
    const { signal } = controller;
    await expect(vault.rotateGeneration({ signal })).rejects.toMatchObject({ code: 'aborted' });
    expect(platform.sent).toHaveLength(sent);
    expect(own()?.generation).toBe(1);
    atTouch(() => undefined);
    await vault.rotateGeneration();
    expect(own()?.generation).toBe(2);
  });

  it('is not there for a device without PRF, and takes no touch', async () => {
    const platform = createFakePlatform();
    const authenticator = createSoftwareAuthenticator({ origin, prf: false });
    const client = createClientOf(platform, { authenticator, allowWithoutPrf: true });
    await client.enroll({ apiKey, user });
    const vault = await client.vault.open();
    const onUserPrompt = vi.fn();
    authenticator.configure({ onUserPrompt });
    await expect(vault.rotateGeneration()).rejects.toMatchObject({ code: 'invalid_request' });
    expect(onUserPrompt).not.toHaveBeenCalled();
  });
});

describe('[W11] a passkey that does not give the same again', () => {
  const withOther: Answer = ({ first }) => ({ first, second: random() });
  const repeating: Answer = ({ first }) => ({
    first,
    second: (first as ArrayBuffer).slice(0),
  });

  it.each([
    ['answers otherwise at the opening', withOther],
    ['repeats the first output as the second', repeating],
  ])('[W11] that %s moves nothing', async (_, answer) => {
    const { asked, client, platform, vault, id, own } = await opened(answer);
    const { manifest } = platform.vault as StoredVault;
    const sent = platform.sent.length;
    await expect(vault.rotateGeneration()).rejects.toMatchObject({ code: 'prf_mismatch' });
    expect(asked).toHaveLength(1);
    expect(platform.sent).toHaveLength(sent);
    expect(platform.vault?.manifest).toBe(manifest);
    expect(text(await vault.readSecret(id))).toBe('b');
    await client.vault.open();
    await vault.rotateGeneration();
    expect(own()?.generation).toBe(2);
  });

  it.each<[string, Answer, PzkErrorCode]>([
    ['gives another one', () => ({ first: random() }), 'prf_mismatch'],
    ['gives none', () => undefined, 'prf_missing_at_get'],
    ['gives an empty one', () => ({ first: new Uint8Array(0) }), 'prf_missing_at_get'],
    ['gives zeros', () => ({ first: new Uint8Array(32) }), 'prf_missing_at_get'],
  ])('[W11] that %s at the touch moves nothing', async (_, answer, code) => {
    const { platform, vault, id, own, answerBy } = await opened();
    const sent = platform.sent.length;
    answerBy(answer);
    await expect(vault.rotateGeneration()).rejects.toMatchObject({ code });
    expect(platform.sent).toHaveLength(sent);
    expect(text(await vault.readSecret(id))).toBe('b');
    answerBy(undefined);
    await vault.rotateGeneration();
    expect(own()?.generation).toBe(2);
  });

  it.each<[string, Answer, PzkErrorCode]>([
    ['gives another one', () => ({ first: random() }), 'prf_mismatch'],
    ['gives none', () => undefined, 'prf_missing_at_get'],
  ])('[W11] that %s at the second of two touches moves nothing', async (_, answer, code) => {
    const { asked, platform, vault, own, atTouch, answerBy } = await opened(firstOnly);
    const sent = platform.sent.length;
    atTouch(() => {
      if (asked.length === 2) answerBy(answer);
    });
    await expect(vault.rotateGeneration()).rejects.toMatchObject({ code });
    expect(asked).toHaveLength(2);
    expect(platform.sent).toHaveLength(sent);
    expect(own()?.generation).toBe(1);
  });

  it('[W11] honest: the same output in both places moves the device', async () => {
    const same: Answer = (results) => results;
    const { vault, own, answerBy } = await opened(same);
    answerBy(same);
    await vault.rotateGeneration();
    expect(own()?.generation).toBe(2);
  });
});

describe('a platform that would have a say in the next PRF generation', () => {
  it('[V4] chooses no input: what it serves since the opening is neither fetched nor asked for', async () => {
    const { asked, platform, client, vault, id, own } = await opened();
    const other = await opened();
    for (let moved = 0; moved < 5; moved++) await other.vault.rotateGeneration();
    const stored = platform.snapshot();
    const served = other.platform.snapshot();
    platform.vault = served;
    const { manifest } = served;
    const sent = platform.sent.length;
    await expect(vault.rotateGeneration()).rejects.toMatchObject({ code: 'vault_conflict' });
    expect(asked.map(({ prf }) => prf)).toEqual([inputs(2)]);
    expect(platform.paths().slice(sent)).toEqual(['/pzk/vault']);
    expect(platform.vault?.manifest).toBe(manifest);
    platform.vault = stored;
    await client.vault.open();
    expect(text(await vault.readSecret(id))).toBe('b');
    await vault.rotateGeneration();
    expect(own()?.generation).toBe(2);
  });

  it('[V4] honest: is sent the write alone, and nothing of the touch', async () => {
    const { asked, platform, vault, own } = await opened();
    const sent = platform.sent.length;
    await vault.rotateGeneration();
    expect(platform.paths().slice(sent)).toEqual(['/pzk/vault']);
    expect(own()?.generation).toBe(2);
    const [touch] = asked;
    const wire = platform.sent.map(({ body, headers }) => body + JSON.stringify([...headers]));
    expect(touch?.challenge).toHaveLength(43);
    for (const needle of [touch?.challenge, touch?.signature]) {
      expect(wire.join('\n')).not.toContain(needle);
    }
  });

  it('[V4] gives the passkey nothing to sign: each touch signs bytes of its own', async () => {
    const { asked, platform, vault } = await opened();
    platform.respond('/pzk/challenge', () => problem('temporarily_unavailable', 503));
    await vault.rotateGeneration();
    await vault.rotateGeneration();
    expect(new Set(asked.map(({ challenge }) => challenge)).size).toBe(2);
  });

  it('[V1] lets nothing count that another passkey gave', async () => {
    const { asked, platform, client, vault } = await withTwoPasskeys();
    let refuse: (answer: Response) => void = () => undefined;
    const refused = new Promise<Response>((resolve) => {
      refuse = resolve;
    });
    platform.respond('/pzk/vault', () => refused);
    const adding = vault.addSecret({ name: 'slow', value: 'x' });
    const rotating = vault.rotateGeneration();
    const outcomes = Promise.allSettled([adding, rotating]);
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    // It waits for the write before it; meanwhile the vault is opened with the other passkey.
    await vi.waitFor(() => client.vault.open({ anyPasskey: true }));
    const { manifest } = platform.vault as StoredVault;
    platform.respond('/pzk/vault', () => undefined);
    refuse(problem('invalid_request', 400));
    expect(await outcomes).toMatchObject([
      { status: 'rejected', reason: { code: 'invalid_request' } },
      { status: 'rejected', reason: { code: 'vault_conflict' } },
    ]);
    expect(platform.vault?.manifest).toBe(manifest);
  });

  it('[V1] honest: counts what the same passkey gave, also where there are two', async () => {
    const { asked, platform, client, vault, id } = await withTwoPasskeys();
    await client.vault.open({ anyPasskey: true });
    await vault.rotateGeneration();
    expect(asked.map(({ prf }) => prf)).toEqual([inputs(1), inputs(2)]);
    const { recipients } = manifestOf(platform.vault as StoredVault);
    expect(recipients.map(({ generation }) => generation)).toEqual([1, 2]);
    await client.vault.open();
    expect(text(await vault.readSecret(id))).toBe('b');
  });

  it('[V2] that stores none of the writes that it answers locks nobody out', async () => {
    const { platform, client, vault, id, own, asked } = await opened();
    const stored = platform.snapshot();
    for (let moved = 0; moved < 3; moved++) await vault.rotateGeneration();
    platform.vault = stored;
    await expect(client.vault.open()).rejects.toMatchObject({ code: 'vault_rollback' });
    expect(asked.at(-1)?.prf).toEqual(inputs(4));
    await client.vault.open({ approveRollback: () => true });
    expect(asked.at(-1)?.prf).toEqual(inputs(1));
    expect(text(await vault.readSecret(id))).toBe('b');
    await vault.rotateGeneration();
    expect(own()?.generation).toBe(2);
    await client.vault.open();
    expect(text(await vault.readSecret(id))).toBe('b');
  });

  it('[V2] honest: that stores them is opened without a question', async () => {
    const { client, vault, id, own } = await opened();
    for (let moved = 0; moved < 3; moved++) await vault.rotateGeneration();
    await client.vault.open();
    expect(own()?.generation).toBe(4);
    expect(text(await vault.readSecret(id))).toBe('b');
  });
});
