/**
 * The tables as Kysely sees them; `migrations.ts` creates them. Each row carries its issuer, and every
 * look-up begins with it. What PostgreSQL hands out as text (bigint) is listed as both.
 */

/** An integer as drivers hand it out. */
export type Integer = number | string | bigint;

interface AccountsTable {
  issuer: string;
  id: string;
  user_id: string | null;
  created_at: Integer;
  revoked_at: Integer | null;
}

interface KeysTable {
  issuer: string;
  id: string;
  account: string;
  commitment: string;
  /** JSON array of texts. */
  scopes: string;
  demands: string;
  label: string | null;
  created_at: Integer;
  expires_at: Integer | null;
  revoked_at: Integer | null;
}

interface DevicesTable {
  issuer: string;
  id: string;
  account: string;
  key_id: string;
  kind: string;
  /** Null where there is none: nulls are not compared by the unique index. */
  credential_id: string | null;
  jkt: string | null;
  public_key: string;
  user_handle: string;
  /** JSON array of texts. */
  transports: string;
  /** 0 or 1. */
  backup_eligible: Integer;
  backed_up: Integer;
  key_protection: string;
  counter: Integer;
  counter_nonce: string;
  created_at: Integer;
  revoked_at: Integer | null;
}

/** The device that an account enrolled first: there is one for ever, whatever becomes of it. */
interface FirstDevicesTable {
  issuer: string;
  account: string;
  device: string;
}

interface VaultsTable {
  issuer: string;
  account: string;
  vault_id: string;
  manifest: string;
  manifest_signature: string;
  etag: string;
  /** JSON. */
  slots: string;
  recipients: string;
  successions: string;
  /** Null where there is none. */
  recovery_key: string | null;
}

interface VaultHistoryTable {
  issuer: string;
  account: string;
  /** Level and position, with a space between. */
  place: string;
  hash: string;
}

interface InvitationsTable {
  issuer: string;
  id: string;
  account: string;
  vault_id: string;
  device: string;
  mac_old: string;
  identity_key: string;
  counter: Integer;
  manifest_hash: string;
  expires_at: Integer;
  /** JSON. */
  joined: string | null;
  /** 0 or 1. */
  ended: Integer;
}

interface PairingsTable {
  issuer: string;
  id: string;
  account: string;
  vault_id: string;
  device: string;
  expires_at: Integer;
  status: string;
  name: string;
  commitment: string;
  identity_key: string;
  nonce_b: string;
  agent_key: string;
  nonce_a: string;
}

interface AgentsTable {
  issuer: string;
  jkt: string;
  account: string;
  id: string;
  name: string;
  public_key: string;
}

/**
 * One row for each account whose agents asked for something; whoever counts requests or numbers receipts
 * locks it. `receipts` is the number of the last one.
 */
interface ReleaseAccountsTable {
  issuer: string;
  account: string;
  receipts: Integer;
}

interface ReleasesTable {
  issuer: string;
  id: string;
  account: string;
  agent: string;
  request: string;
  signature: string;
  slot: string;
  requested_at: Integer;
  expires_at: Integer;
  status: string;
  reason: string;
  enc: string;
  ct: string;
  release_signature: string;
  uses: Integer;
  last_used_at: Integer | null;
  changed_at: Integer;
}

interface ReceiptsTable {
  issuer: string;
  account: string;
  number: Integer;
  receipt: string;
}

interface VaultResetsTable {
  issuer: string;
  account: string;
  requested_at: Integer;
  effective_at: Integer;
}

interface SigningKeysTable {
  issuer: string;
  kid: string;
  wrapped: string;
  created_at: Integer;
  active_from: Integer;
}

interface AuditTable {
  issuer: string;
  seq: Integer;
  at: Integer;
  body: string;
  previous: string;
  hash: string;
  account: string | null;
}

/** One row for each issuer that has signing keys; whoever changes them locks it. */
interface IssuersTable {
  issuer: string;
}

interface MigrationsTable {
  version: Integer;
  name: string;
  applied_at: Integer;
}

/** All tables. */
export interface SqlSchema {
  pzk_accounts: AccountsTable;
  pzk_keys: KeysTable;
  pzk_devices: DevicesTable;
  pzk_first_devices: FirstDevicesTable;
  pzk_vaults: VaultsTable;
  pzk_vault_history: VaultHistoryTable;
  pzk_invitations: InvitationsTable;
  pzk_pairings: PairingsTable;
  pzk_agents: AgentsTable;
  pzk_release_accounts: ReleaseAccountsTable;
  pzk_releases: ReleasesTable;
  pzk_receipts: ReceiptsTable;
  pzk_vault_resets: VaultResetsTable;
  pzk_signing_keys: SigningKeysTable;
  pzk_audit: AuditTable;
  pzk_issuers: IssuersTable;
  pzk_migrations: MigrationsTable;
}
