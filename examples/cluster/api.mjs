// One API process of several. All of them are one issuer: the same secret, Redis and PostgreSQL.
import { createServer } from 'node:http';
import { pzkAuth } from '@pzk-auth/express';
import { createVerifier } from '@pzk-auth/verifier';
import { redisClusterOptions, redisStores } from '@pzk-auth/verifier/redis';
import { postgresDatabase, sqlStores } from '@pzk-auth/verifier/sql';
import express from 'express';
import { Cluster } from 'ioredis';

const { ISSUER, PORT, REDIS_NODES, DATABASE_URL, PZK_SECRET } = process.env;

const nodes = REDIS_NODES.split(',').map((node) => {
  const [host, port] = node.split(':');
  return { host, port: Number(port) };
});
const redis = new Cluster(nodes, redisClusterOptions);
redis.on('error', (error) => process.stderr.write(`redis: ${error.message}\n`));
const database = postgresDatabase(DATABASE_URL);

const verifier = createVerifier({
  issuer: ISSUER,
  audience: ISSUER,
  rpId: new URL(ISSUER).hostname,
  origins: [ISSUER],
  scopes: ['weather:read'],
  secret: PZK_SECRET,
  stores: {
    ...sqlStores({ database, issuer: ISSUER }),
    // A revocation is answered when a replica holds it: a failover then forgets none.
    ...redisStores({ client: redis, revocationReplicas: 1 }),
  },
  addressFailureLimit: Number(process.env.PZK_ADDRESS_FAILURES ?? 60),
});
await verifier.ready();

const app = express();
// The proxy in front is the only one who connects; it says where a request came from.
app.set('trust proxy', 'loopback, uniquelocal');
const pzk = pzkAuth(verifier);
app.use(pzk.wellKnown());
app.use('/health', pzk.health());
app.use('/pzk', pzk.routes());
app.get('/weather', pzk.protect({ scope: 'weather:read' }), (req, res) => {
  res.json({ account: req.pzk.account, weather: 'fair' });
});
app.use(pzk.errors());

const server = createServer(app);
server.listen(Number(PORT), process.env.HOST ?? '127.0.0.1', () => process.send?.('listening'));

async function end() {
  server.close();
  await verifier.close();
  await database.close();
  redis.disconnect();
  process.exit(0);
}
process.once('SIGTERM', end);
process.once('disconnect', end);
