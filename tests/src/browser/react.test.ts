import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Device, launchChromium, openDevice } from './browser.js';
import {
  type BuiltPage,
  buildReactPage,
  buildReadmePage,
  type PageServer,
  type ReactMajor,
  servePage,
} from './serve-react-page.js';

/** What the page and the script below leave on the global object. */
interface PageGlobals {
  readonly workers: { made: number; alive: number };
  readonly ceremonies: number;
  readonly finishLatePart: () => void;
  readonly unmountPage: () => void;
  readonly kept: {
    start(): Promise<{ status: string }>;
    warmUp(): void;
    pzkFetch: typeof fetch;
  };
  readonly shell: Element | null;
}

/** Counts workers and ceremonies from the first script of the page on. */
function countFromTheStart() {
  const counts = { workers: { made: 0, alive: 0 }, ceremonies: 0 };
  Object.assign(globalThis, counts);
  const count = globalThis as unknown as typeof counts;
  globalThis.Worker = class extends Worker {
    #ended = false;
    constructor(...given: ConstructorParameters<typeof Worker>) {
      super(...given);
      count.workers.made++;
      count.workers.alive++;
    }
    override terminate() {
      if (!this.#ended) count.workers.alive--;
      this.#ended = true;
      super.terminate();
    }
  };
  const { credentials } = navigator;
  const create = credentials.create.bind(credentials);
  const get = credentials.get.bind(credentials);
  credentials.create = (options) => {
    count.ceremonies++;
    return create(options);
  };
  credentials.get = (options) => {
    count.ceremonies++;
    return get(options);
  };
}

/** Waits as long as a busy machine may need. */
const eventually = <T>(read: () => T) => expect.poll(read);

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

describe.each<ReactMajor>([18, 19])('a page with React %i in Chromium', (major) => {
  let built: BuiltPage;
  let server: PageServer;
  let device: Device;
  beforeAll(async () => {
    built = await buildReactPage(major);
  });
  beforeEach(async () => {
    server = await servePage(built.assets, built.rendering);
    device = await openDevice(browser);
    await device.page.addInitScript(countFromTheStart);
  });
  afterEach(async () => {
    await device.close();
    await server.close();
  });

  const open = (path: string) => device.page.goto(`${server.origin}${path}`);
  const read = <T>(pick: (page: PageGlobals) => T) =>
    device.page.evaluate(`(${pick.toString()})(globalThis)`) as Promise<Awaited<T>>;
  const status = (id = 'session') => device.page.locator(`#${id}`).innerText();
  const click = (name: string | RegExp) => device.page.getByRole('button', { name }).click();
  const proverLoaded = () =>
    eventually(() => device.requests.filter((one) => one.includes('/pzk/circuits/')).length).toBe(
      1,
    );

  async function enrol(): Promise<void> {
    await device.page.getByLabel('API key').fill(server.demoKey.apiKey);
    await click('Enrol');
  }

  /** Neither warnings of React nor errors of the page. */
  function expectSilence(besides: readonly string[] = []): void {
    expect(device.console.filter((line) => !line.includes('React DevTools'))).toEqual(besides);
  }

  it('makes one worker and no ceremony under StrictMode, and ends the worker at the unmount', async () => {
    await open('/client');
    await proverLoaded();
    await eventually(() => read(({ workers }) => workers)).toEqual({ made: 1, alive: 1 });
    expect(await read(({ ceremonies }) => ceremonies)).toBe(0);
    expect(server.events).toEqual([]);

    await enrol();
    await eventually(() => status()).toBe('active');
    await click('Rendered again: 0');
    await click('Rendered again: 1');
    await click('Call');
    await eventually(() => device.page.getByRole('status').innerText()).toBe('200');
    await eventually(() => read(({ workers }) => workers)).toEqual({ made: 1, alive: 1 });

    await read(({ unmountPage }) => unmountPage());
    await eventually(() => read(({ workers }) => workers.alive)).toBe(0);
    expectSilence();
  });

  it('leaves no worker and asks nobody when something is called after the unmount', async () => {
    await open('/client');
    await proverLoaded();
    await read(({ unmountPage }) => unmountPage());
    await eventually(() => read(({ workers }) => workers.alive)).toBe(0);
    const ended = await read(async ({ kept }) => {
      kept.warmUp();
      const call = await kept.pzkFetch('/api/weather').catch((error) => error.code);
      return [(await kept.start()).status, call];
    });
    expect(ended).toEqual(['failed', 'not_signed_in']);
    await eventually(() => read(({ workers }) => workers)).toEqual({ made: 2, alive: 0 });
    expect(await read(({ ceremonies }) => ceremonies)).toBe(0);
    expect(device.requests.filter((one) => one.includes('/pzk/challenge'))).toEqual([]);
    expectSilence();
  });

  it('ends a ceremony with the component that started it, and the next one works', async () => {
    await device.setPresence(false);
    await open('/client');
    await enrol();
    await eventually(() => status('enrollment')).toBe('creating-passkey');
    await click('Close');
    await click('Open');
    await eventually(() => status('enrollment')).toBe('idle');
    await device.setPresence(true);
    await enrol();
    await eventually(() => status()).toBe('active');
    expect(server.events.map(({ type }) => type)).toEqual(['device_enrolled', 'token_issued']);
    expectSilence();
  });

  it.each(['/string', '/stream'])('hydrates what the server rendered at %s', async (path) => {
    await open(path);
    const html = await (await fetch(`${server.origin}${path}`)).text();
    expect(html).toContain('<p id="session">signed-out</p>');
    expect(html).toContain('<p id="late">signed-out</p>');
    await proverLoaded();
    await enrol();
    await eventually(() => status()).toBe('active');
    // This part hydrates with the state of the server, while the session is active.
    await read(({ finishLatePart }) => finishLatePart());
    await eventually(() => status('late')).toBe('active');
    await eventually(() => read(({ workers }) => workers)).toEqual({ made: 1, alive: 1 });
    expectSilence();
  });

  it('keeps the elements of the server, and resumes without a touch', async () => {
    await open('/client');
    await enrol();
    await eventually(() => status()).toBe('active');
    const touches = await device.touches();
    await device.page.addInitScript(() => {
      document.addEventListener('readystatechange', () => {
        const page = globalThis as unknown as { shell?: Element | null };
        page.shell ??= document.querySelector('#session');
      });
    });
    await open('/stream?resume');
    await eventually(() => status()).toBe('active');
    await read(({ finishLatePart }) => finishLatePart());
    await eventually(() => status('late')).toBe('active');
    expect(await read(({ shell }) => shell === document.querySelector('#session'))).toBe(true);
    expect(await device.touches()).toBe(touches);
    expect(await read(({ ceremonies }) => ceremonies)).toBe(0);
    expectSilence();
  });

  it('runs the program of the README: enrols, reads, resumes, signs out, signs in', async () => {
    const readme = await servePage(await buildReadmePage(major));
    try {
      const { page } = device;
      await page.goto(readme.origin);
      await page.getByLabel('API key').fill('not the key');
      await click('Enrol this device');
      await page.getByRole('alert').waitFor();
      expect(await page.getByLabel('API key').inputValue()).toBe('');

      await page.getByLabel('API key').fill(readme.demoKey.apiKey);
      await click('Enrol this device');
      await click('Read');
      await eventually(() => page.getByRole('status').innerText()).toContain('{');

      const touches = await device.touches();
      await page.reload();
      await page.getByRole('button', { name: 'Sign out' }).waitFor();
      expect(await device.touches()).toBe(touches);

      await click('Sign out');
      await click('Sign in with the passkey');
      await click('Read');
      await eventually(() => page.getByRole('status').innerText()).toContain('{');
      expect(await device.touches()).toBe(touches + 1);

      // A fresh touch, for which the page stays as it is.
      readme.skipTime(121);
      await click('Read');
      await eventually(() => page.getByRole('status').innerText()).toBe(
        'insufficient_user_authentication',
      );
      let release = () => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      await page.route('**/pzk/challenge', (route) => held.then(() => route.continue()));
      await click('Touch the passkey and read');
      await page.getByRole('button', { name: 'Your browser asks for the passkey' }).waitFor();
      expect(await page.getByRole('status').innerText()).toBe('insufficient_user_authentication');
      release();
      await eventually(() => page.getByRole('status').innerText()).toContain('{');
      await eventually(() => page.getByRole('button', { name: /touch|asks/i }).count()).toBe(0);
      expect(await device.touches()).toBe(touches + 2);
      // The browser's own lines on the wrong key and on the calls that came too late.
      expectSilence(device.console.filter((line) => /status of 40[01]/.test(line)));
    } finally {
      await readme.close();
    }
  });
});
