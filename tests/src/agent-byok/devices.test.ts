import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Device, launchChromium, openDevice } from '../browser/browser.js';
import { expectAccessible } from './expect-accessible.js';
import { type Example, startExample } from './platform.js';
import { createVisitor, type Visitor } from './visitor.js';

let browser: Browser;
let example: Example;
const devices: Device[] = [];

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());
beforeEach(async () => {
  example = await startExample();
});
afterEach(async () => {
  await Promise.all(devices.splice(0).map((device) => device.close()));
  await example.close();
});

async function visit(): Promise<Visitor> {
  const device = await openDevice(browser);
  devices.push(device);
  return createVisitor(device, example.platform.origin);
}

const KEY = `sk-ant-api03-${'k'.repeat(40)}`;
const LATER = `sk-ant-api03-${'l'.repeat(40)}`;

const cli = fileURLToPath(new URL('../../../packages/cli/dist/main.js', import.meta.url));

/** Of a device, and not of the recovery code. */
const REMOVE_DEVICE = /^Remove (?!Recovery code)/;

/** Waits as long as a busy machine may need. */
const SLOW = { timeout: 60_000 };

/** Signs up, and puts a key into the vault. */
async function begin(): Promise<Visitor> {
  const first = await visit();
  await first.signUp();
  await first.goTo('Vault');
  await first.press('Open the vault');
  await first.addKey({ name: 'Work', value: KEY });
  return first;
}

/** Invites a second device, which answers. */
async function answerInvitation(first: Visitor): Promise<Visitor> {
  const second = await visit();
  const { page } = first.device;
  await first.goTo('Devices');
  await first.press('Add a device');
  const link = await page.getByRole('dialog').locator('code').innerText();
  await expectAccessible(first.device);

  await second.device.page.goto(link);
  expect(second.device.page.url()).not.toContain('pzk-invitation');
  await expectAccessible(second.device);
  await second.press('Make a passkey here');
  await second.device.page.getByText('Now look at your other device').waitFor(SLOW);
  await second.press('Sign in');
  await second.device.page.getByText('has not let this one in yet').waitFor(SLOW);

  await page.getByRole('heading', { name: 'Let this device in?' }).waitFor(SLOW);
  await expectAccessible(first.device);
  return second;
}

/** Invites a second device, and lets it in. */
async function joinSecond(first: Visitor): Promise<Visitor> {
  const { page } = first.device;
  const second = await answerInvitation(first);
  await page.getByLabel('What do you call it? (optional)').fill('Phone');
  await first.press('Yes, let it in');
  await page.getByRole('heading', { name: 'It is in' }).waitFor(SLOW);
  await first.press('Close');

  await second.press('Sign in');
  await second.device.page.getByRole('heading', { name: 'Tasks' }).waitFor(SLOW);
  return second;
}

/** Writes the code down that is shown. */
async function readCode({ device }: Visitor): Promise<string> {
  const groups = device.page.getByRole('list', { name: 'Recovery code' }).getByRole('listitem');
  await groups.first().waitFor(SLOW);
  const code = (await groups.allInnerTexts()).join('-');
  expect(code).toMatch(/^([0-9A-Z]{4}-){13}[0-9A-Z]{4}$/);
  return code;
}

/** Types the code in that was written down. */
async function typeCode(user: Visitor, code: string): Promise<void> {
  await user.press('I have written it down');
  await user.device.page.getByLabel('Recovery code, as you wrote it down').fill(code);
  await user.press('Verify');
}

/** Keeps what the platform answers to openings; the function returned gives the first of them. */
async function keepOpening({ device }: Visitor): Promise<() => Promise<object>> {
  const path = '**/pzk/vault/open';
  const kept: object[] = [];
  await device.page.route(path, async (route) => {
    const response = await route.fetch();
    kept.push(await response.json());
    await route.fulfill({ response });
  });
  return async () => {
    await expect.poll(() => kept.length, SLOW).toBeGreaterThan(0);
    await device.page.unroute(path);
    return kept[0] as object;
  };
}

