import type { Transaction } from 'kysely';
import type { SqlDialect } from './database.js';
import { copyFirstVaults } from './first-vaults.js';
import type { SqlSchema } from './schema.js';

/** One step of the schema. Once published it is never changed: a correction is another step. */
export interface Migration {
  /** 1, 2, 3, ... */
  readonly version: number;
  readonly name: string;
  readonly statements: (types: ColumnTypes) => readonly (string | MigrationWork)[];
}

/** What no statement can do, within the transaction of the step. */
export type MigrationWork = (db: Transaction<SqlSchema>) => Promise<void>;

/** Where the dialects differ. */
export interface ColumnTypes {
  /** Text that is compared byte by byte. */
  readonly text: string;
  /** An integer that holds milliseconds since the epoch. */
  readonly integer: string;
  /** What follows a table. */
  readonly table: string;
}

/** The types of each dialect. */
export const columnTypes: Readonly<Record<SqlDialect, ColumnTypes>> = Object.freeze({
  // BINARY is SQLite's default collation; STRICT refuses values of another type.
  sqlite: { text: 'text', integer: 'integer', table: ' strict' },
  // Whatever the collation of the database: some take different texts for equal.
  postgres: { text: 'text collate "C"', integer: 'bigint', table: '' },
});

/** The table that says which steps a database has. */
export function migrationsTable({ text, integer, table }: ColumnTypes): string {
  return `create table if not exists pzk_migrations (
    version ${integer} primary key,
    name ${text} not null,
    applied_at ${integer} not null
  )${table}`;
}

