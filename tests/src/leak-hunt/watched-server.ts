import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What the server is started with. */
export interface WatchedServerOptions {
  /** `http://localhost:port` */
  readonly issuer: string;
  /** SQLite. */
  readonly file?: string;
  /** PostgreSQL. */
  readonly url?: string;
  readonly redisPort: number;
  readonly secret: string;
  /** Where it writes down traffic and events. */
  readonly directory: string;
}

/** The server of the hunt, in a process of its own. */
export interface WatchedServer {
  readonly pid: number;
  /** What it wrote to its streams. */
  output(): { readonly stdout: string; readonly stderr: string };
  /** Writes a heap snapshot to a file. */
  snapshot(path: string): Promise<void>;
  /** Puts a text into each of its sinks. */
  plant(text: string, account: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts it. */
export async function startWatchedServer(options: WatchedServerOptions): Promise<WatchedServer> {
  const child: ChildProcess = fork(fileURLToPath(new URL('./vault-server.mjs', import.meta.url)), {
    env: { ...process.env, PZK_TEST_OPTIONS: JSON.stringify(options) },
    // Long texts whole: by default a snapshot cuts them off.
    execArgv: ['--heap-snapshot-string-limit=1000000'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('latin1').on('data', (text: string) => {
      output[stream] += text;
    });
  }
  const ended = once(child, 'exit');
  const answer = async (): Promise<unknown> => {
    const gone = ended.then(() => {
      throw new Error(`The server has ended: ${output.stderr}`);
    });
    const [message] = await Promise.race([once(child, 'message'), gone]);
    return message;
  };
  await answer();
  async function ask(task: object): Promise<void> {
    const answered = answer();
    child.send(task);
    await answered;
  }
  return {
    pid: child.pid ?? 0,
    output: () => output,
    snapshot: (path) => ask({ task: 'snapshot', path }),
    plant: (text, account) => ask({ task: 'plant', text, account }),
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
