export type { RedisClient } from './bounded-client.js';
export { redisClientOptions, redisClusterOptions } from './redis-client-options.js';
export { type RedisStoresOptions, redisStores } from './redis-stores.js';
