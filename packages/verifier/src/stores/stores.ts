import type { DurableStores } from './durable-stores.js';
import type { ShortLivedStores } from './short-lived-stores.js';

/** All stores of a verifier: `{ ...memoryStores(), ...redisStores({ client }) }` mixes them. */
export interface Stores extends ShortLivedStores, DurableStores {}
