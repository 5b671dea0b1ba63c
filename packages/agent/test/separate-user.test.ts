import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { type StandInPlatform, startStandInPlatform } from './harness/stand-in-platform.js';
import {
  allowLoopback,
  type BrokerProcess,
  type BrokerSetup,
  MAIN,
  pairBroker,
  prepareBroker,
  processesOf,
  runBrokerProcess,
} from './harness/start-broker.js';
import { startUpstream, type Upstream } from './harness/upstream.js';

const SCRIPT = fileURLToPath(new URL('../systemd/run-broker.sh', import.meta.url));
const ATTACKER = fileURLToPath(new URL('./harness/attacker.mjs', import.meta.url));
/** Users that no machine has; numbers are enough. */
const BROKER = 64_001;
const AGENTS = 64_002;
const AGENT = 64_003;
const SECRET = `sk-live-canary-${'0123456789abcdef'.repeat(2)}`;

/** Root, and other users may read where these programs are. */
const canBeOthers =
  process.getuid?.() === 0 &&
  spawnSync(process.execPath, [MAIN, '--help'], { uid: AGENT, gid: AGENT }).status === 0 &&
  spawnSync('cat', [ATTACKER], { uid: AGENT, gid: AGENT }).status === 0;
const YAMA = '/proc/sys/kernel/yama/ptrace_scope';
const canTrace = !existsSync(YAMA) || readFileSync(YAMA, 'utf8').trim() === '0';

let platform: StandInPlatform;
let upstream: Upstream;
let setup: BrokerSetup;
let broker: BrokerProcess | undefined;

afterEach(async () => {
  await broker?.close();
  broker = undefined;
  await platform?.close();
  await upstream?.close();
  setup?.remove();
});

function chownAll(path: string, uid: number, gid: number) {
  chownSync(path, uid, gid);
  if (!statSync(path).isDirectory()) return;
  for (const name of readdirSync(path)) chownAll(join(path, name), uid, gid);
}

interface Finding {
  readonly found: readonly string[];
  readonly readable: readonly string[];
}

/** Searches as a user. */
function attack(uid: number, ids: readonly string[], pids?: readonly number[]): Promise<Finding> {
  const keepers = join(setup.stateDirectory, 'keepers');
  const sockets = [setup.socket, ...readdirSync(keepers).map((name) => join(keepers, name))];
  const child = spawn(process.execPath, [ATTACKER], { uid, gid: AGENTS, env: {} });
  const spared = [process.pid, process.ppid];
  const { directory } = setup;
  child.stdin.end(JSON.stringify({ needle: SECRET, directory, sockets, ids, pids, spared }));
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(output));
      else reject(new Error(`The attacker failed with ${code}.`));
    });
  });
}

/** A broker of this user with a release that was used: the secret has been through all of it. */
async function startUsed(uid: number, words: readonly string[]) {
  platform = await startStandInPlatform();
  upstream = await startUpstream();
  upstream.state.answer = (call, response) => response.end(JSON.stringify(call.headers));
  setup = prepareBroker(allowLoopback(upstream));
  const { directory, stateDirectory } = setup;
  chmodSync(directory, 0o755);
  const run = join(directory, 'run');
  mkdirSync(run, { mode: 0o750 });
  chownSync(run, uid, AGENTS);
  setup = { ...setup, socket: join(run, 'agent.sock') };
  mkdirSync(stateDirectory, { mode: 0o700 });
  await pairBroker(setup, platform);
  chownAll(stateDirectory, uid, uid);
  broker = await runBrokerProcess(setup, { uid, gid: AGENTS, words });
  expect(broker.isListening, broker.log.text).toBe(true);
  const grant = await broker.connection.request({
    ...{ slot: platform.addSecret(SECRET), purpose: 'Tests', host: upstream.host },
    ...{ methods: ['GET'], uses: 100, ttl: 600 },
  });
  await platform.approve(grant.id);
  await grant.approved();
  const answer = await grant.fetch(`${upstream.url}/echo`);
  expect(await answer.text()).not.toContain(SECRET);
  expect(upstream.seen[0]?.headers.authorization).toBe(`Bearer ${SECRET}`);
  return { id: grant.id, pids: processesOf(broker.pid), log: broker.log };
}

