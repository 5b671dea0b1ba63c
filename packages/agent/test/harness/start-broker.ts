import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pair } from '../../src/broker/pair.js';
import { createPairingStore } from '../../src/broker/pairing-store.js';
import { connectBroker } from '../../src/index.js';
import type { StandInPlatform, Tampering } from './stand-in-platform.js';
import { CA_FILE, type Upstream } from './upstream.js';

export const MAIN = fileURLToPath(new URL('../../dist/broker/main.js', import.meta.url));

export interface BrokerSetup {
  readonly directory: string;
  readonly stateDirectory: string;
  readonly socket: string;
  readonly config: string;
  remove(): void;
}

/** Directories and configuration for a broker; hosts of tests live at loopback. */
export function prepareBroker(hosts: object, more: object = {}): BrokerSetup {
  const directory = mkdtempSync(join(tmpdir(), 'pzk-agent-'));
  const config = join(directory, 'config.json');
  const caFile = join(directory, 'ca.pem');
  // Whatever the umask: a broker takes no file that others may write.
  const mode = 0o644;
  writeFileSync(caFile, readFileSync(CA_FILE), { mode });
  writeFileSync(config, JSON.stringify({ hosts, caFile, ...more }), { mode });
  return {
    directory,
    stateDirectory: join(directory, 'state'),
    socket: join(directory, 'agent.sock'),
    config,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Loopback allowed for this upstream. */
export const allowLoopback = (upstream: Upstream, more: object = {}) => ({
  [upstream.host]: { addresses: ['127.0.0.1', '::1'], ...more },
});

/** Starts the built program and waits until it listens. */
export async function runBrokerProcess(
  setup: BrokerSetup,
  options: {
    readonly words?: readonly string[];
    readonly uid?: number;
    readonly gid?: number;
    readonly env?: NodeJS.ProcessEnv;
    /** Of Node. */
    readonly nodeWords?: readonly string[];
  } = {},
) {
  const { words = ['--development'], uid, gid, env = {}, nodeWords = [] } = options;
  const { socket, stateDirectory, config } = setup;
  const child: ChildProcess = spawn(
    process.execPath,
    [
      ...nodeWords,
      MAIN,
      'run',
      '--socket',
      socket,
      '--state',
      stateDirectory,
      '--config',
      config,
      ...words,
    ],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    },
  );
  const log = { text: '' };
  const exited = new Promise<number | null>((resolve) => {
    child.once('close', (code) => resolve(code));
  });
  const isListening = await new Promise<boolean>((resolve) => {
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      log.text += chunk;
      if (log.text.includes('"event":"started"')) resolve(true);
    });
    void exited.then(() => resolve(false));
  });
  const connection = connectBroker({ socket });
  return {
    pid: child.pid ?? 0,
    isListening,
    log,
    exited,
    connection,
    async close() {
      connection.close();
      child.kill('SIGTERM');
      return exited;
    },
    kill: () => child.kill('SIGKILL'),
  };
}

export type BrokerProcess = Awaited<ReturnType<typeof runBrokerProcess>>;

/** The broker and its keepers. */
export function processesOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return [pid, ...children.trim().split(/\s+/).filter(Boolean).map(Number)];
}

/** Pairs as a user does who compares the words. */
export async function pairBroker(
  setup: Pick<BrokerSetup, 'stateDirectory'>,
  platform: StandInPlatform,
  { replaces, ...tampering }: Tampering & { readonly replaces?: boolean } = {},
) {
  const store = createPairingStore(setup.stateDirectory, undefined);
  const { code, words: shown } = platform.startPairing(tampering);
  return pair({
    issuer: platform.issuer,
    code,
    name: 'Test agent',
    ...(replaces === undefined ? {} : { replaces }),
    store,
    confirm: async (words) => {
      const other = await shown.catch(() => []);
      return words.length === 4 && words.join(' ') === other.join(' ');
    },
  });
}
