import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser } from 'playwright-core';
import { expect } from 'vitest';
import { type Device, openDevice } from '../browser/browser.js';
import type { NextApp } from './next-app.js';

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

async function expectAccessible({ page }: Device): Promise<void> {
  // Next.js may send the title after the page.
  await page.waitForFunction(() => document.title !== '');
  await page.evaluate(await readFile(axePath, 'utf8'));
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string }[] }> };
    };
    return (await axe.run()).violations.map(({ id }) => id);
  });
  expect(violations).toEqual([]);
}

/** The whole of the example in Chromium, with a real PRF. */
export async function passFlow(browser: Browser, app: NextApp): Promise<void> {
  const device = await openDevice(browser);
  const { page, context } = device;
  const button = (name: string) => page.getByRole('button', { name });
  const heading = (name: string) => page.getByRole('heading', { name, exact: true });
  const call = async (name: string, status: string) => {
    await button(name).click();
    await page.getByText(new RegExp(`: ${status}`)).waitFor();
  };
  const cookies = async () => (await context.cookies()).map(({ name }) => name);
  try {
    await page.goto(`${app.origin}/logbook`);
    // The proxy sent it away.
    expect(new URL(page.url()).pathname).toBe('/');
    await expectAccessible(device);

    await page.getByLabel('API key').fill(app.apiKey);
    await button('Enrol this device').click();
    await heading('Signed in').waitFor();
    await call('Read the weather', '200');
    await call('Ask the summit', '200');
    await page.getByText('"Summit"').waitFor();

    // The server renders for who is signed in.
    await page.getByRole('link', { name: 'Open the logbook' }).click();
    await heading('Logbook').waitFor();
    await page.getByRole('cell', { name: '-4 °C' }).waitFor();
    await expect.poll(cookies).toEqual(['__Host-pzk-session']);
    await expectAccessible(device);
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Strict', path: '/' });

    // A page that was reloaded is rendered by the cookie, and its calls go on without a touch.
    const touches = await device.touches();
    await page.goto(app.origin);
    await heading('Signed in').waitFor();
    await expect.poll(() => page.getByText('weather:read', { exact: true }).count()).toBe(1);
    expect(await device.touches()).toBe(touches);
    // The cookie goes along, and is no credential.
    await call('Call with the cookie alone', '401');
    const alone = await page.request.get(`${app.origin}/api/weather`);
    expect(alone.status()).toBe(401);
    expect((await page.request.get(`${app.origin}/logbook`, { maxRedirects: 0 })).status()).toBe(
      200,
    );
    await expectAccessible(device);

    await button('Sign out').click();
    await heading('Sign in').waitFor();
    await page.getByText('there is no page session').waitFor();
    await expect.poll(cookies).toEqual([]);
    const value = `${cookie?.name}=${cookie?.value}`;
    const stale = await fetch(`${app.origin}/logbook`, {
      headers: { cookie: value },
      redirect: 'manual',
    });
    expect(stale.status).toBe(307);

    await button('Sign in with the passkey').click();
    await heading('Signed in').waitFor();
    await page.getByRole('link', { name: 'Open the logbook' }).waitFor();
    await call('Read the weather', '200');
    // Chromium says each refused call; of the policy, of workers and of React it has nothing to say.
    expect(device.console.filter((line) => !line.includes('status of 401'))).toEqual([]);
    const away = device.requests.filter((request) => !request.includes(` ${app.origin}/`));
    expect(away.filter((request) => !/^\w+ (data|blob):/.test(request))).toEqual([]);
  } finally {
    await device.close();
  }
}
