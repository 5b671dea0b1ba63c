import { isPzkError, PzkError } from '@pzk-auth/protocol';
import type { KnownRoster } from '../vault/roster.js';
import {
  type Advance,
  advanceMemory,
  trustMemory,
  type VaultMemory,
} from '../vault/vault-memory.js';
import type { ClientStorage } from './client-storage.js';

/** A session that can be renewed after a reload. The token itself is never stored. */
export interface SessionRecord {
  readonly keyPair: CryptoKeyPair;
  /** Id of the API key. */
  readonly clientId: string;
  /** Canonical. */
  readonly scope: string;
  /** Milliseconds by which the server's clock is ahead. */
  readonly clockOffset: number;
}

/** What this browser remembers of a vault, whichever of its passkeys opened it. */
export interface VaultRecord {
  readonly vault: VaultMemory;
  /** As the user has confirmed it; absent where it was not yet. */
  readonly roster?: KnownRoster;
}

/** How a vault is remembered. */
export interface AdvanceVault extends Advance {
  /** Makes of the roster that was confirmed another one. */
  readonly roster?: (known: KnownRoster | undefined) => KnownRoster | undefined;
}

/** A passkey that was used on this device. */
export interface DeviceRecord extends VaultRecord {
  /** base64url. */
  readonly credentialId: string;
  /** PRF generation of its recipient; 0: the device secret stands in. */
  readonly generation: number;
}

/** As it is stored: all passkeys of a vault share what is remembered of it. */
interface StoredDevice extends Pick<DeviceRecord, 'credentialId' | 'generation'> {
  readonly vaultId: string;
}

/** A vault that was replaced, and whether the user has rotated what was in it. */
export interface LostVaultRecord {
  /** Seconds since the epoch. */
  readonly at: number;
  readonly settled: boolean;
}

/** A device secret at rest: useless without the key, which no script can export. */
export interface DeviceSecretRecord {
  /** AES-GCM, non-extractable. */
  readonly key: CryptoKey;
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly ciphertext: Uint8Array<ArrayBuffer>;
}

/**
 * Everything that a client keeps, typed. What the storage does not take is kept in memory until the
 * client goes, so that no exchange which the server has accepted is lost over it. A storage that has
 * never answered is taken for empty: blocked by the browser, it never held anything.
 *
 * All reject with PzkError `storage_unavailable`, unless noted.
 */
export interface ClientRecords {
  /** Undefined, too, where the storage fails: a new session costs a touch. Never rejects. */
  readSession(): Promise<SessionRecord | undefined>;
  /** Never rejects. */
  writeSession(record: SessionRecord): Promise<void>;
  /** Deletes the stored session, or only one that fits: a tab may have stored another meanwhile. */
  deleteSession(fits?: (record: SessionRecord) => Promise<boolean>): Promise<void>;
  /** The device used last. */
  readLastDevice(): Promise<DeviceRecord | undefined>;
  readDevice(credentialId: string): Promise<DeviceRecord | undefined>;
  readVault(vaultId: string): Promise<VaultRecord | undefined>;
  /** The vault used last. */
  readLastVault(): Promise<VaultRecord | undefined>;
  /** Makes a vault the one used last. */
  chooseVault(vaultId: string): Promise<void>;
  /**
   * Remembers what a page has come to, never in place of something newer but with the user's yes. In one
   * transaction, as other tabs do the same.
   *
   * @returns Whether it is what is remembered now; `false` where another page is further.
   * @throws PzkError as `advanceMemory`, and nothing else
   */
  advanceVault(vault: VaultMemory, advance?: AdvanceVault): Promise<boolean>;
  /** The same, by a passkey, which becomes the one used last. */
  advanceDevice(record: Omit<DeviceRecord, 'roster'>, advance?: AdvanceVault): Promise<boolean>;
  /**
   * Remembers a passkey before the server hears of it, without making it the one used last: it may be
   * refused. Its vault is one that another device has vouched for (`trustMemory`).
   */
  noteDevice(record: Omit<DeviceRecord, 'roster'>): Promise<void>;
  /** Makes a passkey that was noted the one used last. */
  chooseDevice(record: Omit<DeviceRecord, 'roster'>): Promise<void>;
  readDeviceSecret(credentialId: string): Promise<DeviceSecretRecord | undefined>;
  /** Never kept in memory alone: the secret opens a vault that outlives the page. */
  writeDeviceSecret(credentialId: string, record: DeviceSecretRecord): Promise<void>;
  /** The vault that was replaced by this one, as far as this device has heard. */
  readLostVault(vaultId: string): Promise<LostVaultRecord | undefined>;
  /** Never rejects. */
  writeLostVault(vaultId: string, record: LostVaultRecord): Promise<void>;
  /** The key pair that is itself the device, where a key demands no passkey. */
  readHeadlessKey(): Promise<CryptoKeyPair | undefined>;
  writeHeadlessKey(keyPair: CryptoKeyPair): Promise<void>;
}

/** A storage that takes longer has failed; then nothing may wait for it. Milliseconds. */
const STORAGE_TIMEOUT_MS = 5000;

