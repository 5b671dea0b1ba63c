import type { ClientStorage } from './client-storage.js';

/** A storage that forgets with the process: the default in Node, and for tests. */
export function createMemoryStorage(): ClientStorage {
  const values = new Map<string, unknown>();
  return {
    get: async (key) => values.get(key),
    set: async (key, value) => {
      values.set(key, value);
    },
    update: async (key, change) => {
      values.set(key, change(values.get(key)));
    },
    delete: async (key) => {
      values.delete(key);
    },
  };
}
