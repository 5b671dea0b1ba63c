import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Client } from '@pzk-auth/client';
import { pzkAuth } from '@pzk-auth/express';
import { createVerifier, memoryStores, type Verifier } from '@pzk-auth/verifier';
import express, { type RequestHandler } from 'express';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Device, launchChromium, openDevice } from './browser.js';
import { buildClientPage, CLIENT_PAGE, writeClientPage } from './client-page/build.js';

declare const client: Client;

const OLD = 'old.localhost';
const NEW = 'new.localhost';
const SECRET = 'sk-ant-0123456789abcdef';

/** Serves the page under every name, and the endpoints under the issuer's. */
async function startService() {
  const app = express();
  const server: Server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const issuer = `http://localhost:${port}`;
  const stores = memoryStores();
  const verifiers: Verifier[] = [];
  const open = (host: string): Verifier => {
    const verifier = createVerifier({
      ...{ issuer, audience: issuer, scopes: ['vault'], stores },
      ...{ rpId: host, origins: [`http://${host}:${port}`] },
      secret: 'the same for all verifiers of one issuer',
    });
    verifiers.push(verifier);
    return verifier;
  };
  const routesOf = (verifier: Verifier): RequestHandler => pzkAuth(verifier).routes();
  let endpoints: RequestHandler = (_, res) => void res.sendStatus(503);
  app.use('/pzk', (req, res, next) => endpoints(req, res, next));
  app.use(express.static(CLIENT_PAGE));
  app.get('/', (_, res) => {
    res.send(writeClientPage(issuer));
  });
  return {
    pageAt: (host: string) => `http://${host}:${port}/`,
    /** From now on one RP id, or two: pages of the new origin get the second. */
    serve(host: string, newHost?: string): Verifier {
      const verifier = open(host);
      const routes = routesOf(verifier);
      const newRoutes = newHost === undefined ? routes : routesOf(open(newHost));
      const newOrigin = `http://${newHost}:${port}`;
      endpoints = (req, res, next) =>
        (req.headers.origin === newOrigin ? newRoutes : routes)(req, res, next);
      return verifier;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      for (const verifier of verifiers) await verifier.close();
    },
  };
}

let browser: Browser;
let service: Awaited<ReturnType<typeof startService>>;
const devices: Device[] = [];

beforeAll(async () => {
  [browser] = await Promise.all([launchChromium(), buildClientPage()]);
});
afterAll(() => browser.close());
beforeEach(async () => {
  service = await startService();
});
afterEach(async () => {
  for (const device of devices.splice(0)) await device.close();
  await service.close();
});

async function openPage(host: string): Promise<Device> {
  const device = await openDevice(browser);
  devices.push(device);
  await goTo(device, host);
  return device;
}

async function goTo({ page }: Device, host: string): Promise<void> {
  await page.goto(service.pageAt(host));
  await page.waitForFunction(() => 'client' in globalThis);
}

/** Enrols at the old address and puts a secret into the vault. Returns its slot. */
async function fillVault(verifier: Verifier, page: Page): Promise<string> {
  const { apiKey } = await verifier.keys.issue({ scopes: ['vault'] });
  return page.evaluate(
    async ([key, value]) => {
      await client.enroll({ apiKey: key, user: { name: 'ada', displayName: 'Ada' } });
      const vault = await client.vault.open();
      return vault.addSecret({ name: 'Claude', value });
    },
    [apiKey, SECRET] as const,
  );
}

/** Signs in with the passkey that is there, opens the vault, and reads what is in it. */
const readVault = (page: Page, slot: string) =>
  page.evaluate(async (id) => {
    await client.start();
    const vault = await client.vault.open();
    const value = new TextDecoder().decode(await vault.readSecret(id));
    const { members, slots } = vault.contents;
    return { value, members: members.map(({ kind }) => kind), slots: slots.length };
  }, slot);

/** With which code a sign-in fails. */
const failToStart = (page: Page) =>
  page.evaluate(() =>
    client.start().then(
      () => 'started',
      ({ code }) => String(code),
    ),
  );

/** Takes out the passkey of the old RP id. Returns how many secrets it could read. */
const removeOther = (page: Page) =>
  page.evaluate(async () => {
    const vault = client.vault.current;
    const { members } = vault.contents;
    const other = members.find(({ own, kind }) => !own && kind !== 'recovery');
    const removal = await vault.removeDevice(other?.id ?? '');
    return (await removal.confirm(removal.code)).length;
  });

describe('moving to another RP id', () => {
  it('takes the vault along by recovery code, and leaves the old passkeys behind', async () => {
    const device = await openPage(OLD);
    const { page } = device;
    const slot = await fillVault(service.serve(OLD), page);
    const code = await page.evaluate(async () => {
      const made = client.vault.recovery.create();
      await made.confirm(made.code);
      return made.code;
    });

    service.serve(NEW);
    // The old page is none of this issuer's any more, and on the new one no old passkey answers.
    expect(await failToStart(page)).toBe('network_error');
    await goTo(device, NEW);
    expect(await failToStart(page)).toBe('passkey_cancelled');
    await page.evaluate(
      (typed) =>
        client.vault.recovery.use({ code: typed, user: { name: 'ada', displayName: 'Ada' } }),
      code,
    );
    expect(await readVault(page, slot)).toEqual({
      value: SECRET,
      members: ['passkey', 'recovery', 'passkey'],
      slots: 2,
    });
    expect(await removeOther(page)).toBe(2);
    await page.reload();
    await page.waitForFunction(() => 'client' in globalThis);
    expect(await readVault(page, slot)).toMatchObject({
      value: SECRET,
      members: ['passkey', 'recovery'],
    });
  });

  it('takes the vault along by invitation while both addresses are served', async () => {
    const before = await openPage(OLD);
    const slot = await fillVault(service.serve(OLD, NEW), before.page);
    const after = await openPage(NEW);
    const fragment = await before.page.evaluate(async () => {
      const invitation = await client.vault.invitations.create();
      Object.assign(globalThis, { invitation });
      return invitation.fragment;
    });
    await after.page.evaluate(
      (code) =>
        client.vault.invitations.accept({ code, user: { name: 'ada', displayName: 'Ada' } }),
      fragment,
    );
    await before.page.evaluate(async () => {
      const { invitation } = globalThis as unknown as {
        invitation: Awaited<ReturnType<typeof client.vault.invitations.create>>;
      };
      if ((await invitation.poll()).status !== 'joined') throw new Error('Nobody has joined.');
      await invitation.admit();
    });
    expect(await readVault(after.page, slot)).toEqual({
      value: SECRET,
      members: ['passkey', 'passkey'],
      slots: 2,
    });
    // Until it is taken out, the old one goes on.
    expect(await readVault(before.page, slot)).toMatchObject({ value: SECRET });

    expect(await removeOther(after.page)).toBe(2);
    expect(await readVault(after.page, slot)).toMatchObject({
      value: SECRET,
      members: ['passkey', 'recovery'],
    });
    expect(await failToStart(before.page)).toBe('invalid_grant');
    service.serve(NEW);
    expect(await readVault(after.page, slot)).toMatchObject({ value: SECRET });
  });
});