/** Verifies the code while an older state of the vault is shown, which is refused. */
async function refuseOlder(user: Visitor, older: object): Promise<void> {
  const { page } = user.device;
  await page.route('**/pzk/vault/open', (route) => route.fulfill({ json: older }));
  await user.press('Verify');
  await page
    .getByRole('heading', { name: 'You are shown an older state of your vault' })
    .waitFor(SLOW);
  await user.press('No, leave it locked');
  await page.getByText('vault_rollback').waitFor(SLOW);
  await page.unroute('**/pzk/vault/open');
}

/** The words that the page shows of the vault. */
async function readWords({ device }: Visitor): Promise<readonly string[]> {
  const words = device.page.getByRole('list', { name: 'Words of the vault' });
  await words.waitFor(SLOW);
  return words.getByRole('listitem').allInnerTexts();
}

/** Takes the one device out that is not this one, with a new recovery code. */
async function removeOther(user: Visitor): Promise<void> {
  const { page } = user.device;
  await user.goTo('Devices');
  await page.getByRole('button', { name: REMOVE_DEVICE }).click();
  await user.press('Remove it');
  await typeCode(user, await readCode(user));
  await page.getByRole('heading', { name: 'It is out' }).waitFor(SLOW);
  await page.getByRole('dialog').getByText('Work').waitFor();
  await user.press('Done');
}

