import { afterEach, describe, expect, it, vi } from 'vitest';
import { looksLikeKeyOf } from '../../src/index.js';
import { apiKey, createClientOf, problem } from '../fake-issuer.js';
import {
  createFakePlatform,
  enrolledDevice,
  type FakePlatform,
  manifestOf,
  type StoredVault,
  type TestDevice,
  text,
} from './fake-platform.js';

afterEach(() => {
  vi.useRealTimers();
});

const anthropic = `sk-ant-api03-${'a'.repeat(40)}`;

async function opened() {
  const platform = createFakePlatform();
  const device = await enrolledDevice(platform);
  const vault = await device.client.vault.open();
  return { platform, device, vault };
}

describe('an open vault', () => {
  it('shows, adds, reads, changes, renames and deletes secrets', async () => {
    const { device, vault, platform } = await opened();
    const [own] = vault.contents.slots;
    expect(own).toMatchObject({ kind: 'api-key', name: '', provider: '', version: 1 });
    expect(text(await vault.readSecret(own?.id ?? ''))).toBe(apiKey);

    const id = await vault.addSecret({ name: 'Claude', provider: 'anthropic', value: anthropic });
    expect(vault.contents.slots).toContainEqual({
      id,
      kind: 'secret',
      name: 'Claude',
      provider: 'anthropic',
      version: 1,
    });
    expect(text(await vault.readSecret(id))).toBe(anthropic);
    await vault.updateSecret(id, { value: new TextEncoder().encode(`${anthropic}b`) });
    await vault.renameSecret(id, { name: 'Claude at work' });
    expect(vault.contents.slots.at(-1)).toMatchObject({ name: 'Claude at work', version: 3 });

    // Another page of the same browser.
    const again = device.reload();
    const other = await again.vault.open();
    expect(text(await other.readSecret(id))).toBe(`${anthropic}b`);
    expect(manifestOf(platform.vault as StoredVault).counter).toBe(4);
    await again.start();
    await other.deleteSecret(id);
    expect(other.contents.slots).toHaveLength(1);
    await expect(other.readSecret(id)).rejects.toMatchObject({ code: 'not_found' });
    expect(platform.vault?.slots.size).toBe(1);
  });

  it('overwrites what it read only where it is asked to: each reading has bytes of its own', async () => {
    const { vault } = await opened();
    const id = await vault.addSecret({ name: 'a', value: 'secret-value' });
    const first = await vault.readSecret(id);
    first.fill(0);
    expect(text(await vault.readSecret(id))).toBe('secret-value');
  });

  it('refuses a value that does not look like a key of its provider, unless any form will do', async () => {
    const { vault, platform } = await opened();
    const secret = { name: 'a', provider: 'anthropic', value: 'sk-proj-1234567890123456789012' };
    await expect(vault.addSecret(secret)).rejects.toMatchObject({ code: 'api_key_malformed' });
    expect(platform.paths()).not.toContain('/pzk/vault');
    await vault.addSecret({ ...secret, anyForm: true });
    await expect(vault.addSecret({ name: '', value: 'x' })).rejects.toMatchObject({
      code: 'invalid_request',
    });
    await expect(vault.addSecret({ name: 'a', value: 'x'.repeat(8193) })).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  it('locks itself after its time and at lock, and then tells nothing', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { device, vault } = await opened();
    const id = vault.contents.slots[0]?.id ?? '';
    await vi.advanceTimersByTimeAsync(300_001);
    expect(device.client.vault.getSnapshot()).toEqual({ status: 'locked' });
    await expect(vault.readSecret(id)).rejects.toMatchObject({ code: 'vault_locked' });
    expect(() => vault.contents).toThrowError(expect.objectContaining({ code: 'vault_locked' }));
    await device.client.vault.open({ keepFor: 60 });
    expect(text(await vault.readSecret(id))).toBe(apiKey);
    vault.lock();
    await expect(vault.readSecret(id)).rejects.toMatchObject({ code: 'vault_locked' });
  });

  const refusedToken = () => problem('invalid_grant', 400);

  it.each([
    ['at a sign-out', ({ client }: TestDevice) => client.signOut()],
    ['where the server refuses to renew the session', ({ client }: TestDevice) => client.renew()],
    [
      'where a call finds the session ended',
      async ({ client }: TestDevice, platform: FakePlatform) => {
        platform.respond('/pzk/vault/status', () => problem('invalid_token', 401));
        await client.vault.status();
      },
    ],
    [
      'where the session of before a reload has ended',
      async (device: TestDevice) => {
        expect(await device.client.resume()).toBe(false);
      },
    ],
  ] as const)('locks itself %s, and its secrets are overwritten', async (name, end) => {
    const { device, platform, vault: before } = await opened();
    const id = await before.addSecret({ name: 'a', value: 'secret-value' });
    const client = name.includes('reload') ? device.reload() : device.client;
    const page = { ...device, client };
    const secrets: Uint8Array[] = [];
    const slice = vi.spyOn(Uint8Array.prototype, 'slice').mockImplementation(function (
      this: Uint8Array,
      ...range
    ) {
      // Vault key and identity scalar, as they are held.
      if (this.length === 64) secrets.push(this);
      return Uint8Array.from(this.subarray(...range));
    });
    const vault = await page.client.vault.open();
    await vault.readSecret(id);
    slice.mockRestore();
    const held = new Set(secrets.filter((bytes) => bytes.some((byte) => byte !== 0)));
    expect(held.size).toBeGreaterThan(0);
    const states: string[] = [];
    client.subscribe(() => {
      states.push(`${client.getSnapshot().status} ${client.vault.getSnapshot().status}`);
    });
    platform.respond('/pzk/token', refusedToken);
    await end(page, platform).catch(() => undefined);
    expect(client.vault.getSnapshot()).toEqual({ status: 'locked' });
    await expect(vault.readSecret(id)).rejects.toMatchObject({ code: 'vault_locked' });
    for (const bytes of held) expect(bytes).toEqual(new Uint8Array(64));
    // Whoever watches the session finds the vault locked by then.
    expect(states.filter((one) => /^(failed|signed-out) open$/.test(one))).toEqual([]);
  });

  it('stays open where a renewal may yet succeed', async () => {
    const { device, vault, platform } = await opened();
    const id = await vault.addSecret({ name: 'a', value: 'secret-value' });
    for (const code of ['store_unavailable', 'server_error'] as const) {
      platform.respond('/pzk/token', () => problem(code, 503));
      await expect(device.client.renew()).rejects.toMatchObject({ code });
    }
    expect(text(await vault.readSecret(id))).toBe('secret-value');
  });

  it('is locked after its time also where no timer ran meanwhile', async () => {
    const platform = createFakePlatform();
    const first = await enrolledDevice(platform);
    let now = Date.now();
    const client = createClientOf(platform, {
      authenticator: first.authenticator,
      storage: first.storage,
      clock: () => now,
    });
    const vault = await client.vault.open();
    now += 301_000;
    await expect(vault.readSecret(vault.contents.slots[0]?.id ?? '')).rejects.toMatchObject({
      code: 'vault_locked',
    });
    expect(client.vault.getSnapshot()).toEqual({ status: 'locked' });
  });

  it('asks for no touch, without a session, that only a change would need', async () => {
    const { device } = await opened();
    const onUserPrompt = vi.fn();
    device.authenticator.configure({ onUserPrompt });
    const { vault } = device.reload();
    const { code, confirm } = vault.recovery.create();
    for (const change of [() => vault.devices.revoke('any'), () => confirm(code)]) {
      await expect(change()).rejects.toMatchObject({ code: 'not_signed_in' });
    }
    expect(onUserPrompt).not.toHaveBeenCalled();
    // To read needs none.
    const current = await vault.open();
    expect(onUserPrompt).toHaveBeenCalledOnce();
    await expect(current.rotateGeneration()).rejects.toMatchObject({ code: 'not_signed_in' });
    expect(onUserPrompt).toHaveBeenCalledOnce();
  });

  it('never seals under secrets that were overwritten: a lock waits for what runs', async () => {
    const { device, vault, platform } = await opened();
    const encrypt = vi.spyOn(crypto.subtle, 'encrypt').mockImplementationOnce((...given) => {
      vault.lock();
      return crypto.subtle.encrypt(...given);
    });
    const id = await vault.addSecret({ name: 'a', value: 'secret-value' });
    expect(encrypt).toHaveBeenCalled();
    encrypt.mockRestore();
    expect(device.client.vault.getSnapshot().status).toBe('locked');
    await device.client.vault.open();
    expect(text(await vault.readSecret(id))).toBe('secret-value');
    expect(platform.vault?.slots.size).toBe(2);
  });

  it('[V6] refuses the later of two parallel writes, and goes on after another opening', async () => {
    const { device, vault, platform } = await opened();
    const other = device.reload();
    await other.start();
    const second = await other.vault.open();
    await vault.addSecret({ name: 'first', value: 'one' });
    await expect(second.addSecret({ name: 'second', value: 'two' })).rejects.toMatchObject({
      code: 'vault_conflict',
    });
    expect(other.vault.getSnapshot().status).toBe('locked');
    await other.vault.open();
    await second.addSecret({ name: 'second', value: 'two' });
    expect(second.contents.slots.map(({ name }) => name)).toEqual(['', 'first', 'second']);
    expect(platform.vault?.slots.size).toBe(3);
  });

  it('[V2] forgets nothing newer that another page has seen: a stale page sends nothing', async () => {
    const { device, vault, platform } = await opened();
    const other = device.reload();
    await other.start();
    await (await other.vault.open()).addSecret({ name: 'first', value: 'one' });
    const writes = () => platform.paths().filter((path) => path === '/pzk/vault').length;
    const before = platform.snapshot();
    await (await other.vault.open()).addSecret({ name: 'second', value: 'two' });
    expect(writes()).toBe(2);
    await expect(vault.addSecret({ name: 'stale', value: 'x' })).rejects.toMatchObject({
      code: 'vault_conflict',
    });
    expect(writes()).toBe(2);
    platform.vault = before;
    await expect(device.client.vault.open()).rejects.toMatchObject({ code: 'vault_rollback' });
  });

  it('takes no value for its own API key that could not be proved', async () => {
    const { vault } = await opened();
    const id = vault.contents.slots[0]?.id ?? '';
    await expect(
      vault.updateSecret(id, { value: `wd_${String.fromCharCode(7)}` }),
    ).rejects.toMatchObject({
      code: 'api_key_malformed',
    });
    await vault.updateSecret(id, { value: 'wd_another_key_0123456789' });
    expect(text(await vault.readSecret(id))).toBe('wd_another_key_0123456789');
  });

  const bytes = new TextEncoder();

  it.each([
    ['text', (key: string) => key],
    ['bytes', (key: string) => bytes.encode(key)],
  ])(
    'keeps its own API key as a start proves it, without what stands around it: %s',
    async (_, as) => {
      const { vault } = await opened();
      const id = vault.contents.slots[0]?.id ?? '';
      const key = 'wd_another_key_0123456789';
      await vault.updateSecret(id, { value: as(`${key}\n`) });
      expect(text(await vault.readSecret(id))).toBe(key);
      await vault.storeApiKey(as(`\ufeff \t${key}\r\n`));
      expect(text(await vault.readSecret(id))).toBe(key);
    },
  );

  it.each([
    ['of no provider', {}],
    ['of a provider', { provider: 'anthropic' }],
    ['of any form', { provider: 'anthropic', anyForm: true }],
  ])('refuses a value that is too large, by its length: %s', async (_, of) => {
    const { vault, platform } = await opened();
    const value = 'A'.repeat(200_000);
    const refused = { code: 'invalid_request' };
    await expect(vault.addSecret({ name: 'a', value, ...of })).rejects.toMatchObject(refused);
    expect(platform.paths()).not.toContain('/pzk/vault');
    expect(looksLikeKeyOf('generic', bytes.encode(value))).toBe(true);
  });

  it('keeps every byte of a secret that is given as bytes', async () => {
    const { vault } = await opened();
    const id = await vault.addSecret({ name: 'a', value: bytes.encode(' two\nlines\n') });
    expect(text(await vault.readSecret(id))).toBe(' two\nlines\n');
  });

  it('[V6] honest: makes changes of one page one after the other', async () => {
    const { vault } = await opened();
    const names = ['a', 'b', 'c'];
    await Promise.all(names.map((name) => vault.addSecret({ name, value: name })));
    expect(vault.contents.slots.map(({ name }) => name)).toEqual(['', ...names]);
  });

  it.each(['before', 'after'])(
    'opens with a state of its own where the answer to a write was lost, %s it happened',
    async (when) => {
      const { device, vault, platform } = await opened();
      platform.respond('/pzk/vault', ({ body }) => {
        if (when === 'after') platform.apply(JSON.parse(body));
        throw new TypeError('network');
      });
      await expect(vault.addSecret({ name: 'a', value: 'b' })).rejects.toMatchObject({
        code: 'network_error',
      });
      expect(device.client.vault.getSnapshot().status).toBe('locked');
      await device.client.vault.open();
      expect(vault.contents.slots).toHaveLength(when === 'after' ? 2 : 1);
    },
  );

  it('keeps the vault open where the server refuses a write', async () => {
    const { vault, platform } = await opened();
    platform.respond('/pzk/vault', () => problem('invalid_request', 400));
    await expect(vault.addSecret({ name: 'a', value: 'b' })).rejects.toMatchObject({
      code: 'invalid_request',
    });
    platform.respond('/pzk/vault', () => undefined);
    await vault.addSecret({ name: 'a', value: 'b' });
    expect(vault.contents.slots).toHaveLength(2);
  });

  it('sends no plaintext of a secret, its name or its provider', async () => {
    const { vault, platform } = await opened();
    await vault.addSecret({ name: 'Claude', provider: 'anthropic', value: anthropic });
    const wire = platform.sent.map(({ body }) => body).join('\n');
    for (const needle of [anthropic, 'Claude', 'anthropic']) {
      expect(wire).not.toContain(needle);
      expect(wire).not.toContain(Buffer.from(needle).toString('base64url'));
    }
  });
});
