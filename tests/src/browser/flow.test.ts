import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type RunningServer, startServer } from '@pzk-auth/example-express-react';
import type { VerifierEvent } from '@pzk-auth/verifier';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type Device,
  type DeviceOptions,
  launchChromium,
  openDevice,
  openDeviceWithoutStorage,
} from './browser.js';

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

let browser: Browser;
let server: RunningServer;
let events: VerifierEvent[];
let offset: number;
const devices: Device[] = [];

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

beforeEach(async () => {
  events = [];
  offset = 0;
  server = await startServer({
    port: 0,
    verifier: { onEvent: (event) => events.push(event), clock: () => Date.now() + offset },
  });
  // The key of the demo, issued by now.
  events = [];
});
afterEach(async () => {
  await Promise.all(devices.splice(0).map((device) => device.close()));
  await server.close();
});

async function open(options: DeviceOptions = {}): Promise<Device> {
  const device = await openDevice(browser, options);
  devices.push(device);
  await device.page.goto(server.origin);
  return device;
}

async function enrol({ page }: Device, key = server.demoKey.apiKey): Promise<void> {
  await page.getByRole('textbox', { name: 'API key' }).fill(key);
  await page.getByRole('button', { name: 'Enrol this device' }).click();
}

const signedIn = ({ page }: Device) => page.getByRole('heading', { name: 'Signed in' }).waitFor();

const signIn = ({ page }: Device) =>
  page.getByRole('button', { name: 'Sign in with the passkey' }).click();

async function readWeather({ page }: Device): Promise<string> {
  const panel = page.getByRole('region', { name: 'Call the API' });
  await page.getByRole('button', { name: 'Read the weather' }).click();
  const status = panel.getByText(/GET \/api\/weather/).first();
  await status.waitFor();
  return panel.innerText();
}

async function expectAccessible({ page }: Device): Promise<void> {
  // The policy of the page allows no foreign script; the tool comes in through the debugger.
  const source = await readFile(axePath, 'utf8');
  await page.evaluate(source);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
  expect(violations).toEqual([]);
}

