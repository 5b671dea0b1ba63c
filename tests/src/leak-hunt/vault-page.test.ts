import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRecoveryCode, utf8 } from '@pzk-auth/protocol';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Example, startExample } from '../agent-byok/platform.js';
import { createVisitor, type Visitor } from '../agent-byok/visitor.js';
import { launchChromium, openDevice } from '../browser/browser.js';
import { plantInPage, readStorage, recordTraffic, watchPrf } from './browser-sinks.js';
import { createCanary, hunt } from './canary.js';
import { readFiles } from './server-sinks.js';

/** A device and everything that it says and keeps. */
interface Watched {
  readonly visitor: Visitor;
  readonly traffic: () => Promise<string>;
}

const random = () => `sk-ant-api03-${randomBytes(24).toString('base64url')}`;
const [KEY, NEXT_KEY] = [random(), random()];
/** Waits as long as a busy machine may need. */
const SLOW = { timeout: 60_000 };
const REFUSED = { type: 'refused', at: 0, code: 'invalid_request', reason: '' } as const;
let browser: Browser;
let example: Example;
const devices: Watched[] = [];
const prfOutputs: Uint8Array[] = [];

beforeAll(async () => {
  [browser, example] = await Promise.all([launchChromium(), startExample()]);
});
afterAll(async () => {
  await browser.close();
  await example.close();
});

async function visit(): Promise<Visitor> {
  const device = await openDevice(browser);
  await watchPrf(device.page, (bytes) => prfOutputs.push(bytes));
  const visitor = createVisitor(device, example.platform.origin);
  devices.push({ visitor, traffic: recordTraffic(device.context) });
  return visitor;
}

async function collect(): Promise<Map<string, string>> {
  const sinks = new Map<string, string>([
    ['the files of the platform', await readFiles(example.directory)],
    ['the events', JSON.stringify(example.events)],
  ]);
  for (const [index, { visitor, traffic }] of devices.entries()) {
    const { page, console: written } = visitor.device;
    sinks.set(`requests and answers of device ${index}`, await traffic());
    sinks.set(`the console of device ${index}`, written.join('\n'));
    for (const [name, text] of await readStorage(page))
      sinks.set(`${name} of device ${index}`, text);
  }
  return sinks;
}

/** A key comes, is shown, renamed and replaced; a code is made, and used on another device. */
async function useVault(): Promise<string> {
  const first = await visit();
  const { page } = first.device;
  await first.signUp();
  await first.goTo('Vault');
  await first.press('Open the vault');
  await first.addKey({ name: 'Work', value: KEY });
  expect(await first.reveal('Work')).toBe(KEY);
  await first.press('Rename Work');
  await page.getByRole('textbox', { name: 'Name' }).fill('Team');
  await first.press('Rename');
  await first.row('Team').waitFor();
  await first.press('Rotate Team');
  await page.getByLabel('New key').fill(NEXT_KEY);
  await first.press('Replace the key');
  await page.getByRole('dialog').waitFor({ state: 'detached' });

  await first.goTo('Devices');
  await first.press('Make a recovery code');
  const groups = page.getByRole('list', { name: 'Recovery code' }).getByRole('listitem');
  await groups.first().waitFor(SLOW);
  const code = (await groups.allInnerTexts()).join('-');
  await first.press('I have written it down');
  await page.getByLabel('Recovery code, as you wrote it down').fill(code);
  await first.press('Verify');
  await page.getByRole('heading', { name: 'The recovery code works' }).waitFor(SLOW);
  await first.press('Done');
  await first.row('Recovery code').waitFor();

  const other = await visit();
  await other.device.page.goto(example.platform.origin);
  await other.press('Use a recovery code');
  await other.device.page.getByLabel('Recovery code').fill(code);
  await other.press('Open my vault');
  await other.device.page.getByRole('heading', { name: 'Tasks' }).waitFor(SLOW);
  await other.goTo('Vault');
  await other.press('Open the vault');
  expect(await other.reveal('Team')).toBe(NEXT_KEY);
  return code;
}

it('[K] finds no secret of a vault in what pages send and keep, while it is open', async () => {
  const code = await useVault();
  const outputs = new Map(prfOutputs.map((bytes) => [Buffer.from(bytes).toString('hex'), bytes]));
  // Two passkeys, two generations each.
  expect(outputs.size).toBe(4);
  const sinks = await collect();
  const canaries = [
    createCanary('key of a third party', utf8(KEY)),
    createCanary('the next key', utf8(NEXT_KEY)),
    createCanary('recovery code', utf8(code)),
    createCanary('entropy of the recovery code', parseRecoveryCode(code)),
    ...[...outputs.values()].map((bytes, index) => createCanary(`PRF output ${index}`, bytes)),
  ];
  expect(hunt(canaries, sinks)).toEqual([]);
});

it('[K] honest: planted in each of these places, a key is found', async () => {
  const planted = random();
  for (const { visitor } of devices) {
    const { page } = visitor.device;
    await plantInPage(page, planted);
    await page.evaluate((text) => fetch(`/pzk/challenge?${text}`, { method: 'POST' }), planted);
  }
  example.events.push({ ...REFUSED, endpoint: planted });
  await writeFile(join(example.directory, 'platform', 'planted'), planted);
  const sinks = await collect();
  const found = hunt([createCanary('planted', utf8(planted))], sinks);
  for (const sink of sinks.keys()) {
    expect(
      found.some((place) => place.endsWith(` in ${sink}`)),
      sink,
    ).toBe(true);
  }
});
