import type { ClientStorage } from './client-storage.js';
import { createIndexedDbStorage } from './indexeddb-storage.js';
import { createMemoryStorage } from './memory-storage.js';

/**
 * IndexedDB, and memory where there is none or the browser blocks it (private windows, blocked site
 * data). Which of them is settled by the first operation, once: a storage that fails later is a
 * failure, or what a device remembers of its vault could vanish unnoticed.
 */
export function createDefaultStorage(): ClientStorage {
  const browser = createIndexedDbStorage();
  let chosen: Promise<{ storage: ClientStorage; lasting: boolean }> | undefined;

  async function choose() {
    try {
      await browser.get('probe');
      return { storage: browser, lasting: true };
    } catch {
      return { storage: createMemoryStorage(), lasting: false };
    }
  }
  const settled = () => {
    chosen ??= choose();
    return chosen;
  };

  return {
    get: async (key) => (await settled()).storage.get(key),
    set: async (key, value) => (await settled()).storage.set(key, value),
    delete: async (key) => (await settled()).storage.delete(key),
    isLasting: async () => (await settled()).lasting,
  };
}
