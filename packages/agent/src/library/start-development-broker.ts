import { fork } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PzkError } from '@pzk-auth/protocol';
import { type BrokerConnection, connectBroker } from './connect-broker.js';

const MAIN = fileURLToPath(new URL('../broker/main.js', import.meta.url));

/** Options of {@link startDevelopmentBroker}. */
export interface DevelopmentBrokerOptions {
  /** Where keys, pairings and the socket are kept; made with mode 0700 where it is missing. */
  readonly directory: string;
  /** A configuration file, as for the broker proper. */
  readonly config?: string;
  /** Runs also under `NODE_ENV=production`. Default `false`. */
  readonly allowSameUserInProduction?: boolean;
}

/** A broker that this program has started. */
export interface DevelopmentBroker {
  readonly socket: string;
  readonly pid: number;
  readonly connection: BrokerConnection;
  /** Ends it, and all grants. */
  close(): Promise<void>;
}

/**
 * Starts a broker as a child of this program, for development. It has this program's user and so keeps
 * nothing from it: a guard against accidents (secrets in logs, in a prompt, in a model's context), no
 * wall. It says so on stderr.
 *
 * @throws PzkError `broker_unavailable` under `NODE_ENV=production`, or if it does not start.
 */
export async function startDevelopmentBroker(
  options: DevelopmentBrokerOptions,
): Promise<DevelopmentBroker> {
  const { directory, config, allowSameUserInProduction = false } = options;
  if (process.env.NODE_ENV === 'production' && !allowSameUserInProduction) {
    throw new PzkError('broker_unavailable', 'A broker of the same user is for development.', {
      hint: 'Run pzk-broker as a user of its own. Or say allowSameUserInProduction: then everything that runs as this user can read the secrets.',
    });
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const socket = join(directory, 'agent.sock');
  const words = ['run', '--development', '--socket', socket, '--state', join(directory, 'state')];
  if (config !== undefined) words.push('--config', config);
  const child = fork(MAIN, words, { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const real = await new Promise<string>((resolve, reject) => {
    child.once('message', (message: { readonly socket: string }) => resolve(message.socket));
    void gone.then(() =>
      reject(new PzkError('broker_unavailable', 'The broker did not start: see its stderr.')),
    );
  });
  // The program may end without closing it: the broker notices.
  child.unref();
  child.channel?.unref();
  const connection = connectBroker({ socket: real, allowSameUserInProduction });
  return {
    socket: real,
    pid: child.pid ?? 0,
    connection,
    async close() {
      connection.close();
      child.ref();
      child.kill('SIGTERM');
      await gone;
    },
  };
}
