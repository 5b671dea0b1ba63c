import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Device, launchChromium, openDevice } from '../browser/browser.js';
import { expectAccessible } from './expect-accessible.js';
import { type Example, startExample } from './platform.js';
import { createVisitor, lockItself, type Visitor } from './visitor.js';

let browser: Browser;
let example: Example;
let device: Device;
let user: Visitor;

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());
beforeEach(async () => {
  example = await startExample();
  device = await openDevice(browser);
  user = createVisitor(device, example.platform.origin);
});
afterEach(async () => {
  await device.close();
  await example.close();
});

const KEY = `sk-ant-api03-${'k'.repeat(40)}`;
const NEXT_KEY = `sk-ant-api03-${'n'.repeat(40)}`;

const focused = () => device.page.evaluate(() => document.activeElement?.textContent);

describe('the vault page in Chromium', () => {
  it('adds, reveals, renames, rotates and deletes a key', async () => {
    await user.signUp();
    await user.goTo('Vault');
    await expectAccessible(device);
    await user.press('Open the vault');
    await device.page.getByRole('button', { name: 'Add a key' }).waitFor();
    await expect.poll(focused).toBe('Vault');
    await user.addKey({ name: 'Work', value: KEY });
    await user.row('Work').waitFor();
    await expect.poll(focused).toBe('Add a key');
    await expectAccessible(device);

    expect(await user.reveal('Work')).toBe(KEY);

    await user.press('Rename Work');
    await expectAccessible(device);
    await device.page.getByRole('textbox', { name: 'Name' }).fill('Team');
    await user.press('Rename');
    await user.row('Team').waitFor();

    await user.press('Rotate Team');
    await expectAccessible(device);
    await device.page.getByLabel('New key').fill(NEXT_KEY);
    await user.press('Replace the key');
    await device.page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await user.reveal('Team')).toBe(NEXT_KEY);

    // After a reload there is nothing in memory, and one touch opens it.
    await device.page.reload();
    await user.press('Open the vault');
    expect(await user.reveal('Team')).toBe(NEXT_KEY);

    await user.press('Delete Team');
    await user.press('Delete');
    await user.row('Team').waitFor({ state: 'detached' });
    await expect.poll(focused).toBe('Vault');
    expect(device.requests.join('\n')).not.toContain('kkkkkkkk');
    expect(device.requests.join('\n')).not.toContain('nnnnnnnn');
    expect(device.console.filter((line) => !line.includes('React DevTools'))).toEqual([]);
  });

  it('fits a narrow screen, however long a word is', async () => {
    await device.page.setViewportSize({ width: 360, height: 740 });
    await user.signUp();
    await user.goTo('Vault');
    await user.press('Open the vault');
    await user.addKey({ name: 'W'.repeat(64), value: KEY });
    await user.goTo('Tasks');
    const word = `https://example.com/${'long'.repeat(80)}`;
    await device.page.getByLabel('What should the agent do?').fill(word);
    await user.press('Hand it over');
    await device.page.getByRole('heading', { name: word }).waitFor();
    for (const name of ['Tasks', 'Approvals', 'Vault', 'Devices', 'Agents', 'Activity']) {
      await user.goTo(name);
      if (name === 'Activity') await device.page.getByText('Put into the vault: W').waitFor();
      expect(await device.page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    }
    await expectAccessible(device);
  });

  it('says that a value does not look like a key, and takes it if told', async () => {
    await user.signUp();
    await user.goTo('Vault');
    await user.press('Open the vault');
    await user.press('Add a key');
    await device.page.getByLabel('Name').fill('Odd');
    await device.page.getByLabel('Key', { exact: true }).fill('hunter2');
    await user.press('Put it into the vault');
    await device.page.getByText('api_key_malformed').waitFor();
    await device.page.getByLabel(/Keep it even if/).check();
    await user.press('Put it into the vault');
    await user.row('Odd').waitFor();
  });

  it('says that a key begins like one of another provider, and takes that one on a click', async () => {
    await user.signUp();
    await user.goTo('Vault');
    await user.press('Open the vault');
    await user.press('Add a key');
    const { page } = device;
    await page.getByLabel('Provider', { exact: true }).selectOption('OpenAI');
    await page.getByLabel('Key', { exact: true }).fill(KEY);
    await page.getByText('This looks like a key of Anthropic, not of OpenAI.').waitFor();
    await expectAccessible(device);
    await user.press('It is of Anthropic');
    expect(await page.getByLabel('Provider', { exact: true }).inputValue()).toBe('anthropic');
    expect(await page.getByText('This looks like').count()).toBe(0);
    await user.press('Put it into the vault');
    await user.row('Anthropic').waitFor();

    await user.press('Rotate Anthropic');
    await page.getByLabel('New key').fill(`ghp_${'g'.repeat(36)}`);
    await page.getByText('This looks like a key of GitHub, not of Anthropic.').waitFor();
    await page.getByLabel('New key').fill(NEXT_KEY);
    await page.getByText('This looks like').waitFor({ state: 'detached' });
  });

  it('keeps a form that is half filled in where the vault locks itself, and a typed key for a minute', async () => {
    const { page } = device;
    await page.clock.install();
    await user.signUp();
    await user.goTo('Vault');
    await user.press('Open the vault');
    await user.press('Add a key');
    const [name, key] = [
      page.getByRole('textbox', { name: 'Name' }),
      page.getByLabel('Key', { exact: true }),
    ];
    await name.fill('Work');
    await key.fill(KEY);
    await lockItself(device);
    await page.getByText('The key that you have typed is kept for one minute.').waitFor();
    await expectAccessible(device);
    await user.press('Open it and go on');
    await user.press('Put it into the vault');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await user.reveal('Work')).toBe(KEY);

    await user.press('Add a key');
    await name.fill('Team');
    await key.fill(NEXT_KEY);
    await lockItself(device);
    await page.getByText('kept for one minute').waitFor();
    await page.clock.fastForward('01:00');
    await page.getByText('is not kept any more').waitFor();
    expect(await key.inputValue()).toBe('');
    await user.press('Open it and go on');
    await key.fill(NEXT_KEY);
    await user.press('Put it into the vault');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await user.reveal('Team')).toBe(NEXT_KEY);
  });

  it('hides a key that it shows where the vault locks itself', async () => {
    const { page } = device;
    await page.clock.install();
    await user.signUp();
    await user.goTo('Vault');
    await user.press('Open the vault');
    await user.addKey({ name: 'Work', value: KEY });
    await page.clock.fastForward('04:50');
    await user.press('Reveal Work');
    await page.waitForFunction(() => document.querySelector('dialog code')?.textContent !== '');
    await page.clock.fastForward('00:11');
    await page.getByText('so the key is hidden again').waitFor();
    expect(await page.locator('body').innerText()).not.toContain(KEY);
  });
});
