import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchChromium } from '../browser/browser.js';
import { passFlow } from './flow.js';
import { type NextApp, startExample } from './next-app.js';

let browser: Browser;
let app: NextApp;
beforeAll(async () => {
  [browser, app] = await Promise.all([launchChromium(), startExample()]);
});
afterAll(async () => {
  await app?.close();
  await browser?.close();
});

it('the example passes its flow in Chromium, as `npm run build` left it', async () => {
  await passFlow(browser, app);
  expect(app.output.text).not.toMatch(/error/i);
});

it('[S1] a page session read over HTTP is no credential of a protected route', async () => {
  for (const headers of [
    { cookie: `__Host-pzk-session=${'A'.repeat(43)}` },
    { authorization: `DPoP ${'A'.repeat(43)}` },
  ]) {
    expect((await fetch(`${app.origin}/api/weather`, { headers })).status).toBe(401);
  }
});

it('[L5] refuses two DPoP headers', async () => {
  const headers = new Headers({ authorization: 'DPoP a.b.c' });
  headers.append('dpop', 'a.b.c');
  headers.append('dpop', 'a.b.c');
  expect((await fetch(`${app.origin}/api/weather`, { headers })).status).toBe(401);
});
