import { isPzkError, PzkError } from '@pzk-auth/protocol';
import type { ClientStorage } from './client-storage.js';

const STORE = 'values';

function settle<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Puts what a function makes of a value; both in the transaction of the store. */
function change(store: IDBObjectStore, key: string, make: (value: unknown) => unknown) {
  return new Promise<void>((resolve, reject) => {
    const reading = store.get(key);
    reading.onerror = () => reject(reading.error);
    reading.onsuccess = () => {
      try {
        store.put(make(reading.result), key);
        resolve();
      } catch (cause) {
        reject(cause);
        store.transaction.abort();
      }
    };
  });
}

function openDatabase(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return settle(request);
}

/**
 * A storage in IndexedDB: the default in browsers. It keeps `CryptoKey` objects without ever showing
 * their bytes to a script.
 *
 * @param name - Database name. Default `pzk-auth`.
 */
export function createIndexedDbStorage(name = 'pzk-auth'): ClientStorage {
  let database: Promise<IDBDatabase> | undefined;

  function connect(): Promise<IDBDatabase> {
    if (database === undefined) {
      const opening = openDatabase(name);
      database = opening;
      const forget = () => {
        if (database === opening) database = undefined;
      };
      opening.then((opened) => {
        opened.onclose = forget;
        // Another tab upgrades or deletes: let go, or it waits for ever.
        opened.onversionchange = () => {
          opened.close();
          forget();
        };
      }, forget);
    }
    return database;
  }

  async function run<T>(
    mode: IDBTransactionMode,
    operation: (store: IDBObjectStore) => Promise<T>,
  ): Promise<T> {
    try {
      const transaction = (await connect()).transaction(STORE, mode);
      const committed = new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error);
      });
      // Answered only when committed: a key that is lost again would lock its owner out.
      const [result] = await Promise.all([operation(transaction.objectStore(STORE)), committed]);
      return result;
    } catch (cause) {
      // What a change refused.
      if (isPzkError(cause)) throw cause;
      throw new PzkError('storage_unavailable', 'The storage of the browser is not available.', {
        cause,
        hint: 'Private windows and blocked site data switch IndexedDB off.',
      });
    }
  }

  return {
    get: (key) => run('readonly', (store) => settle(store.get(key))),
    set: async (key, value) => {
      await run('readwrite', (store) => settle(store.put(value, key)));
    },
    update: (key, make) => run('readwrite', (store) => change(store, key, make)),
    delete: async (key) => {
      await run('readwrite', (store) => settle(store.delete(key)));
    },
  };
}
