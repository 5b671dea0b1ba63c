import { afterAll, beforeAll, describe, it } from 'vitest';
import { redisClientOptions, redisClusterOptions, redisStores } from '../../src/redis/index.js';
import type { ShortLivedStores } from '../../src/stores/short-lived-stores.js';
import { shortLivedStoresConformance } from '../../src/testing/index.js';
import { PATIENCE } from './expectations.js';
import { SERVER_PROGRAMS } from './programs.js';
import { type RedisCluster, startCluster } from './start-cluster.js';
import { type RedisServer, startRedis } from './start-redis.js';

for (const { name, program } of SERVER_PROGRAMS) {
  if (program === undefined) {
    it.skipIf(true)(`conformance on ${name}: its server program is not installed`, () => {});
    continue;
  }
  describe(`conformance, on ${name}`, () => {
    let server: RedisServer;
    let cluster: RedisCluster;
    let single: ShortLivedStores;
    let spread: ShortLivedStores;
    let replicated: ShortLivedStores;
    beforeAll(async () => {
      server = await startRedis([], { program });
      cluster = await startCluster({ program });
      single = redisStores({ client: server.connect(redisClientOptions), ...PATIENCE });
      const client = cluster.connect(redisClusterOptions);
      spread = redisStores({ client, ...PATIENCE });
      replicated = redisStores({
        ...{ client, prefix: 'replicated:', revocationReplicas: 1 },
        ...PATIENCE,
      });
    });
    afterAll(() => Promise.all([server?.stop(), cluster?.stop()]));

    const suites = {
      'one server': () => single,
      'a Cluster': () => spread,
      'a Cluster, with replicas': () => replicated,
    };
    for (const [where, stores] of Object.entries(suites)) {
      for (const { name, run } of shortLivedStoresConformance(stores)) {
        it.concurrent(`${where}: ${name}`, run);
      }
    }
  });
}
