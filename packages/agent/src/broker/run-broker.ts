import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BrokerStatus } from '../api/local-api.js';
import type { BrokerConfig } from './broker-config.js';
import { disableCoreDumps } from './core-dumps.js';
import { createGrants } from './create-grants.js';
import { createLocalServer } from './create-local-server.js';
import { assertGuardedFile, assertPrivateDirectory } from './guarded-directory.js';
import { assertSocketPath, listen } from './listen.js';
import type { Log } from './log.js';
import { createPairingStore, type Pairing, type PairingStore } from './pairing-store.js';

/** What stands between broker and agent in this form: nothing. */
export const DEVELOPMENT_NOTICE =
  "pzk-broker: development form. The broker runs as the agent's user: the agent, and everything else that runs as this user, can read the secrets (memory through /proc, a debugger). It guards against accidents only. Use a broker with a user of its own in production.";

/** A broker that runs. */
export interface RunningBroker {
  readonly socket: string;
  close(): Promise<void>;
}

/**
 * Every command runs as the broker's user: what root makes, it could not read, nor would root's environment
 * show which signing key it runs with.
 *
 * @throws TypeError
 */
export function assertOwnUser(config: BrokerConfig): void {
  if (config.isDevelopment || process.getuid?.() !== 0) return;
  throw new TypeError(
    'The broker does not run as root: give it a user of its own, and pair as that user, too (sudo -u).',
  );
}

/**
 * The pairings in the state directory, with a key of systemd's credentials where there is one.
 *
 * @throws TypeError where others may read or write there.
 */
export function openPairingStore(config: BrokerConfig): PairingStore {
  const directory = assertPrivateDirectory(config.stateDirectory, config);
  const credentials = process.env.CREDENTIALS_DIRECTORY;
  const hasKey = credentials !== undefined && readdirSync(credentials).includes('signing-key');
  return createPairingStore(directory, hasKey ? join(credentials, 'signing-key') : undefined);
}

/** @throws TypeError where the broker could not keep what it is given. */
function assertSurroundings(config: BrokerConfig): void {
  if (config.isDevelopment) return;
  if (!disableCoreDumps()) {
    throw new TypeError('Core dumps are on, and would hold secrets: start with `ulimit -c 0`.');
  }
  const { NODE_EXTRA_CA_CERTS: authorities = '' } = process.env;
  if (authorities !== '') assertGuardedFile(authorities, config);
}

/**
 * Starts the broker.
 *
 * @throws TypeError where the surroundings are not safe.
 */
export async function runBroker(config: BrokerConfig, log: Log): Promise<RunningBroker> {
  assertSurroundings(config);
  process.umask(0o077);
  if (config.isDevelopment) disableCoreDumps();
  const store = openPairingStore(config);
  const keeperDirectory = join(assertPrivateDirectory(config.stateDirectory, config), 'keepers');
  // Sockets of a broker that was killed; its keepers ended with it.
  rmSync(keeperDirectory, { recursive: true, force: true });
  mkdirSync(keeperDirectory, { mode: 0o700 });
  assertSocketPath(join(keeperDirectory, `${'x'.repeat(22)}.sock`));
  const grants = createGrants({ config, store, keeperDirectory, log });
  const statusOf = async (pairing: Pairing) => ({
    ...{ vault: pairing.vaultId, issuer: pairing.issuer, name: pairing.name },
    stopped: pairing.stopped,
    hasKey: await store.loadKey(pairing).then(
      () => true,
      () => false,
    ),
  });
  const status = async (): Promise<BrokerStatus> => ({
    form: config.isDevelopment ? 'development' : 'separate-user',
    vaults: await Promise.all(store.list().map(statusOf)),
  });
  const server = createLocalServer({ grants, status, connections: config.limits.connections });
  const socket = await listen(server, { path: config.socket, group: config.group, guard: config });
  const { vaults } = await status();
  log('started', { socket, vaults: vaults.length });
  for (const { vault, hasKey } of vaults) if (!hasKey) log('pairing_of_other_key', { vault });
  for (const vault of store.listDamaged()) log('pairing_damaged', { vault });
  return {
    socket,
    async close() {
      server.close();
      await grants.close();
      server.closeAllConnections();
      rmSync(socket, { force: true });
      rmSync(keeperDirectory, { recursive: true, force: true });
      log('stopped');
    },
  };
}
