#!/usr/bin/env node
// `npm start`: Redis Cluster, PostgreSQL, three API processes and a proxy, until Ctrl-C.
import { createVerifier, memoryStores } from '@pzk-auth/verifier';
import { postgresDatabase, sqlStores } from '@pzk-auth/verifier/sql';
import { startDeployment } from './services/deployment.mjs';

const deployment = await startDeployment({ port: Number(process.env.PORT ?? 3000) });
const { issuer, instances, redis, databaseUrl, secret } = deployment;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await deployment.stop();
    process.exit(0);
  });
}

// What an operator's script does: it issues a key, and needs the database only.
const database = postgresDatabase(databaseUrl);
const operator = createVerifier({
  issuer,
  audience: issuer,
  rpId: 'localhost',
  origins: [issuer],
  scopes: ['weather:read'],
  secret,
  stores: { ...memoryStores(), ...sqlStores({ database, issuer }) },
});
const { apiKey } = await operator.keys.issue({ scopes: ['weather:read'] });
await operator.close();
await database.close();

process.stdout.write(`issuer       ${issuer}
instances    ${instances.map(({ address }) => address).join('  ')}
redis        ${redis.nodes.join('  ')}
postgres     ${databaseUrl}
an API key   ${apiKey}
Ctrl-C ends all of it.
`);