describe('devices in Chromium, each a context of its own', () => {
  it('joins a second device by invitation; it removes the first, whose old data opens nothing new', async () => {
    const first = await begin();
    const second = await joinSecond(first);
    await second.goTo('Vault');
    await second.press('Open the vault');
    expect(await second.reveal('Work')).toBe(KEY);

    await removeOther(second);
    await second.goTo('Vault');
    await second.addKey({ name: 'Later', value: LATER });
    const opened = second.device.page.waitForResponse('**/pzk/vault/open');
    await second.press('Lock now');
    await second.press('Open the vault');
    const later = await (await opened).json();

    // The first is signed out at once, and neither its passkey nor its memory opens anything again.
    const { page } = first.device;
    const outside = page.getByRole('heading', { name: 'Your agents, on your own keys.' });
    await outside.waitFor(SLOW);
    await first.press('Sign in');
    await page.getByText('invalid_grant').waitFor(SLOW);
    // Nor does what the platform keeps for the second, should it hand that out.
    await page.reload();
    await page.route('**/pzk/vault/open', (route) => route.fulfill({ json: later }));
    await first.press('Sign in');
    await page.getByText('vault_manifest_invalid').waitFor(SLOW);
  });

  it('says that a lost answer leaves open whether the device was let in', async () => {
    const first = await begin();
    const { page } = first.device;
    await page.route('**/pzk/vault', async (route) => {
      await route.fetch();
      await route.abort();
    });
    const second = await answerInvitation(first);
    await first.press('Yes, let it in');
    const unknown = page.getByText('Whether that has happened is not known');
    await unknown.waitFor(SLOW);
    // It has: also where nobody asks again, that is not taken away.
    await page.getByText('The invitation has ended.').waitFor(SLOW);
    expect(await unknown.isVisible()).toBe(true);
    await expectAccessible(first.device);
    await second.press('Sign in');
    await second.device.page.getByRole('heading', { name: 'Tasks' }).waitFor(SLOW);
  });

  it('asks before a link leads a browser to another vault than its own', async () => {
    const first = await begin();
    const other = await begin();
    const { page } = first.device;
    await other.goTo('Devices');
    await other.press('Add a device');
    const link = await other.device.page.getByRole('dialog').locator('code').innerText();
    const question = page.getByText('This browser opens another vault already');
    const follow = async () => {
      await page.goto('about:blank');
      await page.goto(link);
      await first.press('Make a passkey here');
    };
    await follow();
    await question.waitFor(SLOW);
    await expectAccessible(first.device);
    await first.press('No, keep my vault');
    await page.getByRole('heading', { name: 'Tasks' }).waitFor(SLOW);
    await first.goTo('Vault');
    await first.press('Open the vault');
    expect(await first.reveal('Work')).toBe(KEY);

    // It is the user's own after all: the same link, with a yes.
    await follow();
    await question.waitFor(SLOW);
    await first.press('Yes, I made this link: open that vault here');
    await page.getByText('Now look at your other device').waitFor(SLOW);
    await other.press('Yes, let it in');
    await other.device.page.getByRole('heading', { name: 'It is in' }).waitFor(SLOW);
    await first.press('Sign in');
    await page.getByRole('heading', { name: 'Tasks' }).waitFor(SLOW);
    await first.goTo('Devices');
    await first.press('Open the vault');
    const ways = page.getByRole('list', { name: 'Ways to open the vault' });
    await ways.getByRole('listitem').nth(1).waitFor(SLOW);
  });

  it('keeps what was typed where another device has changed the vault, and says what came', async () => {
    const first = await begin();
    const second = await joinSecond(first);
    const { page } = first.device;
    await first.goTo('Vault');
    await first.press('Rename Work');
    await page.getByRole('textbox', { name: 'Name' }).fill('Office');

    await second.goTo('Vault');
    await second.press('Open the vault');
    await second.addKey({ name: 'Later', value: LATER });
    await second.press('Rotate Work');
    await second.device.page.getByLabel('New key').fill(LATER);
    await second.press('Replace the key');
    await second.device.page.getByRole('dialog').waitFor({ state: 'detached' });

    await first.press('Rename');
    await page.getByText('vault_conflict').waitFor(SLOW);
    await page.getByText('Your vault is locked, and this waits for you').waitFor(SLOW);
    await expectAccessible(first.device);
    await first.press('Open it and go on');
    await page.getByText('This key was changed meanwhile.').waitFor(SLOW);
    await expectAccessible(first.device);
    await first.press('Rename');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await first.reveal('Office')).toBe(LATER);

    // And a new one, which another device has added in the same moment.
    await first.press('Add a key');
    await page.getByRole('textbox', { name: 'Name' }).fill('Third');
    await page.getByLabel('Key', { exact: true }).fill(KEY);
    await second.press('Lock now');
    await second.press('Open the vault');
    await second.addKey({ name: 'Third', value: KEY });
    await first.press('Put it into the vault');
    await page.getByText('vault_conflict').waitFor(SLOW);
    await first.press('Open it and go on');
    await page.getByText('New in the vault meanwhile: Third.').waitFor(SLOW);
    await first.press('Cancel');
    await first.row('Third').waitFor(SLOW);
  });

  it('shows devices by their names, which nobody reads but their user', async () => {
    const first = await begin();
    const second = await joinSecond(first);
    await first.row('Phone').getByText('Passkey').waitFor();
    await first.row('Chrome on Linux').getByText('This device').waitFor();
    await first.press('Rename Chrome on Linux');
    await expectAccessible(first.device);
    await first.device.page.getByRole('textbox', { name: 'Name' }).fill('Desk');
    await first.press('Rename');
    await first.row('Desk').waitFor();
    await expectAccessible(first.device);

    await second.goTo('Devices');
    await second.press('Open the vault');
    const { page } = second.device;
    const ways = page.getByRole('list', { name: 'Ways to open the vault' }).getByRole('listitem');
    await ways.filter({ hasText: 'Phone' }).getByText('This device').waitFor();
    await page.getByText(/^Can open it: Desk \(/).waitFor();
    await second.goTo('Activity');
    await page.getByText(/^Device joined: Phone \(/).waitFor(SLOW);
    await page.getByText('Changed or encrypted anew: the names of your devices').first().waitFor();
    await expectAccessible(second.device);
    const sent = JSON.stringify([first.device.requests, second.device.requests]);
    expect(sent).not.toContain('Desk');
    expect(sent).not.toContain('Phone');
  });

  it('does not offer to remove the last way to open the vault', async () => {
    const first = await begin();
    await first.goTo('Devices');
    await first.device.page.getByText('Only this device opens your vault').waitFor();
    await expect
      .poll(() => first.device.page.getByRole('button', { name: /^Remove/ }).count())
      .toBe(0);
  });

  it('makes a recovery code, refuses another one, and opens the vault with it on a new device', async () => {
    const first = await begin();
    const { page } = first.device;
    await first.goTo('Devices');
    await first.press('Make a recovery code');
    const code = await readCode(first);
    await expectAccessible(first.device);
    await first.press('I have written it down');
    await page.getByLabel('Recovery code, as you wrote it down').fill(code.replace(/.$/, '!'));
    await first.press('Verify');
    await page.getByText('recovery_code_malformed').waitFor(SLOW);
    await page.getByLabel('Recovery code, as you wrote it down').fill(code.toLowerCase());
    await first.press('Verify');
    await page.getByRole('heading', { name: 'The recovery code works' }).waitFor(SLOW);
    await first.press('Done');
    await first.row('Recovery code').waitFor();

    // A file that opens with this code alone, and is not handed out before it has.
    await first.press('Export the vault');
    await expectAccessible(first.device);
    const downloading = page.waitForEvent('download');
    await page.getByRole('dialog').getByLabel('Recovery code').fill(code.replace(/.$/, '!'));
    await first.press('Download');
    await page.getByText('recovery_code_malformed').waitFor(SLOW);
    await page.getByRole('dialog').getByLabel('Recovery code').fill(code);
    await first.press('Download');
    const file = join(example.directory, 'vault-export.json');
    await (await downloading).saveAs(file);
    const words = [cli, 'vault', 'open', file, '--json', '--reveal'];
    const opened = spawnSync(process.execPath, words, { encoding: 'utf8', input: code });
    expect(JSON.parse(opened.stdout).slots).toContainEqual(
      expect.objectContaining({ name: 'Work', value: KEY }),
    );

    const other = await visit();
    await other.device.page.goto(example.platform.origin);
    await other.press('Use a recovery code');
    await expectAccessible(other.device);
    await other.device.page.getByLabel('Recovery code').fill(code);
    await other.press('Open my vault');
    await other.device.page.getByRole('heading', { name: 'Tasks' }).waitFor(SLOW);
    await other.goTo('Vault');
    await other.press('Open the vault');
    expect(await other.reveal('Work')).toBe(KEY);
    // It knows the vault by the code alone: the user compares it with the first device, as of now.
    expect(await readWords(other)).not.toEqual(await readWords(first));
    await first.press('Show the words as of now');
    const ways = page.getByRole('list', { name: 'Ways to open the vault' });
    await ways.getByRole('listitem').nth(2).waitFor(SLOW);
    await expect.poll(() => readWords(other)).toEqual(await readWords(first));
    await expectAccessible(other.device);
    await other.press('They are the same');
    await other.device.page
      .getByText('This browser knows your vault by its passkey alone')
      .waitFor({ ...SLOW, state: 'detached' });
    expect(JSON.stringify([first.device.requests, other.device.requests])).not.toContain(code);
  });

  it('takes a device out though the answer was lost and the vault has locked itself meanwhile', async () => {
    const first = await begin();
    const { page } = first.device;
    const opened = await keepOpening(first);
    await joinSecond(first);
    const older = await opened();
    await page.getByRole('button', { name: REMOVE_DEVICE }).click();
    await first.press('Remove it');
    const code = await readCode(first);
    await page.route('**/pzk/vault', async (route) => {
      await route.fetch();
      await route.abort();
    });
    await typeCode(first, code);
    await page.getByText('Whether that has happened is not known').waitFor(SLOW);
    await page.getByRole('heading', { name: 'Your vault is locked' }).waitFor(SLOW);
    await expectAccessible(first.device);
    await page.unroute('**/pzk/vault');
    await refuseOlder(first, older);
    // The same code again, with a touch: it is the valid one.
    await first.press('Verify');
    await page.getByRole('heading', { name: 'It is out' }).waitFor(SLOW);
    await page.getByRole('dialog').getByText('Work').waitFor();
    await first.press('Done');
    await expect.poll(() => page.getByRole('button', { name: REMOVE_DEVICE }).count()).toBe(0);

    const other = await visit();
    await other.device.page.goto(example.platform.origin);
    await other.press('Use a recovery code');
    await other.device.page.getByLabel('Recovery code').fill(code);
    await other.press('Open my vault');
    await other.device.page.getByRole('heading', { name: 'Tasks' }).waitFor(SLOW);
  });

  it('says which key is lost with another recovery code, and asks', async () => {
    const first = await begin();
    await first.addKey({ name: 'Later', value: LATER });
    const { page } = first.device;
    await page.getByRole('button', { name: 'Lock now' }).click();
    await page.route('**/pzk/vault/open', async (route) => {
      const response = await route.fetch();
      const answer = await response.json();
      answer.vault.slots[2].blob = 'A'.repeat(64);
      await route.fulfill({ response, json: answer });
    });
    await first.press('Open the vault');
    await first.press('Open it without it');
    await first.goTo('Devices');
    await first.press('Make a recovery code');
    await typeCode(first, await readCode(first));
    await page.getByRole('heading', { name: 'The recovery code works' }).waitFor(SLOW);
    await first.press('Done');

    await first.press('Replace the recovery code');
    await page.getByText('1 key cannot be read, and will be lost for good').waitFor(SLOW);
    await expectAccessible(first.device);
    const next = page.getByRole('button', { name: 'I have written it down' });
    expect(await next.isDisabled()).toBe(true);
    await page.getByLabel('Let it go').check();
    await typeCode(first, await readCode(first));
    await page.getByRole('heading', { name: 'The recovery code works' }).waitFor(SLOW);
    await first.press('Done');
    await first.goTo('Vault');
    await first.row('Later').waitFor();
    await expect.poll(() => first.row('Damaged key').count()).toBe(0);
    await expect.poll(() => first.row('Work').count()).toBe(0);
  });

  it('opens the vault without a key that the platform has not kept, where the user says so', async () => {
    const first = await begin();
    await first.addKey({ name: 'Later', value: LATER });
    const { page } = first.device;
    await page.getByRole('button', { name: 'Lock now' }).click();
    await page.route('**/pzk/vault/open', async (route) => {
      const response = await route.fetch();
      const answer = await response.json();
      answer.vault.slots[2].blob = 'A'.repeat(64);
      await route.fulfill({ response, json: answer });
    });
    await first.press('Open the vault');
    const asked = page.getByRole('heading', { name: 'Not all of your vault is as you left it' });
    await asked.waitFor(SLOW);
    await expectAccessible(first.device);
    await first.press('No, leave it locked');
    await page.getByText('vault_slot_invalid').waitFor(SLOW);
    await first.press('Open the vault');
    await asked.waitFor(SLOW);
    await first.press('Open it without it');
    await first.row('Damaged key').waitFor(SLOW);
    await expectAccessible(first.device);
    expect(await first.reveal('Later')).toBe(LATER);
    await page.getByRole('button', { name: 'Delete the damaged key' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await first.row('Damaged key').waitFor({ ...SLOW, state: 'detached' });
    await page.unroute('**/pzk/vault/open');
    await page.getByRole('button', { name: 'Lock now' }).click();
    await first.press('Open the vault');
    expect(await first.reveal('Later')).toBe(LATER);
  });

  it('goes on with an older vault only where the user says that a backup was restored', async () => {
    const first = await begin();
    const { page } = first.device;
    const opened = await keepOpening(first);
    await first.press('Lock now');
    await first.press('Open the vault');
    const older = await opened();
    await first.addKey({ name: 'Later', value: LATER });
    await first.press('Lock now');
    await page.route('**/pzk/vault/open', (route) => route.fulfill({ json: older }));
    await first.press('Open the vault');
    const asked = page.getByRole('heading', { name: 'You are shown an older state of your vault' });
    await asked.waitFor(SLOW);
    await page.getByText('At least 1 change').waitFor();
    await expectAccessible(first.device);
    await first.press('No, leave it locked');
    await page.getByText('vault_rollback').waitFor(SLOW);
    await first.press('Open the vault');
    await asked.waitFor(SLOW);
    await first.press('Yes, a backup was restored');
    expect(await first.reveal('Work')).toBe(KEY);
    await expect.poll(() => first.row('Later').count()).toBe(0);
    await page.getByText('This browser knows your vault by its passkey alone').waitFor(SLOW);
    // What comes later is no surprise.
    await page.unroute('**/pzk/vault/open');
    await first.press('Lock now');
    await first.press('Open the vault');
    expect(await first.reveal('Later')).toBe(LATER);

    // Also where a recovery code opens the vault on its way.
    await first.goTo('Devices');
    await first.press('Make a recovery code');
    const code = await readCode(first);
    await page.route('**/pzk/vault', (route) => route.abort());
    await typeCode(first, code);
    await page.getByText('Whether that has happened is not known').waitFor(SLOW);
    await page.unroute('**/pzk/vault');
    await refuseOlder(first, older);
    await first.press('Verify');
    await page.getByRole('heading', { name: 'The recovery code works' }).waitFor(SLOW);
  });

  it('says on every page who came, until its user has looked', async () => {
    const first = await begin();
    const second = await joinSecond(first);
    await second.goTo('Vault');
    await second.press('Open the vault');
    const { page } = second.device;
    const unknown = page.getByText('Look at who is in your vault');
    await unknown.waitFor(SLOW);
    await second.press('I have looked');
    await unknown.waitFor({ ...SLOW, state: 'detached' });
    await first.press('Make a recovery code');
    const code = await readCode(first);
    await typeCode(first, code);
    await first.device.page.getByRole('heading', { name: 'The recovery code works' }).waitFor(SLOW);

    const changed = page.getByText('Can open it now: the recovery code');
    for (let times = 0; times < 2; times++) {
      await second.press('Lock now');
      await second.press('Open the vault');
      await changed.waitFor(SLOW);
    }
    await expectAccessible(second.device);
    await second.press('I have looked');
    await changed.waitFor({ ...SLOW, state: 'detached' });
    await second.press('Lock now');
    await second.press('Open the vault');
    await second.row('Work').waitFor(SLOW);
    await expect.poll(() => changed.count()).toBe(0);
  });

  it('asks the other device before it goes on with keys that were changed', async () => {
    const first = await begin();
    const second = await joinSecond(first);
    await second.goTo('Devices');
    await second.press('Open the vault');
    await second.press('Make a recovery code');
    const { page } = second.device;
    await typeCode(second, await readCode(second));
    await page.getByRole('heading', { name: 'The recovery code works' }).waitFor(SLOW);
    await second.press('Done');
    await second.press('Remove Recovery code');
    await second.press('Remove it');
    await typeCode(second, await readCode(second));
    await page.getByRole('heading', { name: 'It is out' }).waitFor(SLOW);
    await second.press('Done');

    await first.press('Sign out');
    await first.press('Sign in');
    const changed = first.device.page.getByRole('heading', { name: /keys of your vault/ });
    await changed.waitFor(SLOW);
    await expectAccessible(first.device);
    expect(await readWords(first)).toEqual(await readWords(second));
    await first.press('No, leave it locked');
    await first.device.page.getByText('vault_repin_required').waitFor(SLOW);
    await first.press('Sign in');
    await changed.waitFor(SLOW);
    await first.press('Yes, that was me');
    await first.device.page.getByRole('heading', { name: 'Devices' }).waitFor(SLOW);
    await first.goTo('Vault');
    await first.press('Open the vault');
    expect(await first.reveal('Work')).toBe(KEY);
  });
});
