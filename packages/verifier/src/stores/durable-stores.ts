import type { AuditStore } from './audit-store.js';
import type {
  AgentStore,
  InvitationStore,
  PairingStore,
  ReleaseStore,
  VaultResetStore,
  VaultRow,
  VaultStore,
} from './vault-stores.js';

/** The stores of facts that last. Every method rejects when it cannot know the answer. */
export interface DurableStores {
  readonly accounts: AccountStore;
  readonly keys: KeyStore;
  readonly devices: DeviceStore;
  readonly vaults: VaultStore;
  readonly invitations: InvitationStore;
  readonly pairings: PairingStore;
  readonly agents: AgentStore;
  readonly releases: ReleaseStore;
  readonly resets: VaultResetStore;
  readonly signingKeys: SigningKeyStore;
  readonly audit: AuditStore;
}

/** Whoever owns keys, devices and vaults at an issuer. */
export interface AccountRow {
  readonly id: string;
  /** The application's own user, where `authorize` linked one. */
  readonly user?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly revokedAt?: number | undefined;
}

/** Accounts. */
export interface AccountStore {
  /** @throws if the id exists. */
  insert(account: AccountRow): Promise<void>;
  get(id: string): Promise<AccountRow | undefined>;
  /** Links an account to a user; `false` if it is linked to another already. */
  linkUser(id: string, user: string): Promise<boolean>;
  /** Accounts that are linked to a user, in order of creation. */
  listByUser(user: string): Promise<readonly AccountRow[]>;
  /** Marks as revoked, once: a second call keeps the first time. `false` if there is none. */
  revoke(id: string, at: number): Promise<boolean>;
}

/** What a key demands besides the proof. */
export type KeyDemand = 'passkey' | 'keypair' | 'none';

/** An API key: its commitment, never the key. */
export interface KeyRow {
  /** The key id: `client_id` on the wire. */
  readonly id: string;
  readonly account: string;
  /** Canonical decimal. Unique in the store. */
  readonly commitment: string;
  /** Sorted scope tokens that this key may ask for. */
  readonly scopes: readonly string[];
  readonly demands: KeyDemand;
  /** A name for people. */
  readonly label?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly expiresAt?: number | undefined;
  readonly revokedAt?: number | undefined;
}

/** API keys. */
export interface KeyStore {
  /** `false` if the id or the commitment exists; then nothing is written. */
  insert(key: KeyRow): Promise<boolean>;
  get(id: string): Promise<KeyRow | undefined>;
  findByCommitment(commitment: string): Promise<KeyRow | undefined>;
  /** In order of creation. */
  listByAccount(account: string): Promise<readonly KeyRow[]>;
  /** Keys with an id above `after` (absent: from the start), in order of their ids, at most `limit`. */
  list(page: { readonly after?: string; readonly limit: number }): Promise<readonly KeyRow[]>;
  /** Lets a key expire at a time, unless it does earlier already. `false` if there is none. */
  expire(id: string, at: number): Promise<boolean>;
  revoke(id: string, at: number): Promise<boolean>;
}

/** An enrolled device. */
export interface DeviceRow {
  /** Random; appears as `device` in tokens. */
  readonly id: string;
  readonly account: string;
  /** The key that enrolled it. */
  readonly key: string;
  readonly kind: 'passkey' | 'keypair';
  /** base64url, unique in the store; for `keypair` empty. */
  readonly credentialId: string;
  /** For `keypair`: thumbprint of the enrolled key, unique together with `account`; else empty. */
  readonly jkt: string;
  /** COSE key, the exact slice of authData, base64url; for `keypair` empty. */
  readonly publicKey: string;
  /** base64url of the 32 bytes that the client chose as `user.id`. */
  readonly userHandle: string;
  readonly transports: readonly string[];
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
  /** `device`: the vault stands on device storage, because the authenticator has no PRF. */
  readonly keyProtection: 'passkey' | 'device' | 'none';
  readonly counter: number;
  /** The nonce of the exchange that set the counter. */
  readonly counterNonce: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly revokedAt?: number | undefined;
}

/** What {@link DeviceStore.enroll} writes in one transaction. */
export interface Enrollment {
  readonly device: DeviceRow;
  /**
   * Created with the device where the account has no vault; ignored where it has one, unless `resets`. A
   * vault begins without a recovery code.
   */
  readonly vault?: VaultRow | undefined;
  /** Refuse unless this is the first device that the account ever had. */
  readonly onlyFirst: boolean;
  /**
   * Carries out the reset that waits, docs/protocol.md section 12.16: `vault` replaces the one of the
   * account, all other devices are revoked, and agents, invitations, pairings, waiting requests and the
   * reset itself are deleted. Released requests end. Receipts stay. `at`: milliseconds since the epoch.
   */
  readonly resets?: { readonly at: number } | undefined;
}

/**
 * Answer of {@link DeviceStore.enroll}. `no_reset`: none waits whose time has come, for instance because
 * it was cancelled meanwhile.
 */
export type EnrollResult = 'enrolled' | 'known' | 'not_first' | 'no_reset';

/** Devices. */
export interface DeviceStore {
  /**
   * Writes all of it or nothing. `known`: the credential id (or, for a key pair, the
   * jkt within the account) exists, revoked or not; or another account has a vault of the id that would be
   * written.
   */
  enroll(enrollment: Enrollment): Promise<EnrollResult>;
  get(id: string): Promise<DeviceRow | undefined>;
  findByCredentialId(credentialId: string): Promise<DeviceRow | undefined>;
  findByJkt(account: string, jkt: string): Promise<DeviceRow | undefined>;
  /** In order of creation. */
  listByAccount(account: string): Promise<readonly DeviceRow[]>;
  /**
   * Atomically sets the signature counter (WebAuthn L3 section 6.1.1). `true` if the new counter is
   * greater, or both are 0, or it is equal and was set by the same nonce; else `false`, unchanged.
   */
  advanceCounter(id: string, counter: number, nonce: string): Promise<boolean>;
  revoke(id: string, at: number): Promise<boolean>;
}

/** A signing key at rest. */
export interface SigningKeyRow {
  readonly kid: string;
  /** The private JWK, wrapped (A256GCM JWE, compact) by a key derived from the deployment's secret. */
  readonly wrapped: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** From when on it signs, milliseconds since the epoch; until then it is only published. */
  readonly activeFrom: number;
}

/** Signing keys of tokens. */
export interface SigningKeyStore {
  /** In order of `activeFrom`, then of `kid`. */
  list(): Promise<readonly SigningKeyRow[]>;
  /** Inserts only if the store holds no signing key yet; returns whether it did. */
  insertFirst(row: SigningKeyRow): Promise<boolean>;
  /** @throws if the kid exists. */
  insert(row: SigningKeyRow): Promise<void>;
  /** `false` if there is none. */
  remove(kid: string): Promise<boolean>;
}
