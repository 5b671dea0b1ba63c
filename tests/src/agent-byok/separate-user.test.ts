import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmod, chown, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Device, launchChromium, openDevice } from '../browser/browser.js';
import { pairBroker } from './pair-broker.js';
import { createVisitor } from './visitor.js';

const EXAMPLE = fileURLToPath(
  new URL('main.js', import.meta.resolve('@pzk-auth/example-agent-byok')),
);
const AGENT_PACKAGE = new URL('../', import.meta.resolve('@pzk-auth/agent'));
const BROKER = fileURLToPath(new URL('dist/broker/main.js', AGENT_PACKAGE));
const SCRIPT = fileURLToPath(new URL('systemd/run-broker.sh', AGENT_PACKAGE));
/** Users that no machine has; numbers are enough. */
const [BROKER_USER, AGENTS, AGENT_USER] = [64_011, 64_012, 64_013];
const SLOW = { timeout: 60_000 };

/** Root, and other users may read where these programs are. */
const canBeOthers =
  process.getuid?.() === 0 &&
  spawnSync(process.execPath, [BROKER, '--help'], { uid: AGENT_USER, gid: AGENTS }).status === 0;

/** A program and what it has written. */
interface Program {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** The first group of a match, as soon as it was written. */
  find(pattern: RegExp): Promise<string>;
  close(): Promise<void>;
}

function start(command: string, words: readonly string[], options: object): Program {
  const child = spawn(command, [...words], { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    child,
    output: () => text,
    async find(pattern) {
      for (;;) {
        const found = pattern.exec(text)?.[1];
        if (found !== undefined) return found;
        if (child.exitCode !== null) throw new Error(`It has ended: ${text}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async close() {
      child.kill('SIGTERM');
      await gone;
    },
  };
}

let browser: Browser;
let device: Device;
let directory: string;
const programs: Program[] = [];

beforeAll(async () => {
  if (canBeOthers) browser = await launchChromium();
});
afterAll(() => browser?.close());
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pzk-byok-'));
  await chmod(directory, 0o755);
});
afterEach(async () => {
  await device?.close();
  for (const program of programs.splice(0)) await program.close();
  await rm(directory, { recursive: true, force: true });
});

describe('the agent platform with a broker of another user, in Chromium (needs root)', () => {
  it.runIf(canBeOthers)('goes from pairing to the streamed answer', async () => {
    const run = join(directory, 'run');
    const state = join(directory, 'state');
    const socket = join(run, 'agent.sock');
    const data = join(directory, 'data');
    await mkdir(data, { mode: 0o700 });
    await chown(data, AGENT_USER, AGENTS);

    // The platform with its agent, as the agent's user.
    const platform = start(process.execPath, [EXAMPLE], {
      ...{ uid: AGENT_USER, gid: AGENTS, cwd: data },
      env: {
        ...{ PATH: process.env.PATH, DATA: data, PORT: '0', VENDOR_PORT: '0' },
        BROKER_SOCKET: socket,
      },
    });
    programs.push(platform);
    const origin = await platform.find(/^ {2}Open +(\S+)$/m);
    const upstream = await platform.find(/^ {2}Upstream +https:\/\/(\S+)$/m);
    const key = await platform.find(/^ {2}Its key +(\S+)$/m);

    // What root writes for the broker; the agent's user could not.
    const caFile = join(directory, 'stand-in.pem');
    await copyFile(join(data, 'vendor', 'vendor-cert.pem'), caFile);
    await chmod(caFile, 0o644);
    const config = join(directory, 'config.json');
    const hosts = {
      [upstream]: { header: { name: 'x-api-key' }, addresses: ['127.0.0.1', '::1'] },
    };
    await writeFile(config, JSON.stringify({ hosts, caFile }), { mode: 0o644 });
    const program = join(directory, 'pzk-broker');
    await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${BROKER}' "$@"\n`, {
      mode: 0o755,
    });
    const broker = start('sh', [SCRIPT, '--config', config], {
      env: {
        ...{ PATH: process.env.PATH, PZK_BROKER_PROGRAM: program },
        ...{ PZK_BROKER_USER: String(BROKER_USER), PZK_AGENT_GROUP: String(AGENTS) },
        ...{ PZK_BROKER_RUN: run, PZK_BROKER_STATE: state },
      },
    });
    programs.push(broker);
    await broker.find(/("event":"started")/);

    device = await openDevice(browser);
    const user = createVisitor(device, origin);
    const dialog = device.page.getByRole('dialog');
    await user.signUp();
    await user.goTo('Vault');
    await user.press('Open the vault');
    await user.addKey({ name: 'Work', value: key });
    await user.goTo('Agents');
    await user.press('Pair an agent');
    const command = await dialog.locator('code').innerText();
    expect(command).toContain('sudo -u pzk-broker pzk-broker pair');
    const pairing = pairBroker({
      ...{ state, issuer: origin, code: command.split(' ').at(-1) ?? '', name: 'Errand agent' },
      as: { uid: BROKER_USER, gid: AGENTS, socket },
    });
    await device.page.getByRole('heading', { name: 'Are these the words?' }).waitFor(SLOW);
    expect(await pairing.words()).toEqual(await dialog.getByRole('listitem').allInnerTexts());
    await user.press('They are the same');
    await dialog.getByText('It is paired.').waitFor(SLOW);
    expect(await pairing.answer(true)).toBe(0);
    await user.press('Close');

    await user.goTo('Tasks');
    await device.page.getByLabel('What should the agent do?').fill('Plan the garden');
    await user.press('Hand it over');
    await user.goTo('Approvals');
    const asks = device.page.getByRole('heading', { name: 'Errand agent asks for Work' });
    await asks.waitFor(SLOW);
    await user.press('Approve with the passkey');
    await device.page.getByRole('heading', { name: 'Nothing waits for you' }).waitFor(SLOW);
    await user.goTo('Tasks');
    const task = device.page.getByRole('article', { name: 'Plan the garden', exact: true });
    await task.getByText('Done').waitFor(SLOW);
    expect(await task.innerText()).toContain('You asked: “Plan the garden”');

    // Who is who, and what each has told.
    const userOf = async ({ child }: Program) =>
      /^Uid:\s+(\d+)/m.exec(await readFile(`/proc/${child.pid}/status`, 'utf8'))?.[1];
    expect([await userOf(platform), await userOf(broker)]).toEqual([
      String(AGENT_USER),
      String(BROKER_USER),
    ]);
    expect(platform.output()).not.toContain('can read the secrets');
    expect(broker.output()).not.toContain(key);
  });
});
