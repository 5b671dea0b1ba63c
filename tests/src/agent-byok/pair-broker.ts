import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BROKER = fileURLToPath(new URL('broker/main.js', import.meta.resolve('@pzk-auth/agent')));

/** A `pzk-broker pair` that runs. */
export interface BrokerPairing {
  /** The four words that it shows. */
  words(): Promise<readonly string[]>;
  /** Answers its question, and gives its exit code. */
  answer(yes: boolean): Promise<number | null>;
}

/** Types the code of a pairing in at the broker, as a user does in a terminal. */
export function pairBroker(options: {
  readonly state: string;
  readonly issuer: string;
  readonly code: string;
  readonly name: string;
  /** The vault got new keys since the last pairing. */
  readonly replaces?: boolean;
  /** A broker with a user of its own, and its socket. Default: the development form. */
  readonly as?: { readonly uid: number; readonly gid: number; readonly socket: string };
}): BrokerPairing {
  const { state, issuer, code, name, replaces = false, as } = options;
  const form = as === undefined ? ['--development'] : ['--socket', as.socket];
  const words = [
    'pair',
    ...form,
    '--state',
    state,
    '--issuer',
    issuer,
    ...(replaces ? ['--replace'] : []),
  ];
  const child: ChildProcess = spawn(
    process.execPath,
    [BROKER, ...words, '--name', name, '--code', code],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      ...(as === undefined ? {} : { uid: as.uid, gid: as.gid }),
    },
  );
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return {
    async words() {
      for (;;) {
        const found = /^ {4}([a-z]+(?: {2}[a-z]+){3})$/m.exec(output)?.[1];
        if (found !== undefined) return found.split('  ');
        if (child.exitCode !== null) throw new Error(`The broker has ended: ${output}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    answer(yes) {
      child.stdin?.end(yes ? 'y\n' : 'n\n');
      return gone;
    },
  };
}