describe('a broker with a user of its own (needs root, to start programs as other users)', () => {
  it.runIf(canBeOthers)(
    '[V14] shows the secret nowhere to the user of the agent, who may use it',
    async () => {
      const { id, pids, log } = await startUsed(BROKER, []);
      expect(pids).toHaveLength(2);
      expect(log.text).not.toContain('development form');
      const { found, readable } = await attack(AGENT, [id]);
      expect(found).toEqual([]);
      // It did get through to the socket, and to nothing else of the broker.
      expect(readable).toContain(`${setup.socket} GET /grants/${id}/forward/echo`);
      const ofBroker = pids.map((pid) => `/proc/${pid}/`);
      const read = readable.filter((path) => ofBroker.some((one) => path.startsWith(one)));
      expect(read.filter((path) => !path.endsWith('/cmdline'))).toEqual([]);
      expect(readable.filter((path) => path.startsWith(setup.stateDirectory))).toEqual([]);
      // Everybody may read arguments: there is nothing in them.
      const titles = pids.map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
      expect(titles.map((title) => title.replaceAll('\0', ''))).toEqual([
        'pzk-broker',
        'pzk-keeper',
      ]);
      expect(log.text).not.toContain(SECRET);
      // No core file will ever hold it.
      for (const pid of pids) {
        const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
        expect(limits).toMatch(/^Max core file size\s+0\s/m);
        expect(readFileSync(`/proc/${pid}/coredump_filter`, 'utf8').trim()).toMatch(/^0+$/);
      }
    },
  );

  it.runIf(canBeOthers)('[V14] lets nobody but the group of the agent use the socket', async () => {
    const { id } = await startUsed(BROKER, []);
    const other = spawn(process.execPath, [ATTACKER], { uid: AGENT, gid: AGENT, env: {} });
    const { directory, socket } = setup;
    const task = { needle: SECRET, directory, sockets: [socket], ids: [id], pids: [], spared: [] };
    other.stdin.end(JSON.stringify(task));
    let output = '';
    other.stdout.on('data', (chunk) => {
      output += chunk;
    });
    await new Promise((resolve) => other.once('close', resolve));
    const { found, readable } = JSON.parse(output) as Finding;
    expect(found).toEqual([]);
    expect(readable.filter((path) => path.includes('agent.sock'))).toEqual([]);
  });

  it.runIf(canBeOthers)(
    '[V14] honest: the same search as root finds it in one process',
    async () => {
      const { id, pids } = await startUsed(BROKER, []);
      const { found } = await attack(0, [id], pids);
      expect(found).toEqual([`/proc/${pids[1]}/mem`]);
    },
  );

  it.runIf(canBeOthers)('leaves nothing in memory when the release is over', async () => {
    const { id, pids } = await startUsed(BROKER, []);
    await (await broker?.connection.grant(id))?.end();
    await expect.poll(() => existsSync(`/proc/${pids[1]}`)).toBe(false);
    const { found } = await attack(0, [id], pids);
    expect(found).toEqual([]);
  });

  it.runIf(canBeOthers)('starts as another user by its script, without privileges', async () => {
    setup = prepareBroker({});
    chmodSync(setup.directory, 0o755);
    const program = join(setup.directory, 'pzk-broker');
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, {
      mode: 0o755,
    });
    const run = join(setup.directory, 'run');
    const child = spawn('sh', [SCRIPT, '--config', setup.config], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...{ PATH: process.env.PATH, SECRET_OF_ROOT: SECRET },
        ...{ PZK_BROKER_USER: 'nobody', PZK_AGENT_GROUP: 'daemon', PZK_BROKER_RUN: run },
        ...{ PZK_BROKER_STATE: setup.stateDirectory, PZK_BROKER_PROGRAM: program },
      },
    });
    let log = '';
    await new Promise<void>((resolve) => {
      child.stderr.on('data', (chunk) => {
        log += chunk;
        if (log.includes('"event":"started"')) resolve();
      });
      child.once('close', () => resolve());
    });
    try {
      expect(log).toContain('"event":"started"');
      const nobody = spawnSync('id', ['-u', 'nobody'], { encoding: 'utf8' }).stdout.trim();
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      expect(status).toMatch(new RegExp(`^Uid:\\s+${nobody}\\s+${nobody}\\s+${nobody}\\s`, 'm'));
      expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
      expect(status).toMatch(/^CapEff:\s+0+$/m);
      expect(readFileSync(`/proc/${child.pid}/environ`, 'utf8')).not.toContain(SECRET);
      expect(statSync(join(run, 'agent.sock')).mode & 0o777).toBe(0o660);
      expect(statSync(run).mode & 0o777).toBe(0o750);
    } finally {
      child.kill('SIGTERM');
      await new Promise((resolve) => child.once('close', resolve));
    }
  });

  it.runIf(canBeOthers)(
    '[V14] refuses a directory that its group, the agents, can write',
    async () => {
      setup = prepareBroker({});
      const { directory, stateDirectory } = setup;
      chmodSync(directory, 0o755);
      mkdirSync(stateDirectory, { mode: 0o700 });
      chownSync(stateDirectory, BROKER, AGENTS);
      const run = join(directory, 'run');
      mkdirSync(run);
      chownSync(run, BROKER, AGENTS);
      chmodSync(run, 0o770);
      const at = { ...setup, socket: join(run, 'agent.sock') };
      const refused = await runBrokerProcess(at, { words: [], uid: BROKER, gid: AGENTS });
      expect([refused.isListening, refused.log.text]).toEqual([
        false,
        expect.stringContaining(`Others may write in ${run}`),
      ]);
    },
  );

  it.runIf(canBeOthers)('does not run as root', async () => {
    setup = prepareBroker({});
    const refused = await runBrokerProcess(setup, { words: [] });
    broker = undefined;
    expect(refused.isListening).toBe(false);
    expect(refused.log.text).toContain('does not run as root');
  });
});

describe('the development form (needs root; and a kernel where a user may read own processes)', () => {
  it.runIf(canBeOthers && canTrace)(
    'keeps the secret from files, arguments and environment, and not from memory',
    async () => {
      const { id, pids } = await startUsed(AGENT, ['--development']);
      const { found } = await attack(AGENT, [id], pids);
      // What the README says that this form does not protect.
      expect(found).toEqual([`/proc/${pids[1]}/mem`]);
    },
  );
});
