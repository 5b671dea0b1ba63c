// The server of the leak hunt: an API as others run it, which shows a test all that it has and hears.
import { appendFileSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, createServer as createTap } from 'node:net';
import { join } from 'node:path';
import { writeHeapSnapshot } from 'node:v8';
import { pzkAuth } from '@pzk-auth/express';
import { createVerifier } from '@pzk-auth/verifier';
import { redisClientOptions, redisStores } from '@pzk-auth/verifier/redis';
import { postgresDatabase, sqliteDatabase, sqlStores } from '@pzk-auth/verifier/sql';
import express from 'express';
import { Redis } from 'ioredis';

const { issuer, file, url, redisPort, secret, directory } = JSON.parse(
  process.env.PZK_TEST_OPTIONS,
);
const database = file === undefined ? postgresDatabase(url) : sqliteDatabase(file);
const redis = new Redis(redisPort, '127.0.0.1', redisClientOptions);
const stores = { ...sqlStores({ database, issuer }), ...redisStores({ client: redis }) };
const record = (event) => appendFileSync(join(directory, 'events'), `${JSON.stringify(event)}\n`);
const verifier = createVerifier({
  issuer,
  audience: issuer,
  rpId: 'localhost',
  origins: [issuer],
  scopes: ['agents:use'],
  stores,
  secret,
  onEvent: (event) => {
    record(event);
    console.log(event);
  },
});
await verifier.ready();

const app = express();
const pzk = pzkAuth(verifier);
app.use(pzk.wellKnown());
app.use('/pzk', pzk.routes());
app.get('/me', pzk.protect({ scope: 'agents:use' }), (req, res) => res.json(req.pzk));
app.use(pzk.errors());

const server = createServer(app).listen(0, '127.0.0.1', () => {
  // Between the network and the server: every byte as it came and went, one file for each direction.
  const traffic = join(directory, 'traffic');
  mkdirSync(traffic);
  let connections = 0;
  const tap = createTap((outside) => {
    const name = join(traffic, `${++connections}`);
    const inside = connect(server.address().port, '127.0.0.1');
    for (const [from, to, suffix] of [
      [outside, inside, 'in'],
      [inside, outside, 'out'],
    ]) {
      from.on('data', (bytes) => appendFileSync(`${name}.${suffix}`, bytes));
      from.on('error', () => to.destroy());
      from.pipe(to);
    }
  });
  // While a snapshot is written nothing else happens here, and clients keep their connections.
  server.keepAliveTimeout = 60_000;
  tap.listen(Number(new URL(issuer).port), '127.0.0.1', () => process.send('listening'));
});

/** What is planted stays in memory, as text and as bytes, and goes everywhere where it should be found. */
const planted = [];
const tasks = {
  snapshot: ({ path }) => writeHeapSnapshot(path),
  plant: async ({ text, account }) => {
    planted.push({ text, bytes: Buffer.from(text) });
    record({ planted: text });
    process.stdout.write(`(planted on purpose) ${text}\n`);
    process.stderr.write(`(planted on purpose) ${text}\n`);
    await stores.accounts.linkUser(account, text);
    await redis.set('planted', text);
    const last = await stores.audit.last();
    const row = { seq: last.seq + 1, at: Date.now(), previous: last.hash, hash: last.hash };
    return stores.audit.append([{ ...row, body: JSON.stringify({ planted: text }) }]);
  },
};
process.on('message', async ({ task, ...given }) => {
  process.send({ result: await tasks[task](given) });
});
process.on('disconnect', () => process.exit(0));
