import { describe, expect, it } from 'vitest';
import { createMemoryStorage } from '../../src/index.js';
import { createSoftwareAuthenticator } from '../../src/testing/index.js';
import { apiKey, createClientOf, origin, user } from '../fake-issuer.js';
import { createFakePlatform, text } from '../vault/fake-platform.js';

/** A browser whose storage fails from the moment that a request to a path is answered. */
function createBrowser() {
  const platform = createFakePlatform();
  const authenticator = createSoftwareAuthenticator({ origin });
  const inner = createMemoryStorage();
  let isBroken = false;
  const guarded = <T>(work: () => Promise<T>) =>
    isBroken ? Promise.reject(new Error('broken')) : work();
  const storage = {
    get: (key: string) => guarded(() => inner.get(key)),
    set: (key: string, value: unknown) => guarded(() => inner.set(key, value)),
    update: (key: string, change: (value: unknown) => unknown) =>
      guarded(() => inner.update(key, change)),
    delete: (key: string) => guarded(() => inner.delete(key)),
  };
  const breakAt = (path: string) =>
    platform.respond(path, () => {
      isBroken = true;
      return undefined;
    });
  return { platform, client: createClientOf(platform, { authenticator, storage }), breakAt };
}

describe('a storage that fails once the server has accepted', () => {
  it('costs no enrolment its session: the page goes on with what it keeps in memory', async () => {
    const { client, breakAt } = createBrowser();
    breakAt('/pzk/enroll');
    await client.enroll({ apiKey, user });
    expect(client.getSnapshot().status).toBe('active');
    const vault = await client.vault.open();
    expect(text(await vault.readSecret(vault.contents.slots[0]?.id ?? ''))).toBe(apiKey);
  });

  it('has no change of the vault reported as one that did not happen', async () => {
    const { client, breakAt } = createBrowser();
    await client.enroll({ apiKey, user });
    const vault = await client.vault.open();
    breakAt('/pzk/vault');
    const id = await vault.addSecret({ name: 'a', value: 'secret-value' });
    await vault.renameSecret(id, { name: 'b' });
    expect(text(await vault.readSecret(id))).toBe('secret-value');
  });

  it('has no change of the keys reported as one that did not happen', async () => {
    const { client, platform, breakAt } = createBrowser();
    await client.enroll({ apiKey, user });
    const vault = await client.vault.open();
    const { code, confirm } = await vault.rotateVault();
    breakAt('/pzk/vault');
    expect(await confirm(code)).toHaveLength(1);
    expect(platform.vault?.successions).toHaveLength(1);
    expect(vault.contents.members.map(({ kind }) => kind)).toEqual(['passkey', 'recovery']);
  });
});
