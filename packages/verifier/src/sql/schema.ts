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
  /** JSON. */
  slots: string;
  recipients: string;
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
  pzk_signing_keys: SigningKeysTable;
  pzk_audit: AuditTable;
  pzk_issuers: IssuersTable;
  pzk_migrations: MigrationsTable;
}
