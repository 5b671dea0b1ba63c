import type { Stores } from '../stores.js';
import { memoryDurableStores } from './durable.js';
import { registerMemoryStore } from './registry.js';
import { type MemoryShortLivedStoresOptions, memoryShortLivedStores } from './short-lived.js';

/** Options of {@link memoryStores}. */
export type MemoryStoresOptions = MemoryShortLivedStoresOptions;

/**
 * All stores in this process's memory: for development, tests and the demo. Everything is lost when
 * the process ends, and each process has its own.
 *
 * @example One process, or several with shared short-lived stores
 * ```ts
 * createVerifier({ ..., stores: memoryStores() });
 * createVerifier({ ..., stores: { ...durable, ...redisStores({ client }) } });
 * ```
 *
 * @throws TypeError if an option is malformed, or in a worker of `node:cluster` or pm2
 */
export function memoryStores(options: MemoryStoresOptions = {}): Stores {
  const stores = Object.freeze<Stores>({
    ...memoryShortLivedStores(options),
    ...memoryDurableStores(options),
  });
  for (const store of Object.values(stores)) registerMemoryStore(store);
  return stores;
}
