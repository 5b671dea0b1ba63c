// One process of an issuer that runs as several: memory for what lasts (filled by the test, so that
// all processes know the same accounts), Redis for what is short-lived.
import { createServer } from 'node:http';
import { pzkAuth } from '@pzk-auth/express';
import { createVerifier, memoryStores, ownershipCircuit } from '@pzk-auth/verifier';
import { redisClientOptions, redisStores } from '@pzk-auth/verifier/redis';
import express from 'express';
import { Redis } from 'ioredis';

const { issuer, redisPort, secret } = JSON.parse(process.env.PZK_TEST_OPTIONS);
const client = new Redis(redisPort, '127.0.0.1', { ...redisClientOptions, lazyConnect: true });
client.on('error', () => {});
await client.connect();

const durable = memoryStores();
// With time for a busy machine: what a store that hangs answers is a matter of its own tests.
const stores = { ...durable, ...redisStores({ client, timeout: 10_000 }) };
const circuit = ownershipCircuit();
let killBeforeConsume;

const verifier = createVerifier({
  issuer,
  audience: issuer,
  rpId: 'app.example.com',
  origins: ['https://app.example.com'],
  scopes: ['weather:read'],
  stores,
  secret,
  circuits: [
    {
      ...circuit,
      proofSystem: {
        ...circuit.proofSystem,
        // The real verification; a test may have Redis killed between its end and the consume.
        verify: async (...args) => {
          const result = await circuit.proofSystem.verify(...args);
          if (killBeforeConsume !== undefined) {
            process.kill(killBeforeConsume, 'SIGKILL');
            killBeforeConsume = undefined;
          }
          return result;
        },
      },
    },
  ],
  onEvent: (event) => process.send({ type: 'event', event: { ...event, error: undefined } }),
});

const app = express();
const pzk = pzkAuth(verifier);
app.use('/pzk', pzk.routes());
app.get('/weather', pzk.protect({ scope: 'weather:read' }), (req, res) => {
  res.json({ account: req.pzk.account });
});
app.use(pzk.errors());
const server = createServer(app);

const commands = {
  issueKey: async () => verifier.keys.issue({ scopes: ['weather:read'] }),
  killBeforeConsume: ({ pid }) => {
    killBeforeConsume = pid;
  },
  exportRows: async ({ account }) => ({
    account: await durable.accounts.get(account),
    keys: await durable.keys.listByAccount(account),
    devices: await durable.devices.listByAccount(account),
    signingKeys: await durable.signingKeys.list(),
  }),
  importRows: async (rows) => {
    await durable.accounts.insert(rows.account);
    for (const key of rows.keys) await durable.keys.insert(key);
    for (const device of rows.devices) await durable.devices.enroll({ device, onlyFirst: false });
    for (const key of rows.signingKeys) await durable.signingKeys.insertFirst(key);
  },
};

process.on('message', async ({ id, command, argument }) => {
  try {
    process.send({ type: 'answer', id, result: (await commands[command](argument)) ?? null });
  } catch (error) {
    process.send({ type: 'answer', id, error: String(error) });
  }
});
process.on('disconnect', () => process.exit(0));

server.listen(0, '127.0.0.1', () =>
  process.send({ type: 'listening', port: server.address().port }),
);
