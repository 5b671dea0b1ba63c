import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Browser,
  type BrowserContext,
  type CDPSession,
  chromium,
  type Page,
} from 'playwright-core';
import { findChromium } from '../../../scripts/lib/find-programs.mjs';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** How to start Chromium; or says how to get it. */
async function launchOptions() {
  const found = await findChromium();
  if (found === undefined) throw new Error('Chromium is missing: run `npm run setup`.');
  return { executablePath: found.path, args: FLAGS, headless: true };
}

/** Starts Chromium. */
export async function launchChromium(): Promise<Browser> {
  return chromium.launch(await launchOptions());
}

/** How the virtual authenticator of a device behaves. */
export interface DeviceOptions {
  /** PRF extension (hmac-secret). Default true. */
  readonly prf?: boolean;
  readonly viewport?: { readonly width: number; readonly height: number };
}

/** A browser context with an authenticator of its own: one device. */
export interface Device {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly cdp: CDPSession;
  /** Everything that the page wrote to the console, uncaught errors included. */
  readonly console: string[];
  /** Requests as they left: URL, headers and body. */
  readonly requests: string[];
  setUserVerified(verified: boolean): Promise<void>;
  /** Whether a touch happens by itself. */
  setPresence(automatic: boolean): Promise<void>;
  /** How often the authenticator has signed: the sum of its counters. */
  touches(): Promise<number>;
  /** How many passkeys the authenticator holds. */
  passkeys(): Promise<number>;
  close(): Promise<void>;
}

/** Opens a device with a virtual authenticator (real PRF) attached to its page. */
export async function openDevice(browser: Browser, options: DeviceOptions = {}): Promise<Device> {
  const { viewport = { width: 1280, height: 900 } } = options;
  return equip(await browser.newContext({ viewport }), options);
}

/** Opens a device in a browser of its own that blocks site data, as a user can set it. */
export async function openDeviceWithoutStorage(options: DeviceOptions = {}): Promise<Device> {
  const profile = await mkdtemp(join(tmpdir(), 'pzk-auth-profile-'));
  await mkdir(join(profile, 'Default'));
  const preferences = { profile: { default_content_setting_values: { cookies: 2 } } };
  await writeFile(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences));
  const context = await chromium.launchPersistentContext(profile, await launchOptions());
  const device = await equip(context, options);
  return {
    ...device,
    async close() {
      await context.close();
      // The browser's processes end a little later than it says.
      await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

async function equip(context: BrowserContext, { prf = true }: DeviceOptions): Promise<Device> {
  // As long as a busy machine may need.
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const written: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => written.push(message.text()));
  page.on('pageerror', (error) => written.push(`${error.name}: ${error.message}`));
  context.on('request', (request) => {
    const headers = JSON.stringify(request.headers());
    requests.push(`${request.method()} ${request.url()} ${headers} ${request.postData() ?? ''}`);
  });
  const cdp = await context.newCDPSession(page);
  await cdp.send('WebAuthn.enable', { enableUI: false });
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      hasPrf: prf,
      automaticPresenceSimulation: true,
    },
  });
  const credentials = async () =>
    (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials;
  return {
    context,
    page,
    cdp,
    console: written,
    requests,
    async setUserVerified(isUserVerified) {
      await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified });
    },
    async setPresence(enabled) {
      await cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled });
    },
    touches: async () => (await credentials()).reduce((sum, { signCount }) => sum + signCount, 0),
    passkeys: async () => (await credentials()).length,
    close: () => context.close(),
  };
}
