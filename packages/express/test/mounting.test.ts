import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTestClient } from '@pzk-auth/client/testing';
import { createVerifier, memoryStores } from '@pzk-auth/verifier';
import { afterEach, expect, it } from 'vitest';
import { pzkAuth } from '../src/index.js';
import { versions } from './server.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

type ExpressVersion = (typeof versions)[number][1];

/** An application behind a proxy that strips a path prefix and forges the host. */
async function startBehindProxy(express: ExpressVersion, publicPath: string) {
  const inner = express();
  const upstream = createServer(inner);
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const upstreamPort = (upstream.address() as AddressInfo).port;

  const proxy = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const path = (req.url ?? '').replace(publicPath, '');
    const headers = new Headers();
    for (const [name, value] of Object.entries(req.headers)) {
      if (!['host', 'connection', 'content-length', 'transfer-encoding'].includes(name)) {
        headers.set(name, String(value));
      }
    }
    headers.set('x-forwarded-host', 'evil.example');
    const answer = await fetch(`http://127.0.0.1:${upstreamPort}${path}`, {
      method: req.method ?? 'GET',
      headers,
      ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
    });
    res.writeHead(answer.status, Object.fromEntries(answer.headers));
    res.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const issuer = `http://localhost:${(proxy.address() as AddressInfo).port}${publicPath}`;

  const verifier = createVerifier({
    issuer,
    audience: issuer,
    publicUrl: issuer,
    rpId: 'localhost',
    origins: [new URL(issuer).origin],
    scopes: ['weather:read'],
    stores: memoryStores(),
  });
  const pzk = pzkAuth(verifier);
  inner.use('/pzk', pzk.routes());
  inner.get('/weather/:city', pzk.protect({ scope: 'weather:read' }), (req, res) => {
    res.json({ account: req.pzk.account, city: req.params.city });
  });
  inner.use(pzk.errors());
  cleanups.push(async () => {
    for (const server of [proxy, upstream]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    await verifier.close();
  });
  return { issuer, verifier };
}

/** An application mounted under a path of another one. */
async function startMounted(express: ExpressVersion, path: string) {
  const inner = express();
  const outer = express();
  outer.use(path, inner);
  const server = createServer(outer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const issuer = origin + path;
  const verifier = createVerifier({
    issuer,
    audience: issuer,
    rpId: 'localhost',
    origins: [origin],
    scopes: ['weather:read'],
    stores: memoryStores(),
  });
  const pzk = pzkAuth(verifier);
  inner.use('/pzk', pzk.routes());
  inner.get('/weather/:city', pzk.protect({ scope: 'weather:read' }), (req, res) => {
    res.json({ account: req.pzk.account, city: req.params.city });
  });
  inner.use(pzk.errors());
  cleanups.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await verifier.close();
  });
  return { issuer, verifier };
}

async function expectFlow({ issuer, verifier }: Awaited<ReturnType<typeof startMounted>>) {
  const { apiKey, row } = await verifier.keys.issue({ scopes: ['weather:read'] });
  const client = createTestClient({ issuer, scope: ['weather:read'] });
  await client.enroll({ apiKey, user: { name: 'ada', displayName: 'Ada' } });
  const response = await client.fetch(`${issuer}/weather/k%C3%B6ln?unit=c`);
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ account: row.account, city: 'köln' });
  await client.close();
}

for (const [name, express] of versions) {
  it(`[D15] honest: ${name} works behind a proxy that strips a prefix and forges the host`, async () => {
    await expectFlow(await startBehindProxy(express, '/v1'));
  });

  it(`[D15] honest: ${name} works mounted under a path`, async () => {
    await expectFlow(await startMounted(express, '/inner'));
  });
}
