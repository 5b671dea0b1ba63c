import type {
  DeviceRow,
  DeviceStore,
  Enrollment,
  EnrollResult,
  VaultRow,
  VaultStore,
} from '../durable-stores.js';
import { frozenCopy } from './frozen-copy.js';
import { revokeRow } from './revoke-row.js';

/** Devices and the vaults that are created with them. */
export function memoryDevices(): { readonly devices: DeviceStore; readonly vaults: VaultStore } {
  const rows = new Map<string, DeviceRow>();
  const vaults = new Map<string, VaultRow>();

  const idByCredential = new Map<string, string>();
  const idByJkt = new Map<string, string>();
  const idsByAccount = new Map<string, string[]>();
  const jktIndex = (account: string, jkt: string) => JSON.stringify([account, jkt]);

  function byId(id: string | undefined): DeviceRow | undefined {
    return id === undefined ? undefined : rows.get(id);
  }

  function enroll({ device, vault, onlyFirst }: Enrollment): EnrollResult {
    if (vault !== undefined && vault.account !== device.account) {
      throw new TypeError('A vault belongs to the account of the device that it comes with.');
    }
    const jkt = jktIndex(device.account, device.jkt);
    // Empty ones are never indexed, so they are never known.
    if (idByCredential.has(device.credentialId) || idByJkt.has(jkt)) return 'known';
    const siblings = idsByAccount.get(device.account) ?? [];
    if (onlyFirst && siblings.length > 0) return 'not_first';
    if (rows.has(device.id)) throw new TypeError('A device of this id exists.');

    rows.set(device.id, frozenCopy(device));
    if (device.credentialId !== '') idByCredential.set(device.credentialId, device.id);
    if (device.jkt !== '') idByJkt.set(jkt, device.id);
    idsByAccount.set(device.account, [...siblings, device.id]);
    if (vault !== undefined && !vaults.has(vault.account)) {
      vaults.set(vault.account, frozenCopy(vault));
    }
    return 'enrolled';
  }

  function advanceCounter(id: string, counter: number, nonce: string): boolean {
    const row = rows.get(id);
    if (row === undefined || !Number.isSafeInteger(counter) || counter < 0) return false;
    if (counter === row.counter) return counter === 0 || row.counterNonce === nonce;
    if (counter < row.counter) return false;
    rows.set(id, Object.freeze({ ...row, counter, counterNonce: nonce }));
    return true;
  }

  return {
    devices: Object.freeze<DeviceStore>({
      enroll: async (enrollment) => enroll(enrollment),
      get: async (id) => rows.get(id),
      findByCredentialId: async (credentialId) => byId(idByCredential.get(credentialId)),
      findByJkt: async (account, jkt) => byId(idByJkt.get(jktIndex(account, jkt))),
      listByAccount: async (account) =>
        Object.freeze((idsByAccount.get(account) ?? []).map((id) => rows.get(id) as DeviceRow)),
      advanceCounter: async (id, counter, nonce) => advanceCounter(id, counter, nonce),
      revoke: async (id, at) => revokeRow(rows, id, at),
    }),
    vaults: Object.freeze<VaultStore>({ get: async (account) => vaults.get(account) }),
  };
}
