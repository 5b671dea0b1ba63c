import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { EndReason } from '../keeper/allowance.js';
import type { Moment } from '../keeper/clocks.js';
import type { FromKeeper, KeeperTask, ToKeeper } from '../keeper/keeper-messages.js';

const MAIN = fileURLToPath(new URL('../keeper/main.js', import.meta.url));
const START_MS = 15_000;
/** A keeper that does not end when told is killed. */
const END_MS = 3_000;
/** What a program needs to run, and what an operator sets for TLS; `NODE_OPTIONS` is not among it. */
const PASSED = ['PATH', 'LANG', 'TZ', 'NODE_EXTRA_CA_CERTS'];

/** The broker's side of a keeper. */
export interface Keeper {
  readonly pid: number;
  /** base64url of 65 bytes. */
  readonly hpkeKey: string;
  /** Hands over what was sealed; `false`: it does not open or is no header's value. */
  release(message: Omit<Extract<ToKeeper, { type: 'release' }>, 'type'>): Promise<boolean>;
  /** @param askedAt - When the platform was asked. */
  confirm(askedAt: Moment): void;
  /** Ends it; resolves when the process is gone. */
  end(reason: EndReason): Promise<void>;
}

/** What a keeper says on its own. */
export interface KeeperListener {
  onUsed(uses: number, lastUsedAt: number | undefined): void;
  /** The host could not be reached, or broke off. */
  onHostFailed(code: string): void;
  /** It has overwritten the secret; calls under way break off after this. */
  onEnding(reason: EndReason): void;
  /** Once, when the process is gone. */
  onEnded(reason: EndReason): void;
}

/**
 * Starts the process that will hold one secret.
 *
 * @throws Error if it does not start.
 */
export async function startKeeper(task: KeeperTask, listener: KeeperListener): Promise<Keeper> {
  const env = Object.fromEntries(
    PASSED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  const child = fork(MAIN, [], { env, execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  let reason: EndReason = 'failed';
  let settleRelease = (_: boolean) => {};
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const ready = new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), START_MS);
    child.on('message', (message: FromKeeper) => {
      if (message.type === 'ready') {
        clearTimeout(timer);
        resolve(message.hpkeKey);
      } else if (message.type === 'used') listener.onUsed(message.uses, message.lastUsedAt);
      else if (message.type === 'host-failed') listener.onHostFailed(message.code);
      else if (message.type === 'ended') {
        ({ reason } = message);
        listener.onEnding(reason);
      } else settleRelease(message.type === 'released');
    });
    void gone.then(() => {
      clearTimeout(timer);
      settleRelease(false);
      reject(new Error('The process for the secret did not start.'));
    });
  });
  const send = (message: ToKeeper) => {
    if (child.connected) child.send(message, () => {});
  };
  send({ type: 'start', task });
  const hpkeKey = await ready;
  void gone.then(() => listener.onEnded(reason));
  return {
    pid: child.pid ?? 0,
    hpkeKey,
    release: (message) =>
      new Promise((resolve) => {
        settleRelease = resolve;
        // One that has ended in this moment settles nothing any more.
        if (child.connected) send({ type: 'release', ...message });
        else resolve(false);
      }),
    confirm: (askedAt) => send({ type: 'confirm', askedAt }),
    async end(why) {
      send({ type: 'end', reason: why });
      const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
      await gone;
      clearTimeout(timer);
    },
  };
}
