import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type DemoData,
  openDemoData,
  type RunningServer,
  startServer,
} from '@pzk-auth/example-express-react';
import type { VerifierEvent } from '@pzk-auth/verifier';
import { redisClientOptions, redisStores } from '@pzk-auth/verifier/redis';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startRedis } from '../../../packages/verifier/test/redis/start-redis.js';
import { type Device, launchChromium, openDevice } from '../browser/browser.js';
import { plantInPage, readStorage, recordTraffic, watchPrf } from './browser-sinks.js';
import { type Canary, createCanary, hunt, type Sinks } from './canary.js';
import { readDatabase, readFiles, readRedis, recordOutput } from './server-sinks.js';

let browser: Browser;
let redis: Awaited<ReturnType<typeof startRedis>>;
let directory: string;
let data: DemoData;
let server: RunningServer;
let device: Device;
let readTraffic: () => Promise<string>;
const events: VerifierEvent[] = [];
const output = recordOutput();
const prfOutputs: Uint8Array[] = [];
let canaries: Canary[];

beforeAll(async () => {
  [browser, redis] = await Promise.all([launchChromium(), startRedis()]);
  const client = redis.connect(redisClientOptions);
  await client.ping().catch(() => new Promise((resolve) => client.once('ready', resolve)));
  directory = await mkdtemp(join(tmpdir(), 'pzk-leak-hunt-'));
  data = openDemoData(directory);
  const stores = (issuer: string) => ({ ...data.stores(issuer), ...redisStores({ client }) });
  server = await startServer({
    port: 0,
    data: { ...data, stores },
    verifier: { onEvent: (event) => events.push(event) },
  });
  device = await openDevice(browser);
  readTraffic = recordTraffic(device.context);
  await watchPrf(device.page, (bytes) => prfOutputs.push(bytes));
});
afterAll(async () => {
  output.stop();
  await device.close();
  await server.close();
  await data.close();
  await rm(directory, { recursive: true });
  await browser.close();
  await redis.stop();
});

const MAY_BE_EMPTY = new Set([
  'localStorage',
  'sessionStorage',
  'cookies',
  'the console',
  'output of the server',
]);

async function collect(): Promise<Map<string, string>> {
  return new Map<string, string>([
    ['requests and answers', await readTraffic()],
    ...(await readStorage(device.page)),
    ['the console', device.console.join('\n')],
    ['events', JSON.stringify(events)],
    ['output of the server', output.read()],
    ['the database', await readDatabase(server.stores, server.demoKey.account)],
    ['the files of the database', await readFiles(directory)],
    ['Redis', await readRedis(redis.connect())],
  ]);
}

async function runWholeFlow(): Promise<void> {
  const { page } = device;
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
  const signedIn = () => page.getByRole('heading', { name: 'Signed in' }).waitFor();
  await page.goto(server.origin);
  // One failure on the way, since errors are where secrets slip out.
  await page.getByRole('textbox', { name: 'API key' }).fill(`${server.demoKey.apiKey} broken`);
  await press('Enrol this device');
  await page.getByRole('alert').first().waitFor();
  await page.getByRole('textbox', { name: 'API key' }).fill(server.demoKey.apiKey);
  await press('Enrol this device');
  await signedIn();
  await press('Read the weather');
  await page.getByText('GET /api/weather').first().waitFor();
  await press('Renew the token');
  await page.reload();
  await press('Sign in with the passkey');
  await signedIn();
  await press('Replay the last exchange');
  await page
    .getByText(/: refused/)
    .first()
    .waitFor();
  // While the session lives its key is there, and no script can read it.
  const { IndexedDB } = Object.fromEntries(await readStorage(page));
  expect(IndexedDB).toContain('CryptoKey private extractable=false');
  expect(IndexedDB).not.toMatch(/(private|secret) extractable=true/);
  await press('Revoke this device');
  await page.getByText('The device is revoked.').waitFor();
  await press('Read the weather');
  await page.waitForTimeout(500);
}

it('[K] finds neither the API key nor a PRF output anywhere after the whole flow', async () => {
  await runWholeFlow();
  const distinct = new Map(prfOutputs.map((bytes) => [Buffer.from(bytes).toString('hex'), bytes]));
  expect(distinct.size).toBeGreaterThanOrEqual(2);
  canaries = [
    createCanary('API key', Buffer.from(server.demoKey.apiKey)),
    // The secret part alone, without prefix and checksum.
    createCanary('body of the API key', Buffer.from(server.demoKey.apiKey.slice(4, -6))),
    ...[...distinct.values()].map((bytes, index) => createCanary(`PRF output ${index}`, bytes)),
  ];
  const sinks = await collect();
  for (const [name, text] of sinks) {
    if (MAY_BE_EMPTY.has(name)) continue;
    expect(text.length, `${name} was looked into`).toBeGreaterThan(10);
  }
  expect(hunt(canaries, sinks)).toEqual([]);
});

it('[K] honest: planted in each sink, in each spelling, the canary is found', async () => {
  const [canary] = canaries as [Canary];
  // The spellings, in text that goes on before and after.
  const names = [...(await collect()).keys()];
  for (const sink of names) {
    for (const { bytes } of canary.spellings) {
      const planted: Sinks = new Map([[sink, `before ${bytes.toString('latin1')} after`]]);
      expect(hunt([canary], planted)).not.toEqual([]);
    }
  }
  // And for real, through each collector.
  const key = server.demoKey.apiKey;
  const { page } = device;
  await plantInPage(page, key);
  await page.evaluate(
    (secret) => fetch(`/pzk/challenge?planted=${secret}`, { method: 'POST' }),
    key,
  );
  events.push({ type: 'refused', at: 0, endpoint: key, code: 'invalid_request', reason: '' });
  process.stderr.write(`(planted on purpose) ${Buffer.from(key).toString('hex')}\n`);
  await server.stores.accounts.linkUser(server.demoKey.account, key);
  await redis.connect().set('planted', Buffer.from(key));
  const found = hunt([canary], await collect());
  for (const sink of names) {
    expect(
      found.some((place) => place.endsWith(` in ${sink}`)),
      sink,
    ).toBe(true);
  }
});
