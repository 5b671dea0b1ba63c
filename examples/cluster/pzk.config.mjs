// The deployment: what every API process and the commands of `pzk-auth` share.
import { redisClusterOptions, redisStores } from '@pzk-auth/verifier/redis';
import { postgresDatabase, sqlStores } from '@pzk-auth/verifier/sql';
import { Cluster } from 'ioredis';

const { ISSUER, REDIS_NODES, DATABASE_URL, PZK_SECRET, PZK_ADDRESS_FAILURES, REDIS_TIMEOUT } =
  process.env;

const nodes = REDIS_NODES.split(',').map((node) => {
  const [host, port] = node.split(':');
  return { host, port: Number(port) };
});

export const redis = new Cluster(nodes, redisClusterOptions);
export const database = postgresDatabase(DATABASE_URL);
export const options = {
  issuer: ISSUER,
  audience: ISSUER,
  rpId: new URL(ISSUER).hostname,
  origins: [ISSUER],
  scopes: ['weather:read'],
  secret: PZK_SECRET,
  stores: {
    ...sqlStores({ database, issuer: ISSUER }),
    // A revocation is answered when a replica holds it: a failover then forgets none.
    ...redisStores({
      client: redis,
      revocationReplicas: 1,
      timeout: Number(REDIS_TIMEOUT ?? 500),
    }),
  },
  addressFailureLimit: Number(PZK_ADDRESS_FAILURES ?? 60),
};
