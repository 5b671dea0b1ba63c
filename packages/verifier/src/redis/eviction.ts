import type { RedisClient } from './bounded-client.js';
import { isCluster } from './topology.js';

/** Whether a server may drop live records when its memory is full (`INFO memory`). */
function evicts(info: string): boolean {
  const bounded = (/^maxmemory:(\d+)/m.exec(info)?.[1] ?? '0') !== '0';
  return bounded && /^maxmemory_policy:([\w-]+)/m.exec(info)?.[1] !== 'noeviction';
}

/**
 * Whether any master that answers may evict records. One without a connection is left out: it takes
 * no records either, and it is asked again within a second of its return.
 */
export async function mayEvict(client: RedisClient): Promise<boolean> {
  if (!isCluster(client)) return evicts(await client.info('memory'));
  const masters = client.nodes('master').filter(({ status }) => status === 'ready');
  const infos = await Promise.allSettled(masters.map((master) => master.info('memory')));
  return infos.some((info) => info.status === 'fulfilled' && evicts(info.value));
}
