// An API that a test kills: what lasts in SQLite or PostgreSQL, what lives minutes in memory.
import { createServer } from 'node:http';
import { pzkAuth } from '@pzk-auth/express';
import { createVerifier, memoryStores } from '@pzk-auth/verifier';
import { postgresDatabase, sqliteDatabase, sqlStores } from '@pzk-auth/verifier/sql';
import express from 'express';
import { watchRequests } from './die-at.mjs';

const { issuer, file, url, secret } = JSON.parse(process.env.PZK_TEST_OPTIONS);
const database = file === undefined ? postgresDatabase(url) : sqliteDatabase(file);
const verifier = createVerifier({
  issuer,
  audience: issuer,
  rpId: 'localhost',
  origins: [issuer],
  scopes: ['weather:read'],
  stores: { ...memoryStores(), ...sqlStores({ database, issuer }) },
  secret,
});
await verifier.ready();

const app = express();
const pzk = pzkAuth(verifier);
app.use(watchRequests);
app.use(pzk.wellKnown());
app.use('/pzk', pzk.routes());
app.get('/weather', pzk.protect({ scope: 'weather:read' }), (req, res) => {
  res.json({ account: req.pzk.account });
});
app.use(pzk.errors());

process.on('disconnect', () => process.exit(0));
createServer(app).listen(Number(new URL(issuer).port), '127.0.0.1', () =>
  process.send('listening'),
);
