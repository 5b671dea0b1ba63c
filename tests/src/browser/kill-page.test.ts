import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, Invitation } from '@pzk-auth/client';
import { pzkAuth } from '@pzk-auth/express';
import { createVerifier, memoryStores } from '@pzk-auth/verifier';
import express from 'express';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Device, launchChromium, openDevice } from './browser.js';
import { buildClientPage, CLIENT_PAGE, writeClientPage } from './client-page/build.js';

// Of the page.
declare const client: Client;
declare const kept: { invitation: Invitation };

async function startService() {
  const app = express();
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  const verifier = createVerifier({
    issuer,
    audience: issuer,
    rpId: 'localhost',
    origins: [issuer],
    scopes: ['vault'],
    stores: memoryStores(),
  });
  app.use('/pzk', pzkAuth(verifier).routes());
  app.use(express.static(CLIENT_PAGE));
  app.get('/', (_, res) => void res.send(writeClientPage(issuer)));
  return {
    issuer,
    verifier,
    async close() {
      server.close();
      server.closeAllConnections();
      await verifier.close();
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

/** Runs a function in the page of a device, also in the one that follows one that was killed. */
async function run<T, A extends readonly unknown[]>(
  { cdp }: Device,
  work: (...values: A) => Promise<T>,
  ...values: A
): Promise<T> {
  const { result, exceptionDetails } = await cdp.send('Runtime.evaluate', {
    expression: `(${work})(...${JSON.stringify(values)})`,
    awaitPromise: true,
    returnByValue: true,
  });
  if (exceptionDetails !== undefined) {
    throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  }
  return result.value;
}

/** A fresh page, with what the browser keeps. */
async function open(device: Device): Promise<void> {
  await device.cdp.send('Page.navigate', { url: service.issuer });
  while (!(await run(device, async () => 'client' in globalThis).catch(() => false))) {
    await sleep(20);
  }
}

async function openBrowser(): Promise<Device> {
  const device = await openDevice(browser);
  devices.push(device);
  await device.cdp.send('Page.enable');
  await open(device);
  return device;
}

type When = 'before' | 'after';

/**
 * Kills the page in the middle of what it does: before a request leaves, or when the server has done what it
 * asks for and the page has not heard of it. Opens another one.
 */
async function killAt(
  device: Device,
  { path, when }: { readonly path: string; readonly when: When },
  work: () => Promise<unknown>,
): Promise<void> {
  const { cdp } = device;
  const requestStage = when === 'before' ? 'Request' : 'Response';
  await cdp.send('Fetch.enable', { patterns: [{ urlPattern: `*/pzk${path}`, requestStage }] });
  const killed = new Promise((resolve) => cdp.once('Inspector.targetCrashed', resolve));
  const paused = new Promise((resolve) => cdp.once('Fetch.requestPaused', resolve));
  const failed = work().then(
    () => new Error(`The page has come to an end without ${path}.`),
    (error: unknown) => error,
  );
  const failure = await Promise.race([failed, paused.then(() => undefined)]);
  if (failure !== undefined) throw failure;
  // Its process ends, as by `kill -9`; nothing of the page runs any more.
  cdp.send('Page.crash').catch(() => undefined);
  await killed;
  await cdp.send('Fetch.disable');
  await open(device);
}

/** Opens the vault and reads the secret of the name. */
const look = (device: Device) =>
  run(device, async () => {
    const vault = await client.vault.open();
    const { slots, members } = vault.contents;
    const slot = slots.find(({ name }) => name === 'mail');
    const value = new TextDecoder().decode(await vault.readSecret(slot?.id ?? ''));
    return { value, members: members.map(({ kind, revoked }) => (revoked ? 'revoked' : kind)) };
  });

const start = (device: Device) =>
  run(device, async () => {
    await client.start();
    await client.vault.open();
  });

const accept = (device: Device, code: string) =>
  run(
    device,
    async (typed) => {
      await client.vault.invitations.accept({
        code: typed,
        user: { name: 'ada', displayName: 'Ada' },
      });
    },
    code,
  );

const invite = (device: Device) =>
  run(device, async () => {
    const invitation = await client.vault.invitations.create();
    Object.assign(globalThis, { kept: { invitation } });
    return invitation.code;
  });

const admit = (device: Device) =>
  run(device, async () => {
    if ((await kept.invitation.poll()).status !== 'joined') throw new Error('Nobody has joined.');
    await kept.invitation.admit();
  });

const replace = (device: Device, next: string) =>
  run(
    device,
    async (value) => {
      const vault = client.vault.current;
      const slot = vault.contents.slots.find(({ name }) => name === 'mail');
      await vault.updateSecret(slot?.id ?? '', { value });
    },
    next,
  );

const remove = (device: Device) =>
  run(device, async () => {
    const vault = client.vault.current;
    const other = vault.contents.members.find(({ own, kind }) => !own && kind !== 'recovery');
    const { code, confirm } = await vault.removeDevice(other?.id ?? '');
    await confirm(code);
  });

describe.each<When>(['before', 'after'])('a page that is killed %s the server acts', (when) => {
  async function begin(): Promise<Device> {
    const first = await openBrowser();
    const { apiKey } = await service.verifier.keys.issue({ scopes: ['vault'] });
    await run(
      first,
      async (key) => {
        await client.enroll({ apiKey: key, user: { name: 'ada', displayName: 'Ada' } });
        const vault = await client.vault.open();
        await vault.addSecret({ name: 'mail', value: 'old' });
      },
      apiKey,
    );
    return first;
  }

  async function joined(first: Device): Promise<Device> {
    const second = await openBrowser();
    await accept(second, await invite(first));
    await admit(first);
    await start(second);
    return second;
  }

  it('leaves a vault that opens, in the middle of a join', async () => {
    const first = await begin();
    const code = await invite(first);
    const second = await openBrowser();
    await killAt(second, { path: '/enroll', when }, () => accept(second, code));
    if (when === 'before') await accept(second, code);
    await killAt(first, { path: '/vault', when }, () => admit(first));
    const members = when === 'before' ? ['passkey'] : ['passkey', 'passkey'];
    expect(await look(first)).toEqual({ value: 'old', members });
    if (when === 'before') {
      // The code was in that page alone.
      await start(first);
      await accept(second, await invite(first));
      await admit(first);
    }
    await start(second);
    expect(await look(second)).toMatchObject({ value: 'old' });
  });

  it('leaves a vault that opens, in the middle of a rotation', async () => {
    const first = await begin();
    const rotate = () => run(first, () => client.vault.current.rotateGeneration());
    await killAt(first, { path: '/vault', when }, rotate);
    expect(await look(first)).toEqual({ value: 'old', members: ['passkey'] });
    await start(first);
    await killAt(first, { path: '/vault', when }, () => replace(first, 'new'));
    expect(await look(first)).toMatchObject({ value: when === 'before' ? 'old' : 'new' });
    await start(first);
    await rotate();
    await replace(first, 'new');
    expect(await look(first)).toEqual({ value: 'new', members: ['passkey'] });
  });

  it('leaves a vault that opens, in the middle of a removal', async () => {
    const first = await begin();
    const second = await joined(first);
    await look(first);
    await killAt(first, { path: '/devices/revoke', when }, () => remove(first));
    const revoked = when === 'before' ? 'passkey' : 'revoked';
    expect(await look(first)).toEqual({ value: 'old', members: ['passkey', revoked] });
    await start(first);
    await killAt(first, { path: '/vault', when }, () => remove(first));
    const changed = when === 'before' ? ['passkey', 'revoked'] : ['passkey', 'recovery'];
    expect(await look(first)).toEqual({ value: 'old', members: changed });
    await expect(look(second)).rejects.toThrow(/not valid/);
    await start(first);
    if (when === 'before') await remove(first);
    await replace(first, 'new');
    expect(await look(first)).toEqual({ value: 'new', members: ['passkey', 'recovery'] });
  });
});
