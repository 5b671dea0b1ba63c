import 'fake-indexeddb/auto';
import { PzkError } from '@pzk-auth/protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createIndexedDbStorage, createMemoryStorage } from '../../src/index.js';
import { createDeviceSecret, openDeviceSecret } from '../../src/storage/device-secret.js';

afterEach(() => {
  vi.unstubAllGlobals();
});

describe.each([
  ['memory', createMemoryStorage],
  ['IndexedDB', () => createIndexedDbStorage(`test-${crypto.randomUUID()}`)],
])('storage in %s', (_, create) => {
  it('keeps, replaces and deletes', async () => {
    const storage = create();
    expect(await storage.get('a')).toBeUndefined();
    await storage.set('a', { counter: 1, hash: new Uint8Array([1, 2]) });
    await storage.set('a', { counter: 2, hash: new Uint8Array([3]) });
    expect(await storage.get('a')).toEqual({ counter: 2, hash: new Uint8Array([3]) });
    await storage.delete('a');
    expect(await storage.get('a')).toBeUndefined();
  });

  it('loses none of many changes at once', async () => {
    const storage = create();
    const add = (value: unknown) => ((value as number | undefined) ?? 0) + 1;
    await Promise.all(Array.from({ length: 50 }, () => storage.update('a', add)));
    expect(await storage.get('a')).toBe(50);
  });

  it('changes nothing where a change is refused, and says why', async () => {
    const storage = create();
    await storage.set('a', 1);
    const refused = new PzkError('vault_rollback', 'Refused.');
    const refusing = storage.update('a', () => {
      throw refused;
    });
    await expect(refusing).rejects.toBe(refused);
    expect(await storage.get('a')).toBe(1);
    await storage.update('a', () => 2);
    expect(await storage.get('a')).toBe(2);
  });
});

describe('IndexedDB', () => {
  it('is there again after a reload', async () => {
    await createIndexedDbStorage('same').set('a', 1);
    expect(await createIndexedDbStorage('same').get('a')).toBe(1);
  });

  it('loses no change of two tabs', async () => {
    const tabs = [createIndexedDbStorage('tabs'), createIndexedDbStorage('tabs')];
    const add = (value: unknown) => ((value as number | undefined) ?? 0) + 1;
    await Promise.all(Array.from({ length: 40 }, (_, index) => tabs[index % 2]?.update('a', add)));
    expect(await tabs[0]?.get('a')).toBe(40);
  });

  it('has its own code where the browser blocks it', async () => {
    vi.stubGlobal('indexedDB', {
      open: () => {
        throw new DOMException('', 'SecurityError');
      },
    });
    const reading = createIndexedDbStorage('blocked').get('a');
    await expect(reading).rejects.toMatchObject({ code: 'storage_unavailable' });
  });
});

describe('device secret', () => {
  it('comes back as the same key, which nobody can export', async () => {
    const { record, secret } = await createDeviceSecret('id');
    const again = await openDeviceSecret('id', record);
    const derive = (key: CryptoKey) =>
      crypto.subtle.deriveBits(
        { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: new Uint8Array() },
        key,
        256,
      );
    expect(new Uint8Array(await derive(again))).toEqual(new Uint8Array(await derive(secret)));
    expect(record.key.extractable).toBe(false);
    expect(secret.extractable).toBe(false);
    await expect(openDeviceSecret('other', record)).rejects.toThrow();
  });
});
