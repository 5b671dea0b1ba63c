import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Device, launchChromium, openDevice } from '../browser/browser.js';
import { expectAccessible } from './expect-accessible.js';
import { type Example, startExample } from './platform.js';

let browser: Browser;
let example: Example;
let device: Device;

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());
beforeEach(async () => {
  example = await startExample();
  device = await openDevice(browser);
  await device.page.goto(example.platform.origin);
});
afterEach(async () => {
  await device.close();
  await example.close();
});

const press = (name: string) => device.page.getByRole('button', { name, exact: true }).click();
const heading = (name: string) => device.page.getByRole('heading', { name, exact: true });

describe('the agent platform in Chromium', () => {
  it('signs up with a passkey and nothing else, signs out and in, by keyboard', async () => {
    await heading('Your agents, on your own keys.').waitFor();
    await expectAccessible(device);
    await device.page.keyboard.press('Tab');
    expect(await device.page.evaluate(() => document.activeElement?.textContent)).toBe(
      'Sign up with a passkey',
    );
    await device.page.keyboard.press('Enter');
    await heading('Tasks').waitFor();
    expect(await device.passkeys()).toBe(1);
    expect(example.events.filter(({ type }) => type === 'device_enrolled')).toHaveLength(1);
    await expectAccessible(device);

    await device.page.reload();
    await heading('Tasks').waitFor();
    await press('Sign out');
    await press('Sign in');
    await heading('Tasks').waitFor();
    expect(device.console.filter((line) => !line.includes('React DevTools'))).toEqual([]);
  });

  it('goes on after a sign-up that was cancelled, with the same account', async () => {
    await device.setPresence(false);
    await press('Sign up with a passkey');
    await device.page.getByText('Your browser asks to create a passkey.').waitFor();
    await expectAccessible(device);
    await press('Cancel');
    await device.setPresence(true);
    await press('Sign up with a passkey');
    await heading('Tasks').waitFor();
    expect(device.requests.filter((one) => one.includes('/account/sign-up'))).toHaveLength(1);
  });

  it('leads the focus into the recovery form and back', async () => {
    const focused = () =>
      device.page.evaluate(() => {
        const element = document.activeElement;
        return element instanceof HTMLTextAreaElement
          ? element.labels[0]?.textContent
          : element?.textContent;
      });
    await press('Use a recovery code');
    await expect.poll(focused).toBe('Recovery code');
    await press('Back');
    await expect.poll(focused).toBe('Use a recovery code');
  });

  it('forgets a failed sign-in when the visitor signs up', async () => {
    await press('Sign in');
    await device.page.getByText('You are not signed in').waitFor();
    await device.page.route('**/account/sign-up', (route) => route.fulfill({ status: 503 }));
    await press('Sign up with a passkey');
    await device.page.getByText('There is no account yet').waitFor();
    await expect.poll(() => device.page.getByText('You are not signed in').count()).toBe(0);
  });

  it('takes sign-ups from its own page only', async () => {
    const response = await fetch(`${example.platform.origin}/account/sign-up`, {
      method: 'POST',
      headers: { 'Sec-Fetch-Site': 'cross-site' },
    });
    expect(response.status).toBe(403);
  });
});
