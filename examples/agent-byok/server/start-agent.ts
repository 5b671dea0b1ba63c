import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../agent/main.js', import.meta.url));

/** Options of {@link startAgent}. */
export interface StartAgentOptions {
  /** Keeps what the broker of the development form keeps. */
  readonly directory: string;
  /** Of the platform, and how the agent shows who it is. */
  readonly origin: string;
  readonly token: string;
  /** Host of the Messages API, with `:port` unless 443. */
  readonly upstream: string;
  /** Certificate of an upstream on this machine; without it the usual authorities count. */
  readonly caFile?: string;
  /** Socket of a broker that runs as another user. Default: one is started as a child. */
  readonly brokerSocket?: string;
}

/** An agent process that runs. */
export interface RunningAgent {
  readonly pid: number;
  close(): Promise<void>;
}

/** What a broker has to know of the upstream: the header for the key, and where it may be. */
function writeBrokerConfig({ directory, upstream, caFile }: StartAgentOptions): string {
  const file = join(directory, 'broker.json');
  const config = {
    hosts: {
      [upstream]: {
        header: { name: 'x-api-key' },
        // A stand-in is on this machine, which a broker refuses unless told.
        ...(caFile === undefined ? {} : { addresses: ['127.0.0.1', '::1'] }),
      },
    },
    ...(caFile === undefined ? {} : { caFile }),
  };
  writeFileSync(file, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
  return file;
}

/** Starts the agent as a process of its own. */
export async function startAgent(options: StartAgentOptions): Promise<RunningAgent> {
  const { directory, origin, token, upstream, brokerSocket } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const child: ChildProcess = fork(MAIN, [], {
    execArgv: [],
    env: {
      ...process.env,
      PLATFORM_ORIGIN: origin,
      PLATFORM_TOKEN: token,
      UPSTREAM_HOST: upstream,
      BROKER_DIRECTORY: directory,
      BROKER_CONFIG: writeBrokerConfig(options),
      ...(brokerSocket === undefined ? {} : { BROKER_SOCKET: brokerSocket }),
    },
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await Promise.race([
    new Promise<void>((resolve) => child.once('message', () => resolve())),
    gone.then(() => {
      throw new Error('The agent did not start: see above.');
    }),
  ]);
  return {
    pid: child.pid ?? 0,
    async close() {
      child.kill('SIGTERM');
      await gone;
    },
  };
}
