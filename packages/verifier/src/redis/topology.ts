import type { Cluster } from 'ioredis';
import type { RedisClient } from './bounded-client.js';

/** Whether a client speaks to a Cluster. */
export function isCluster(client: RedisClient): client is Cluster {
  return client.isCluster;
}

/**
 * @throws TypeError if the client may read from replicas: a revocation that is acknowledged may not
 *   have arrived there
 */
export function assertReadsFromMaster(client: RedisClient): void {
  const reads = isCluster(client)
    ? (client.options.scaleReads ?? 'master') === 'master'
    : client.options.role !== 'slave' && client.options.readOnly !== true;
  if (!reads) {
    throw new TypeError(
      'The client reads from replicas, which learn of a revocation late: leave scaleReads and role at "master".',
    );
  }
}