/** All steps, in order. */
export const migrations: readonly Migration[] = Object.freeze([
  {
    version: 1,
    name: 'first schema',
    statements: ({ text, integer, table }) => [
      `create table pzk_accounts (
        issuer ${text} not null,
        id ${text} not null,
        user_id ${text},
        created_at ${integer} not null,
        revoked_at ${integer},
        primary key (issuer, id)
      )${table}`,
      `create index pzk_accounts_user on pzk_accounts (issuer, user_id, created_at, id)`,

      `create table pzk_keys (
        issuer ${text} not null,
        id ${text} not null,
        account ${text} not null,
        commitment ${text} not null,
        scopes ${text} not null,
        demands ${text} not null,
        label ${text},
        created_at ${integer} not null,
        expires_at ${integer},
        revoked_at ${integer},
        primary key (issuer, id),
        unique (issuer, commitment)
      )${table}`,
      `create index pzk_keys_account on pzk_keys (issuer, account, created_at, id)`,

      `create table pzk_devices (
        issuer ${text} not null,
        id ${text} not null,
        account ${text} not null,
        key_id ${text} not null,
        kind ${text} not null,
        credential_id ${text},
        jkt ${text},
        public_key ${text} not null,
        user_handle ${text} not null,
        transports ${text} not null,
        backup_eligible ${integer} not null,
        backed_up ${integer} not null,
        key_protection ${text} not null,
        counter ${integer} not null,
        counter_nonce ${text} not null,
        created_at ${integer} not null,
        revoked_at ${integer},
        primary key (issuer, id),
        unique (issuer, credential_id),
        unique (issuer, account, jkt)
      )${table}`,
      `create index pzk_devices_account on pzk_devices (issuer, account, created_at, id)`,

      `create table pzk_first_devices (
        issuer ${text} not null,
        account ${text} not null,
        device ${text} not null,
        primary key (issuer, account)
      )${table}`,

      `create table pzk_vaults (
        issuer ${text} not null,
        account ${text} not null,
        vault_id ${text} not null,
        manifest ${text} not null,
        manifest_signature ${text} not null,
        slots ${text} not null,
        recipients ${text} not null,
        primary key (issuer, account)
      )${table}`,

      `create table pzk_issuers (
        issuer ${text} primary key
      )${table}`,

      `create table pzk_signing_keys (
        issuer ${text} not null,
        kid ${text} not null,
        wrapped ${text} not null,
        created_at ${integer} not null,
        active_from ${integer} not null,
        primary key (issuer, kid)
      )${table}`,

      `create table pzk_audit (
        issuer ${text} not null,
        seq ${integer} not null,
        at ${integer} not null,
        body ${text} not null,
        previous ${text} not null,
        hash ${text} not null,
        primary key (issuer, seq)
      )${table}`,
    ],
  },
  {
    version: 2,
    name: 'vaults and agents',
    statements: ({ text, integer, table }) => [
      // Made anew rather than changed: a process of the version before then fails to write, instead of
      // writing rows without an etag. Renaming comes first, since it lets nobody else at the table.
      `alter table pzk_vaults rename to pzk_first_vaults`,
      `create table pzk_vaults (
        issuer ${text} not null,
        account ${text} not null,
        vault_id ${text} not null,
        manifest ${text} not null,
        manifest_signature ${text} not null,
        etag ${text} not null,
        slots ${text} not null,
        recipients ${text} not null,
        successions ${text} not null,
        recovery_key ${text},
        constraint pzk_vaults_account primary key (issuer, account),
        constraint pzk_vaults_id unique (issuer, vault_id),
        constraint pzk_vaults_recovery unique (issuer, recovery_key)
      )${table}`,
      copyFirstVaults,
      `drop table pzk_first_vaults`,

      `create table pzk_vault_history (
        issuer ${text} not null,
        account ${text} not null,
        place ${text} not null,
        hash ${text} not null,
        primary key (issuer, account, place)
      )${table}`,

      `create table pzk_invitations (
        issuer ${text} not null,
        id ${text} not null,
        account ${text} not null,
        vault_id ${text} not null,
        device ${text} not null,
        mac_old ${text} not null,
        identity_key ${text} not null,
        counter ${integer} not null,
        manifest_hash ${text} not null,
        expires_at ${integer} not null,
        joined ${text},
        ended ${integer} not null,
        primary key (issuer, id)
      )${table}`,
      `create index pzk_invitations_account on pzk_invitations (issuer, account)`,
      `create index pzk_invitations_expiry on pzk_invitations (issuer, expires_at)`,

      `create table pzk_pairings (
        issuer ${text} not null,
        id ${text} not null,
        account ${text} not null,
        vault_id ${text} not null,
        device ${text} not null,
        expires_at ${integer} not null,
        status ${text} not null,
        name ${text} not null,
        commitment ${text} not null,
        identity_key ${text} not null,
        nonce_b ${text} not null,
        agent_key ${text} not null,
        nonce_a ${text} not null,
        primary key (issuer, id)
      )${table}`,
      `create index pzk_pairings_account on pzk_pairings (issuer, account)`,
      `create index pzk_pairings_expiry on pzk_pairings (issuer, expires_at)`,

      `create table pzk_agents (
        issuer ${text} not null,
        jkt ${text} not null,
        account ${text} not null,
        id ${text} not null,
        name ${text} not null,
        public_key ${text} not null,
        primary key (issuer, jkt)
      )${table}`,
      `create index pzk_agents_account on pzk_agents (issuer, account)`,

      `create table pzk_release_accounts (
        issuer ${text} not null,
        account ${text} not null,
        receipts ${integer} not null,
        primary key (issuer, account)
      )${table}`,

      `create table pzk_releases (
        issuer ${text} not null,
        id ${text} not null,
        account ${text} not null,
        agent ${text} not null,
        request ${text} not null,
        signature ${text} not null,
        slot ${text} not null,
        requested_at ${integer} not null,
        expires_at ${integer} not null,
        status ${text} not null,
        reason ${text} not null,
        enc ${text} not null,
        ct ${text} not null,
        release_signature ${text} not null,
        uses ${integer} not null,
        last_used_at ${integer},
        changed_at ${integer} not null,
        primary key (issuer, id)
      )${table}`,
      `create index pzk_releases_account on pzk_releases (issuer, account, requested_at, id)`,
      `create index pzk_releases_waiting on pzk_releases (issuer, account, status, expires_at)`,
      `create index pzk_releases_changed on pzk_releases (issuer, account, agent, changed_at, id)`,

      `create table pzk_receipts (
        issuer ${text} not null,
        account ${text} not null,
        number ${integer} not null,
        receipt ${text} not null,
        primary key (issuer, account, number)
      )${table}`,

      `create table pzk_vault_resets (
        issuer ${text} not null,
        account ${text} not null,
        requested_at ${integer} not null,
        effective_at ${integer} not null,
        primary key (issuer, account)
      )${table}`,

      // Entries from before have none: they are in the log, and not in what a user is shown of it.
      `alter table pzk_audit add column account ${text}`,
      `create index pzk_audit_account on pzk_audit (issuer, account, at, seq)`,
    ],
  },
]);
