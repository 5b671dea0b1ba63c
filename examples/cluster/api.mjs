// One API process of several. All of them are one issuer: the same secret, Redis and PostgreSQL.
import { createServer } from 'node:http';
import { pzkAuth } from '@pzk-auth/express';
import { createVerifier } from '@pzk-auth/verifier';
import express from 'express';
import { database, options, redis } from './pzk.config.mjs';

redis.on('error', (error) => process.stderr.write(`redis: ${error.message}\n`));

const verifier = createVerifier(options);
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
const { PORT, HOST } = process.env;
server.listen(Number(PORT), HOST ?? '127.0.0.1', () => process.send?.('listening'));

async function end() {
  server.close();
  await verifier.close();
  await database.close();
  redis.disconnect();
  process.exit(0);
}
process.once('SIGTERM', end);
process.once('disconnect', end);
