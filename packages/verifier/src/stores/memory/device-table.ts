import type { DeviceRow } from '../durable-stores.js';
import { frozenCopy } from './frozen-copy.js';
import { revokeRow } from './revoke-row.js';

/** Devices in memory with their indexes. */
export interface DeviceTable {
  get(id: string | undefined): DeviceRow | undefined;
  findByCredentialId(credentialId: string): DeviceRow | undefined;
  findByJkt(account: string, jkt: string): DeviceRow | undefined;
  listByAccount(account: string): readonly DeviceRow[];
  /** Whether its credential id, or its jkt within the account, exists. */
  isKnown(device: DeviceRow): boolean;
  /** @throws TypeError if a device of this id exists. */
  insert(device: DeviceRow): void;
  replace(device: DeviceRow): void;
  revoke(id: string, at: number): boolean;
}

/** An empty table of devices. */
export function deviceTable(): DeviceTable {
  const rows = new Map<string, DeviceRow>();
  const idByCredential = new Map<string, string>();
  const idByJkt = new Map<string, string>();
  const idsByAccount = new Map<string, string[]>();
  const jktIndex = (account: string, jkt: string) => JSON.stringify([account, jkt]);

  const get = (id: string | undefined) => (id === undefined ? undefined : rows.get(id));
  // Empty ones are never indexed, so they are never known.
  const findByCredentialId = (credentialId: string) => get(idByCredential.get(credentialId));
  const findByJkt = (account: string, jkt: string) => get(idByJkt.get(jktIndex(account, jkt)));

  return {
    get,
    findByCredentialId,
    findByJkt,
    listByAccount: (account) =>
      Object.freeze((idsByAccount.get(account) ?? []).map((id) => rows.get(id) as DeviceRow)),
    isKnown: ({ account, credentialId, jkt }) =>
      findByCredentialId(credentialId) !== undefined || findByJkt(account, jkt) !== undefined,
    insert: (device) => {
      const { id, account, credentialId, jkt } = device;
      if (rows.has(id)) throw new TypeError('A device of this id exists.');
      rows.set(id, frozenCopy(device));
      if (credentialId !== '') idByCredential.set(credentialId, id);
      if (jkt !== '') idByJkt.set(jktIndex(account, jkt), id);
      idsByAccount.set(account, [...(idsByAccount.get(account) ?? []), id]);
    },
    replace: (device) => {
      rows.set(device.id, Object.freeze(device));
    },
    revoke: (id, at) => revokeRow(rows, id, at),
  };
}
