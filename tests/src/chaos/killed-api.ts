import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Where an API keeps what lasts. */
export type Place = { readonly file: string } | { readonly url: string };

/** An API in a process of its own, which can be killed at any moment. */
export interface KilledApi {
  /** Resolves when the API listens; at once while it does. */
  up(): Promise<void>;
  /** Ends the process at once (SIGKILL) and starts another one. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts an API under an issuer `http://localhost:port`. */
export async function startKilledApi(
  options: Place & { readonly issuer: string; readonly secret: string },
): Promise<KilledApi> {
  const path = fileURLToPath(new URL('./api-process.mjs', import.meta.url));
  function launch(): { readonly child: ChildProcess; readonly listening: Promise<void> } {
    const started = fork(path, {
      env: { ...process.env, PZK_TEST_OPTIONS: JSON.stringify(options) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const listening = new Promise<void>((resolve, reject) => {
      started.once('message', () => resolve());
      started.once('exit', (code) => reject(new Error(`The API ended with ${code}.`)));
    });
    // Whoever waits sees it; after the start nobody does.
    listening.catch(() => {});
    return { child: started, listening };
  }

  let { child, listening } = launch();
  await listening;

  async function end(): Promise<void> {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  return {
    up: () => listening,
    kill: async () => {
      // From now on `up` waits for the next one.
      listening = end().then(() => {
        const next = launch();
        child = next.child;
        return next.listening;
      });
      await listening;
    },
    stop: end,
  };
}
