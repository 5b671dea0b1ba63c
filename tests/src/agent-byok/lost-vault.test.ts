import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Device, launchChromium, openDevice } from '../browser/browser.js';
import { expectAccessible } from './expect-accessible.js';
import { type Example, startExample } from './platform.js';
import { createVisitor } from './visitor.js';

let browser: Browser;
let example: Example;
const devices: Device[] = [];
let resetVault = false;

beforeAll(async () => {
  browser = await launchChromium();
  example = await startExample({ authorize: () => ({ resetVault }), vaultReset: { after: 0 } });
});
afterAll(async () => {
  await Promise.all(devices.map((device) => device.close()));
  await example.close();
  await browser.close();
});

async function visit() {
  const device = await openDevice(browser);
  devices.push(device);
  return createVisitor(device, example.platform.origin);
}

const KEY = `sk-ant-api03-${'k'.repeat(40)}`;
const NEW_KEY = `sk-ant-api03-${'n'.repeat(40)}`;
const SLOW = { timeout: 60_000 };

describe('a user who lost every passkey, in Chromium', () => {
  it('waits, begins anew, and is led through rotating the keys', async () => {
    // The platform has no users of its own: here it gives a key of the account to whoever asks.
    const first = await visit();
    const issued = first.device.page.waitForResponse((one) => one.url().endsWith('/sign-up'));
    await first.signUp();
    const { apiKey } = await (await issued).json();
    await first.goTo('Vault');
    await first.press('Open the vault');
    await first.addKey({ name: 'Work', value: KEY });

    resetVault = true;
    const second = await visit();
    const { page } = second.device;
    await page.route('**/account/sign-up', (route) =>
      route.fulfill({ status: 201, json: { apiKey } }),
    );
    await page.goto(example.platform.origin);
    await second.press('Sign up with a passkey');
    await page.getByText('vault_reset_pending').waitFor(SLOW);
    await page.getByText('you can begin anew here').waitFor();
    await expectAccessible(second.device);

    // The device that is left is told.
    await first.press('Lock now');
    await first.press('Open the vault');
    await first.device.page.getByText('Your vault will be replaced').waitFor(SLOW);
    await expectAccessible(first.device);

    await second.press('Sign up with a passkey');
    await page.getByRole('heading', { name: 'Tasks' }).waitFor(SLOW);
    await second.goTo('Vault');
    await page.getByRole('heading', { name: 'Rotate the keys of your lost vault' }).waitFor(SLOW);
    await expectAccessible(second.device);
    await second.press('Open the vault');
    const providers = page.getByRole('list', { name: 'Providers' }).getByRole('listitem');
    await expect.poll(() => providers.count()).toBeGreaterThan(3);
    const anthropic = providers.filter({ hasText: 'Anthropic' });
    expect(await anthropic.getByRole('link').getAttribute('href')).toMatch(/^https:\/\//);
    await second.press('Add the new key of Anthropic');
    await page.getByLabel('Key', { exact: true }).fill(NEW_KEY);
    await second.press('Put it into the vault');
    await anthropic.getByText('New key in the vault').waitFor(SLOW);
    await expect.poll(() => page.getByText('Work', { exact: true }).count()).toBe(0);

    await second.press('All old keys are deleted');
    const lost = page.getByRole('heading', { name: 'Rotate the keys of your lost vault' });
    await lost.waitFor({ state: 'detached' });
    const asked = page.waitForResponse((one) => one.url().endsWith('/vault/activity'), SLOW);
    await page.reload();
    await asked;
    await page.getByRole('heading', { name: 'Your vault is locked' }).waitFor(SLOW);
    await expect.poll(() => lost.count()).toBe(0);
  });
});
