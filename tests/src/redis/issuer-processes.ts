import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { VerifierEvent } from '@pzk-auth/verifier';
import type { TestIssuer } from '../../../packages/verifier/test/harness/issuer.js';

/** One of several processes that are one issuer together. */
export interface IssuerProcess {
  readonly events: VerifierEvent[];
  /** Speaks to this process only; the wire client takes it for an issuer. */
  readonly issuer: TestIssuer;
  command<T>(command: string, argument?: unknown): Promise<T>;
  stop(): Promise<void>;
}

/** What all processes of an issuer share. */
export interface IssuerProcessOptions {
  readonly issuer: string;
  readonly redisPort: number;
  readonly secret: string;
}

type Message =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'event'; readonly event: VerifierEvent }
  | { readonly type: 'answer'; readonly id: number; readonly result?: unknown; error?: string };

function toIssuer(options: IssuerProcessOptions, port: number, events: VerifierEvent[]) {
  const baseUrl = `${options.issuer}/pzk`;
  const verifier = {
    issuer: options.issuer,
    baseUrl,
    // The public URL stays in the proofs; the connection goes to this process.
    handle: (request: Request) =>
      fetch(new Request(request.url.replace(options.issuer, `http://127.0.0.1:${port}`), request)),
  };
  return { verifier, events, offset: 0, now: () => Date.now() } as unknown as TestIssuer;
}

/** Starts a process. */
export async function startIssuerProcess(options: IssuerProcessOptions): Promise<IssuerProcess> {
  const path = fileURLToPath(new URL('./issuer-process.mjs', import.meta.url));
  const child: ChildProcess = fork(path, {
    env: { ...process.env, PZK_TEST_OPTIONS: JSON.stringify(options) },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const events: VerifierEvent[] = [];
  const waiting = new Map<number, (message: Message & { type: 'answer' }) => void>();
  let next = 0;
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`The issuer ended with ${code}.`)));
    child.on('message', (message: Message) => {
      if (message.type === 'listening') resolve(message.port);
      else if (message.type === 'event') events.push(message.event);
      else waiting.get(message.id)?.(message);
    });
  });
  return {
    events,
    issuer: toIssuer(options, port, events),
    command: <T>(command: string, argument: unknown = {}) =>
      new Promise<T>((resolve, reject) => {
        const id = next++;
        waiting.set(id, ({ result, error }) => {
          if (error === undefined) resolve(result as T);
          else reject(new Error(error));
        });
        child.send({ id, command, argument });
      }),
    stop: () =>
      new Promise<void>((resolve) => {
        child.once('exit', () => resolve());
        child.disconnect();
      }),
  };
}
