#!/usr/bin/env node
import '../keeper/no-inspector.js';
import { hostname } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { isPzkError } from '@pzk-auth/protocol';
import type { BrokerStatus } from '../api/local-api.js';
import { showsMemory } from '../keeper/no-inspector.js';
import { createUnixClient } from '../library/unix-request.js';
import { type BrokerConfig, loadBrokerConfig } from './broker-config.js';
import { logToStderr } from './log.js';
import { pair } from './pair.js';
import { assertOwnUser, DEVELOPMENT_NOTICE, openPairingStore, runBroker } from './run-broker.js';

const HELP = `pzk-broker: uses secrets of a vault for an agent, without showing them to it.

  pzk-broker run                        serves the agent at a Unix socket
  pzk-broker pair --issuer URL --code CODE
                                        pairs with a vault; the browser shows the code
  pzk-broker pairings                   lists the vaults that it is paired with
  pzk-broker unpair --vault ID          forgets one

  --config FILE    default /etc/pzk-broker/config.json
  --socket PATH    default /run/pzk-broker/agent.sock
  --state DIR      keys and pairings; default /var/lib/pzk-broker
  --group GROUP    who may use the socket; default: the broker's own group
  --name NAME      with pair: what the user sees; default: the name of this machine
  --replace        with pair: the vault got another identity key, as when a device is removed
  --base-url URL   with pair: of the platform's endpoints; default: the issuer and /pzk
  --development    broker and agent are one user: protects nothing
`;

const OPTIONS = {
  config: { type: 'string' },
  socket: { type: 'string' },
  state: { type: 'string' },
  group: { type: 'string' },
  development: { type: 'boolean' },
  issuer: { type: 'string' },
  code: { type: 'string' },
  name: { type: 'string' },
  'base-url': { type: 'string' },
  replace: { type: 'boolean' },
  vault: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

const { stdout, stderr } = process;

async function ask(words: readonly string[]): Promise<boolean | undefined> {
  stdout.write(`\n    ${words.join('  ')}\n\n`);
  const lines = createInterface({ input: process.stdin, output: stdout });
  // Without an answer, as with Ctrl-D, the question stays open for ever.
  const closed = new Promise<undefined>((resolve) => {
    lines.once('close', () => resolve(undefined));
  });
  try {
    const question = lines.question('Does the browser show the same four words? [y/N] ');
    const answer = await Promise.race([question, closed]);
    return answer === undefined ? undefined : /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}

/** A broker with other settings would not use what was paired, and say nothing of why. */
async function tellWhetherUsed(config: BrokerConfig, vaultId: string): Promise<number> {
  const client = createUnixClient(config.socket);
  try {
    const { vaults } = (await client.call('GET', '/status')) as BrokerStatus;
    const mine = vaults.find(({ vault }) => vault === vaultId);
    if (mine?.hasKey) return 0;
    const what = mine === undefined ? 'state directory (--state)' : 'signing key (credential)';
    stderr.write(`The broker at ${config.socket} has another ${what}: pair with the same.\n`);
    return 1;
  } catch {
    stdout.write(`No broker runs at ${config.socket} now.\n`);
    return 0;
  } finally {
    client.close();
  }
}

/** @returns The exit code; `undefined` where the program goes on. */
async function main(words: readonly string[]): Promise<number | undefined> {
  const { values, positionals } = parseArgs({
    args: [...words],
    options: OPTIONS,
    allowPositionals: true,
  });
  const [command, ...rest] = positionals;
  if (values.help || command === undefined || rest.length > 0) {
    stdout.write(HELP);
    return values.help ? 0 : 2;
  }
  const config = loadBrokerConfig(values);
  if (!config.isDevelopment && showsMemory()) {
    throw new TypeError(
      'Node was told to show memory (inspector, heap snapshots, ...): not with secrets in it.',
    );
  }
  assertOwnUser(config);
  switch (command) {
    case 'run': {
      if (config.isDevelopment) stderr.write(`${DEVELOPMENT_NOTICE}\n`);
      const broker = await runBroker(config, logToStderr);
      const stop = () => void broker.close().finally(() => process.exit(0));
      process.once('SIGTERM', stop);
      process.once('SIGINT', stop);
      // The development form ends with the program that started it.
      if (process.send !== undefined) process.once('disconnect', stop);
      process.send?.({ type: 'listening', socket: broker.socket });
      return undefined;
    }
    case 'pair': {
      const { issuer, code, name = hostname(), 'base-url': baseUrl, replace: replaces } = values;
      if (issuer === undefined || code === undefined) {
        stderr.write('pzk-broker pair --issuer URL --code CODE\n');
        return 2;
      }
      const store = openPairingStore(config);
      stdout.write('Waiting for the browser...\n');
      const pairing = await pair({
        ...{ issuer, baseUrl, code, name, store, confirm: ask },
        ...(replaces === undefined ? {} : { replaces }),
      });
      stdout.write(
        `Paired with vault ${pairing.vaultId} of ${pairing.issuer}, once the browser has confirmed. ` +
          `If somebody says no there: pzk-broker unpair --vault ${pairing.vaultId}\n`,
      );
      // In development the default socket may be that of another broker.
      if (config.isDevelopment && values.socket === undefined) return 0;
      return tellWhetherUsed(config, pairing.vaultId);
    }
    case 'pairings': {
      const store = openPairingStore(config);
      for (const one of store.list()) {
        const state = one.stopped ? '  stopped: pair anew' : '';
        stdout.write(`${one.vaultId}  ${one.issuer}  ${one.name}${state}\n`);
      }
      for (const vault of store.listDamaged()) stdout.write(`${vault}  damaged: pair anew\n`);
      return 0;
    }
    case 'unpair': {
      const isRemoved = openPairingStore(config).remove(values.vault ?? '');
      stdout.write(
        isRemoved
          ? 'Forgotten. A broker that runs ends its releases for it. Remove the agent in the browser, too.\n'
          : 'No such vault.\n',
      );
      return isRemoved ? 0 : 1;
    }
    default:
      stderr.write(HELP);
      return 2;
  }
}

process.title = 'pzk-broker';
process.umask(0o077);
try {
  const code = await main(process.argv.slice(2));
  if (code !== undefined) process.exitCode = code;
} catch (error) {
  // Messages of this program name paths, options and codes, and nothing that is secret.
  const { message } = error as Error;
  const hint = isPzkError(error) && error.hint !== undefined ? ` ${error.hint}` : '';
  const code = isPzkError(error) ? `${error.code}: ` : '';
  stderr.write(`pzk-broker: ${code}${message}${hint}\n`);
  process.exit(1);
}
