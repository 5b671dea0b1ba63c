import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Where an API keeps what lasts. */
export type Place = { readonly file: string } | { readonly url: string };

/** A moment of a request. */
export type Moment =
  /** It has arrived, and nothing was done. */
  | 'arrival'
  /** Its first write is on its way, and not known to have happened; without a write as `answer`. */
  | 'write'
  /** All is done, and the answer not sent. */
  | 'answer'
  /** Before this statement, counted from 1. */
  | { readonly statement: number }
  /** Milliseconds after it arrived, wherever it is by then. */
  | { readonly after: number };

/** An API in a process of its own, which can be killed at any moment. */
export interface KilledApi {
  /** Resolves when the API listens; at once while it does. */
  up(): Promise<void>;
  /** Ends the process at once (SIGKILL) and starts another one. */
  kill(): Promise<void>;
  /** Has the process end (SIGKILL) at a moment of the next request to a path. */
  killAt(path: string, at: Moment): Promise<void>;
  /**
   * Starts another process where `killAt` has ended it; a moment that has not come comes no more.
   *
   * @returns Whether it was ended.
   */
  revive(): Promise<boolean>;
  stop(): Promise<void>;
}

/** Starts an API under an issuer `http://localhost:port`. */
export async function startKilledApi(
  options: Place & { readonly issuer: string; readonly secret: string },
): Promise<KilledApi> {
  const path = fileURLToPath(new URL('./api-process.mjs', import.meta.url));
  function launch() {
    const started = fork(path, {
      env: { ...process.env, PZK_TEST_OPTIONS: JSON.stringify(options) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const ended = once(started, 'exit');
    const listening = new Promise<void>((resolve, reject) => {
      started.once('message', () => resolve());
      started.once('exit', (code) => reject(new Error(`The API ended with ${code}.`)));
    });
    // Whoever waits sees it; after the start nobody does.
    listening.catch(() => {});
    return { child: started, ended, listening };
  }

  let { child, ended, listening } = launch();
  /** What is to end the process from outside. */
  let killing: Promise<void> | undefined;
  await listening;

  async function end(): Promise<void> {
    child.kill('SIGKILL');
    await ended;
  }

  async function kill(): Promise<void> {
    // From now on `up` waits for the next one.
    listening = end().then(() => {
      const next = launch();
      ({ child, ended } = next);
      return next.listening;
    });
    await listening;
  }

  /** Tells the process something; `false` where it is not there any more. */
  async function tell(message: object): Promise<boolean> {
    const told = child;
    const heard = new Promise<boolean>((resolve) => {
      told.on('message', (answer) => {
        if (answer === 'heard') resolve(true);
      });
    });
    // An error where it has ended meanwhile: `ended` says so, too.
    if (told.connected) told.send(message, () => {});
    return Promise.race([heard, ended.then(() => false)]);
  }

  return {
    up: () => listening,
    kill,
    async killAt(requestPath, at) {
      await tell({ path: requestPath, at });
      if (typeof at !== 'object' || !('after' in at)) return;
      const watched = child;
      watched.once('message', (message) => {
        if (message !== 'arrived') return;
        killing = sleep(at.after).then(() => {
          watched.kill('SIGKILL');
        });
      });
    },
    async revive() {
      // What it has said before, that a request has arrived, is heard by then.
      const isAlive = await tell({});
      if (isAlive && killing === undefined) return false;
      await killing;
      killing = undefined;
      await kill();
      return true;
    },
    stop: end,
  };
}