async function inTime<T>(operation: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('The storage took too long.')), STORAGE_TIMEOUT_MS);
  });
  try {
    return await Promise.race([operation, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The records of one issuer in a storage that other issuers may share. Written by this package
 * alone, on this device: their form is trusted.
 */
export function createClientRecords(
  storage: ClientStorage,
  scope: { readonly issuer: string; readonly audience: string; readonly rpId: string },
): ClientRecords {
  const name = (...parts: readonly string[]) => JSON.stringify(['pzk-auth/v1', ...parts]);
  const session = name('session', scope.issuer, scope.audience);
  const headless = name('headless-key', scope.issuer);
  const lastDevice = name('last-device', scope.issuer, scope.rpId);
  const lostVault = (id: string) => name('lost-vault', scope.issuer, id);
  const vault = (id: string) => name('vault', scope.issuer, id);
  const lastVault = name('last-vault', scope.issuer);
  const device = (id: string) => name('device', scope.issuer, scope.rpId, id);
  const secret = (id: string) => name('device-secret', scope.issuer, scope.rpId, id);
  /** What the storage did not take. */
  const kept = new Map<string, unknown>();
  /** Counts the changes of each value, so that a write that fails late undoes no later one. */
  const changes = new Map<string, number>();
  let answered = false;

  function beginChange(key: string): () => boolean {
    const change = (changes.get(key) ?? 0) + 1;
    changes.set(key, change);
    return () => changes.get(key) === change;
  }

  async function run<T>(operation: () => Promise<T>): Promise<T> {
    try {
      const result = await inTime(operation());
      answered = true;
      return result;
    } catch (cause) {
      if (isPzkError(cause)) throw cause;
      throw new PzkError('storage_unavailable', 'The storage failed.', { cause });
    }
  }

  async function read<T>(key: string): Promise<T | undefined> {
    if (kept.has(key)) return kept.get(key) as T;
    try {
      return (await run(() => storage.get(key))) as T | undefined;
    } catch (cause) {
      if (answered) throw cause;
      return undefined;
    }
  }

  async function write(key: string, value: unknown): Promise<void> {
    const isLatest = beginChange(key);
    try {
      await run(() => storage.set(key, value));
      if (isLatest()) kept.delete(key);
    } catch {
      if (isLatest()) kept.set(key, value);
    }
  }

  async function update(key: string, change: (value: unknown) => unknown): Promise<void> {
    const isLatest = beginChange(key);
    // What the storage has not taken before is changed first: it may be the newer one.
    const before = kept.has(key) ? change(kept.get(key)) : undefined;
    if (kept.has(key)) kept.set(key, before);
    try {
      await run(() => storage.update(key, change));
      if (isLatest()) kept.delete(key);
    } catch (cause) {
      if (isPzkError(cause) && cause.code !== 'storage_unavailable') throw cause;
      if (isLatest() && !kept.has(key)) kept.set(key, change(undefined));
    }
  }

  const readVault = (id: string) => read<VaultRecord>(vault(id));
  const writeDevice = (stored: StoredDevice) => write(device(stored.credentialId), stored);

  async function readDevice(id: string): Promise<DeviceRecord | undefined> {
    const stored = await read<StoredDevice>(device(id));
    const record = stored && (await readVault(stored.vaultId));
    if (stored === undefined || record === undefined) return undefined;
    const { credentialId, generation } = stored;
    return { credentialId, generation, ...record };
  }

  async function choose(credentialId: string, vaultId: string): Promise<void> {
    await write(lastDevice, credentialId);
    await write(lastVault, vaultId);
  }

  async function advanceVault(next: VaultMemory, advance: AdvanceVault = {}): Promise<boolean> {
    let remembered = next;
    await update(vault(next.vaultId), (value) => {
      const stored = value as VaultRecord | undefined;
      remembered = advanceMemory(stored?.vault, next, advance);
      const roster = advance.roster === undefined ? stored?.roster : advance.roster(stored?.roster);
      return { vault: remembered, ...(roster === undefined ? {} : { roster }) };
    });
    return remembered.counter === next.counter;
  }

  return {
    readSession: () => read<SessionRecord>(session).catch(() => undefined),
    writeSession: (record) => write(session, record),
    async deleteSession(fits) {
      beginChange(session);
      kept.delete(session);
      // Asked of the storage itself: what was kept here may not be what stands there.
      const record = fits && ((await run(() => storage.get(session))) as SessionRecord | undefined);
      if (fits === undefined || (record !== undefined && (await fits(record)))) {
        await run(() => storage.delete(session));
      }
    },
    async readLastDevice() {
      const id = await read<string>(lastDevice);
      return id === undefined ? undefined : readDevice(id);
    },
    readDevice,
    readVault,
    async readLastVault() {
      const id = await read<string>(lastVault);
      return id === undefined ? undefined : readVault(id);
    },
    chooseVault: (id) => write(lastVault, id),
    advanceVault,
    async advanceDevice({ credentialId, generation, vault: next }, advance) {
      const isNewest = await advanceVault(next, advance);
      const { vaultId } = next;
      // Not to fail here, as the server has accepted it. A record that cannot be read may be the newer one.
      const isKnown = await read<StoredDevice>(device(credentialId)).then(
        (stored) => stored?.vaultId === vaultId,
        () => true,
      );
      // The generation of an older state is no news.
      if (isNewest || !isKnown) await writeDevice({ credentialId, generation, vaultId });
      await choose(credentialId, vaultId);
      return isNewest;
    },
    async noteDevice({ credentialId, generation, vault: vouched }) {
      const { vaultId } = vouched;
      await update(vault(vaultId), (value) => {
        const stored = value as VaultRecord | undefined;
        return { ...stored, vault: trustMemory(stored?.vault, vouched) };
      });
      await writeDevice({ credentialId, generation, vaultId });
    },
    chooseDevice: ({ credentialId, vault: { vaultId } }) => choose(credentialId, vaultId),
    readDeviceSecret: (id) => read<DeviceSecretRecord>(secret(id)),
    writeDeviceSecret: (id, record) => run(() => storage.set(secret(id), record)),
    readLostVault: (id) => read<LostVaultRecord>(lostVault(id)),
    writeLostVault: (id, record) => write(lostVault(id), record),
    readHeadlessKey: () => read<CryptoKeyPair>(headless),
    writeHeadlessKey: (keyPair) => run(() => storage.set(headless, keyPair)),
  };
}