describe('the page in Chromium, with a real PRF', () => {
  it('enrols, calls, reloads, signs in with one touch, calls, signs out', async () => {
    const device = await open();
    await enrol(device);
    await signedIn(device);
    expect(await readWeather(device)).toContain('200');

    await device.page.reload();
    const before = await device.touches();
    await signIn(device);
    await signedIn(device);
    expect((await device.touches()) - before).toBe(1);
    expect(await readWeather(device)).toContain('200');

    await device.page.getByRole('button', { name: 'Sign out' }).click();
    await device.page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor();
    // The page shows the end at once; the server learns of it right after.
    await expect
      .poll(() => events.map(({ type }) => type))
      .toEqual(['device_enrolled', 'token_issued', 'vault_opened', 'token_issued', 'revoked']);
    expect(device.console.filter((line) => !line.startsWith('Failed to load'))).toEqual([]);
  });

  it('resumes after a reload without a touch', async () => {
    const device = await open();
    await enrol(device);
    await signedIn(device);
    await device.page.reload();
    const before = await device.touches();
    await device.page.getByRole('button', { name: 'Resume the session' }).click();
    await signedIn(device);
    expect(await device.touches()).toBe(before);
  });

  it('renews in silence before the token ends', async () => {
    const device = await openDevice(browser);
    devices.push(device);
    await device.page.clock.install();
    await device.page.goto(server.origin);
    await enrol(device);
    await signedIn(device);
    const before = await device.touches();
    offset += 280_000;
    await device.page.clock.fastForward(280_000);
    await expect.poll(() => events.some(({ type }) => type === 'token_renewed')).toBe(true);
    expect(await device.touches()).toBe(before);
    expect(await readWeather(device)).toContain('200');
  });

  it('asks for a fresh touch where the route demands one', async () => {
    const device = await openDevice(browser);
    devices.push(device);
    await device.page.clock.install();
    await device.page.goto(server.origin);
    await enrol(device);
    await signedIn(device);
    offset += 130_000;
    await device.page.clock.fastForward(130_000);
    const { page } = device;
    await page.getByRole('textbox', { name: 'Report from your station' }).fill('Fog has lifted');
    await page.getByRole('button', { name: 'File the report' }).click();
    await page.getByText('insufficient_user_authentication').first().waitFor();
    const before = await device.touches();
    await page.getByRole('button', { name: /touch/i }).click();
    const panel = page.getByRole('region', { name: 'Call the API' });
    await panel.getByText('201').first().waitFor();
    expect((await device.touches()) - before).toBe(1);
  });

  it('a revoked device is refused, in the call and at the next sign-in', async () => {
    const device = await open();
    await enrol(device);
    await signedIn(device);
    await device.page.getByRole('button', { name: 'Revoke this device' }).click();
    await device.page.getByText('The device is revoked.').waitFor();
    await device.page.getByRole('button', { name: 'Read the weather' }).click();
    await device.page
      .getByText(/session_expired|invalid_token|invalid_grant/)
      .first()
      .waitFor();
    await device.page.reload();
    await signIn(device);
    await device.page.getByText('invalid_grant').first().waitFor();
  });

  it('a fresh browser with the same passkey needs one touch and no key', async () => {
    const device = await open();
    await enrol(device);
    await signedIn(device);
    await device.cdp.send('Storage.clearDataForOrigin', {
      origin: server.origin,
      storageTypes: 'all',
    });
    await device.page.reload();
    const before = await device.touches();
    await signIn(device);
    await signedIn(device);
    expect((await device.touches()) - before).toBe(1);
    expect(device.requests.some((request) => request.includes('/pzk/vault/open'))).toBe(true);
    expect(await readWeather(device)).toContain('200');
  });

  it('[W11] without PRF it says why, and nothing is stored', async () => {
    const device = await open({ prf: false });
    await enrol(device);
    await device.page.getByText('prf_unsupported').first().waitFor();
    expect(await server.verifier.devices.list(server.demoKey.account)).toHaveLength(0);
    expect(events.filter(({ type }) => type !== 'refused')).toEqual([]);
    await expect.poll(() => device.passkeys()).toBe(0);
    await expectAccessible(device);
  });

  it('an enrolment that the server refuses leaves no passkey behind', async () => {
    const device = await open();
    await server.verifier.keys.revoke(server.demoKey.id);
    await enrol(device);
    await device.page.getByText('invalid_grant').first().waitFor();
    await expect.poll(() => device.passkeys()).toBe(0);
  });

  it('works where the browser blocks site data, until the page goes', async () => {
    const device = await openDeviceWithoutStorage();
    devices.push(device);
    await device.page.goto(server.origin);
    await enrol(device);
    await signedIn(device);
    expect(await readWeather(device)).toContain('200');
    await device.page.reload();
    await signIn(device);
    await signedIn(device);
  });

  it('[W3] a refused user verification enrols nothing, and another device still may', async () => {
    const device = await open();
    await device.setUserVerified(false);
    await enrol(device);
    await device.page.getByText('passkey_cancelled').first().waitFor();
    expect(await server.verifier.devices.list(server.demoKey.account)).toHaveLength(0);
    // The authenticator has locked itself by now, as real ones do.
    const other = await open();
    await enrol(other);
    await signedIn(other);
  });

  it('aborted in the middle, it goes back to where it was and can start again', async () => {
    const device = await open();
    await device.setPresence(false);
    await enrol(device);
    await device.page.getByText('Your browser asks to create a passkey.').waitFor();
    await device.page.getByRole('button', { name: 'Cancel' }).click();
    await device.page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor();
    expect(await server.verifier.devices.list(server.demoKey.account)).toHaveLength(0);
    await device.setPresence(true);
    await enrol(device);
    await signedIn(device);
  });

  it('a replayed exchange and a token without its key are refused before one’s eyes', async () => {
    const device = await open();
    await enrol(device);
    await signedIn(device);
    const { page } = device;
    await page.reload();
    await signIn(device);
    await signedIn(device);
    await page.getByRole('button', { name: 'Replay the last exchange' }).click();
    await page
      .getByText(/: refused/)
      .first()
      .waitFor();
    expect(await page.getByRole('region', { name: 'Try to misuse it' }).innerText()).toContain(
      'invalid_nonce',
    );
    await page.getByRole('button', { name: 'Use the token without its key' }).click();
    await page.getByText('invalid_dpop_proof').first().waitFor();
    expect(await page.getByText(/: accepted/).count()).toBe(0);
  });

  it('a replayed enrolment says why the answer is another one, and no token is used after its end', async () => {
    const device = await open();
    await enrol(device);
    await signedIn(device);
    const { page } = device;
    const panel = page.getByRole('region', { name: 'Try to misuse it' });
    const useToken = panel.getByRole('button', { name: 'Use the token without its key' });
    await panel.getByRole('button', { name: 'Replay the last exchange' }).click();
    await panel.getByText('The same POST /pzk/enroll again: refused').waitFor();
    expect(await panel.innerText()).toContain('This device is enrolled already');
    expect(await useToken.isEnabled()).toBe(true);

    await page.getByRole('button', { name: 'Sign out' }).click();
    await panel.getByText('The token ended with its session.').waitFor();
    expect(await useToken.isEnabled()).toBe(false);
  });

  for (const [name, viewport] of [
    ['wide', { width: 1280, height: 900 }],
    ['narrow', { width: 360, height: 740 }],
  ] as const) {
    it(`is accessible and does not overflow on a ${name} screen`, async () => {
      const device = await open({ viewport });
      await expectAccessible(device);
      await enrol(device);
      await signedIn(device);
      await readWeather(device);
      await expectAccessible(device);
      const overflow = await device.page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow).toBeLessThanOrEqual(0);
    });
  }

  it('works by keyboard alone', async () => {
    const device = await open();
    const { page } = device;
    const field = page.getByRole('textbox', { name: 'API key' });
    await field.waitFor();
    for (let presses = 0; presses < 5; presses++) {
      await page.keyboard.press('Tab');
      if (await field.evaluate((element) => element === document.activeElement)) break;
    }
    await page.keyboard.type(server.demoKey.apiKey);
    await page.keyboard.press('Enter');
    await signedIn(device);
  });
});
