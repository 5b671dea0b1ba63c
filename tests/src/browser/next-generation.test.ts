import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Client } from '@pzk-auth/client';
import { pzkAuth } from '@pzk-auth/express';
import { createVerifier, memoryStores, type Verifier } from '@pzk-auth/verifier';
import express from 'express';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Device, launchChromium, openDevice } from './browser.js';
import { buildClientPage, CLIENT_PAGE, writeClientPage } from './client-page/build.js';

declare const client: Client;

const SECRET = 'sk-ant-0123456789abcdef';

let browser: Browser;
let verifier: Verifier;
let origin: string;
let device: Device;
let close: () => Promise<void>;

beforeAll(async () => {
  [browser] = await Promise.all([launchChromium(), buildClientPage()]);
});
afterAll(() => browser.close());

beforeEach(async () => {
  const app = express();
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  origin = `http://localhost:${port}`;
  const own = { issuer: origin, audience: origin, rpId: 'localhost', origins: [origin] };
  verifier = createVerifier({
    ...own,
    scopes: ['vault'],
    stores: memoryStores(),
    secret: 'of a test, and long enough for one',
  });
  app.use('/pzk', pzkAuth(verifier).routes());
  app.use(express.static(CLIENT_PAGE));
  app.get('/', (_, res) => void res.send(writeClientPage(origin)));
  close = async () => {
    server.close();
    server.closeAllConnections();
    await verifier.close();
  };
  device = await openDevice(browser);
  await openPage();
});
afterEach(async () => {
  await device.close();
  await close();
});

async function openPage(): Promise<void> {
  await device.page.goto(origin);
  await device.page.waitForFunction(() => 'client' in globalThis);
}

/** Enrols, and opens the vault with a secret in it. Returns its slot. */
async function fillVault(): Promise<string> {
  const { apiKey } = await verifier.keys.issue({ scopes: ['vault'] });
  return device.page.evaluate(
    async ([key, value]) => {
      await client.enroll({ apiKey: key, user: { name: 'ada', displayName: 'Ada' } });
      const vault = await client.vault.open();
      return vault.addSecret({ name: 'Claude', value });
    },
    [apiKey, SECRET] as const,
  );
}

/** How many touches it takes, and which requests it makes. */
async function costOf(work: () => Promise<void>) {
  const touches = await device.touches();
  const { length } = device.requests;
  await work();
  return {
    touches: (await device.touches()) - touches,
    requests: device.requests.slice(length).map((one) => new URL(one.split(' ')[1] ?? '').pathname),
  };
}

const rotate = () => device.page.evaluate(() => client.vault.current.rotateGeneration());
const openVault = () => device.page.evaluate(async () => void (await client.vault.open()));
const read = (slot: string) =>
  device.page.evaluate(
    async (id) => new TextDecoder().decode(await client.vault.current.readSecret(id)),
    slot,
  );
describe('another PRF generation, with a real PRF', () => {
  it('takes one touch after the opening, and one for the generation after', async () => {
    const slot = await fillVault();
    const once = { touches: 1, requests: ['/pzk/vault'] };
    expect(await costOf(rotate)).toEqual(once);
    expect(await costOf(rotate)).toEqual(once);
    expect(await read(slot)).toBe(SECRET);
    expect(await costOf(openVault)).toMatchObject({ touches: 1 });
    expect(await read(slot)).toBe(SECRET);

    // Nothing is in memory after a reload; the device asks for the generation that it moved to.
    await openPage();
    expect(await costOf(openVault)).toMatchObject({ touches: 1 });
    expect(await read(slot)).toBe(SECRET);
    await device.page.evaluate(() => client.start());
    expect(await costOf(rotate)).toEqual(once);
    expect(await costOf(openVault)).toMatchObject({ touches: 1 });
    expect(await read(slot)).toBe(SECRET);
  });

  it('takes two where the opening gave one output only', async () => {
    const slot = await fillVault();
    // An authenticator that evaluates the first input, and not the second.
    await device.page.evaluate(() => {
      const { get } = CredentialsContainer.prototype;
      CredentialsContainer.prototype.get = function (options) {
        delete options?.publicKey?.extensions?.prf?.eval?.second;
        return get.call(this, options);
      };
    });
    await openVault();
    expect(await costOf(rotate)).toEqual({ touches: 2, requests: ['/pzk/vault'] });
    expect(await costOf(openVault)).toMatchObject({ touches: 1 });
    expect(await read(slot)).toBe(SECRET);
  });
});
