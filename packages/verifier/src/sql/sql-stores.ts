import { assertOptionNames } from '../option-names.js';
import { claimStores } from '../stores/claim-stores.js';
import type { DurableStores } from '../stores/durable-stores.js';
import { sqlAccountStore } from './account-store.js';
import { sqlAgentStore } from './agent-store.js';
import { sqlAuditStore } from './audit-store.js';
import { coreOf, type SqlDatabase } from './database.js';
import { sqlDeviceStore } from './device-store.js';
import { withExactText } from './exact-text.js';
import { sqlInvitationStore } from './invitation-store.js';
import { sqlKeyStore } from './key-store.js';
import { assertMigrated, migrate } from './migrate.js';
import { sqlPairingStore } from './pairing-store.js';
import { sqlReleaseStore } from './release-store.js';
import { sqlVaultResetStore } from './reset-store.js';
import { sqlSigningKeyStore } from './signing-key-store.js';
import { createSession } from './sql-session.js';
import { sqlVaultStore } from './vault-store.js';

/** Options of {@link sqlStores}. */
export interface SqlStoresOptions {
  readonly database: SqlDatabase;
  /** The verifier's `issuer`. Each row carries it: several issuers may share a database. */
  readonly issuer: string;
  /**
   * `auto` brings the tables up to date at first use; `check` refuses to work where they are not, see
   * {@link migrate}. Default: `check` if `NODE_ENV` is `production`, else `auto`.
   */
  readonly migrate?: 'auto' | 'check' | undefined;
}

/**
 * The durable stores in SQLite or PostgreSQL: accounts, keys, devices, vaults and their agents, signing
 * keys and the audit log. What a method acknowledged is on disk. They fail closed: where the database does not
 * answer they reject, and the engine answers 503.
 *
 * The database is opened at first use, at the latest by `verifier.ready()`.
 *
 * @example
 * ```ts
 * const database = sqliteDatabase('pzk.db'); // or postgresDatabase(process.env.DATABASE_URL)
 * const stores = { ...memoryStores(), ...sqlStores({ database, issuer }) };
 * // at the end: await verifier.close(); await database.close();
 * ```
 *
 * @throws TypeError if an option is malformed
 */
export function sqlStores(options: SqlStoresOptions): DurableStores {
  assertOptionNames('sqlStores', options, ['database', 'issuer', 'migrate']);
  const production = process.env.NODE_ENV === 'production';
  const { database, issuer, migrate: mode = production ? 'check' : 'auto' } = options;
  const core = coreOf(database);
  if (typeof issuer !== 'string' || !URL.canParse(issuer)) {
    throw new TypeError('issuer is the URL of the issuer.');
  }
  if (mode !== 'auto' && mode !== 'check') throw new TypeError('migrate is "auto" or "check".');
  const session = createSession(core, issuer, () =>
    mode === 'auto' ? migrate(database) : assertMigrated(database),
  );
  const stores = Object.freeze<DurableStores>({
    accounts: withExactText(sqlAccountStore(session)),
    keys: withExactText(sqlKeyStore(session)),
    devices: withExactText(sqlDeviceStore(session)),
    vaults: withExactText(sqlVaultStore(session)),
    invitations: withExactText(sqlInvitationStore(session)),
    pairings: withExactText(sqlPairingStore(session)),
    agents: withExactText(sqlAgentStore(session)),
    releases: withExactText(sqlReleaseStore(session)),
    resets: withExactText(sqlVaultResetStore(session)),
    signingKeys: withExactText(sqlSigningKeyStore(session)),
    audit: withExactText(sqlAuditStore(session)),
  });
  // A verifier of another issuer would take these rows for its own.
  claimStores(stores, issuer);
  return stores;
}
