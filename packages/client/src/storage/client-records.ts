import type { VaultMemory } from '../vault/vault-memory.js';
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

/** A passkey that was used on this device. */
export interface DeviceRecord {
  /** base64url. */
  readonly credentialId: string;
  /** PRF generation of its recipient; 0: the device secret stands in. */
  readonly generation: number;
  readonly vault: VaultMemory;
}

/** A device secret at rest: useless without the key, which no script can export. */
export interface DeviceSecretRecord {
  /** AES-GCM, non-extractable. */
  readonly key: CryptoKey;
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly ciphertext: Uint8Array<ArrayBuffer>;
}

/** Everything that a client keeps, typed. */
export interface ClientRecords {
  readSession(): Promise<SessionRecord | undefined>;
  writeSession(record: SessionRecord): Promise<void>;
  deleteSession(): Promise<void>;
  /** The device used last. */
  readLastDevice(): Promise<DeviceRecord | undefined>;
  readDevice(credentialId: string): Promise<DeviceRecord | undefined>;
  writeDevice(record: DeviceRecord): Promise<void>;
  readDeviceSecret(credentialId: string): Promise<DeviceSecretRecord | undefined>;
  writeDeviceSecret(credentialId: string, record: DeviceSecretRecord): Promise<void>;
  /** The key pair that is itself the device, where a key demands no passkey. */
  readHeadlessKey(): Promise<CryptoKeyPair | undefined>;
  writeHeadlessKey(keyPair: CryptoKeyPair): Promise<void>;
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
  const device = (id: string) => name('device', scope.issuer, scope.rpId, id);
  const secret = (id: string) => name('device-secret', scope.issuer, scope.rpId, id);
  const read = async <T>(key: string) => (await storage.get(key)) as T | undefined;

  return {
    readSession: () => read<SessionRecord>(session),
    writeSession: (record) => storage.set(session, record),
    deleteSession: () => storage.delete(session),
    async readLastDevice() {
      const id = await read<string>(lastDevice);
      return id === undefined ? undefined : read<DeviceRecord>(device(id));
    },
    readDevice: (id) => read<DeviceRecord>(device(id)),
    async writeDevice(record) {
      await storage.set(device(record.credentialId), record);
      await storage.set(lastDevice, record.credentialId);
    },
    readDeviceSecret: (id) => read<DeviceSecretRecord>(secret(id)),
    writeDeviceSecret: (id, record) => storage.set(secret(id), record),
    readHeadlessKey: () => read<CryptoKeyPair>(headless),
    writeHeadlessKey: (keyPair) => storage.set(headless, keyPair),
  };
}
