import type { AuditRow, AuditStore } from '../audit-store.js';
import type {
  AccountRow,
  AccountStore,
  DurableStores,
  KeyRow,
  KeyStore,
  SigningKeyRow,
  SigningKeyStore,
} from '../durable-stores.js';
import { memoryDevices } from './devices.js';
import { frozenCopy } from './frozen-copy.js';
import { revokeRow } from './revoke-row.js';
import { assertSingleProcess, type SingleProcessOptions } from './single-process.js';

function accountStore(): AccountStore {
  const rows = new Map<string, AccountRow>();
  return Object.freeze<AccountStore>({
    insert: async (account) => {
      if (rows.has(account.id)) throw new TypeError('An account of this id exists.');
      rows.set(account.id, frozenCopy(account));
    },
    get: async (id) => rows.get(id),
    linkUser: async (id, user) => {
      const row = rows.get(id);
      if (row === undefined) return false;
      if (row.user !== undefined) return row.user === user;
      rows.set(id, Object.freeze({ ...row, user }));
      return true;
    },
    listByUser: async (user) =>
      Object.freeze([...rows.values()].filter((account) => account.user === user)),
    revoke: async (id, at) => revokeRow(rows, id, at),
  });
}

function keyStore(): KeyStore {
  const rows = new Map<string, KeyRow>();
  const idByCommitment = new Map<string, string>();
  const idsByAccount = new Map<string, string[]>();
  return Object.freeze<KeyStore>({
    insert: async (key) => {
      if (rows.has(key.id) || idByCommitment.has(key.commitment)) return false;
      rows.set(key.id, frozenCopy(key));
      idByCommitment.set(key.commitment, key.id);
      idsByAccount.set(key.account, [...(idsByAccount.get(key.account) ?? []), key.id]);
      return true;
    },
    get: async (id) => rows.get(id),
    findByCommitment: async (commitment) => {
      const id = idByCommitment.get(commitment);
      return id === undefined ? undefined : rows.get(id);
    },
    listByAccount: async (account) =>
      Object.freeze((idsByAccount.get(account) ?? []).map((id) => rows.get(id) as KeyRow)),
    list: async ({ after = '', limit }) =>
      Object.freeze(
        [...rows.values()]
          .filter(({ id }) => id > after)
          .sort((a, b) => (a.id < b.id ? -1 : 1))
          .slice(0, limit),
      ),
    expire: async (id, at) => {
      const row = rows.get(id);
      if (row === undefined) return false;
      if (row.expiresAt === undefined || row.expiresAt > at) {
        rows.set(id, Object.freeze({ ...row, expiresAt: at }));
      }
      return true;
    },
    revoke: async (id, at) => revokeRow(rows, id, at),
  });
}

function signingKeyStore(): SigningKeyStore {
  const rows = new Map<string, SigningKeyRow>();
  const insert = (row: SigningKeyRow) => {
    if (rows.has(row.kid)) throw new TypeError('A signing key of this kid exists.');
    rows.set(row.kid, frozenCopy(row));
  };
  return Object.freeze<SigningKeyStore>({
    list: async () =>
      Object.freeze(
        [...rows.values()].sort((a, b) => a.activeFrom - b.activeFrom || (a.kid < b.kid ? -1 : 1)),
      ),
    insertFirst: async (row) => {
      if (rows.size > 0) return false;
      insert(row);
      return true;
    },
    insert: async (row) => insert(row),
    remove: async (kid) => rows.delete(kid),
  });
}

function auditStore(): AuditStore {
  const rows: AuditRow[] = [];
  const rowsByAccount = new Map<string, AuditRow[]>();
  return Object.freeze<AuditStore>({
    append: async (added) => {
      if (added.some(({ seq }, index) => seq !== rows.length + 1 + index)) return false;
      for (const row of added.map(frozenCopy)) {
        rows.push(row);
        const { account } = row;
        if (account === undefined) continue;
        const ofAccount = rowsByAccount.get(account);
        if (ofAccount === undefined) rowsByAccount.set(account, [row]);
        else ofAccount.push(row);
      }
      return true;
    },
    last: async () => rows.at(-1),
    list: async ({ after, limit }) => Object.freeze(rows.slice(after, after + limit)),
    listByAccount: async (account, { before = Number.POSITIVE_INFINITY, limit }) =>
      Object.freeze(
        (rowsByAccount.get(account) ?? [])
          .filter(({ at }) => at < before)
          .sort((a, b) => b.at - a.at || b.seq - a.seq)
          .slice(0, limit),
      ),
  });
}

/**
 * The durable stores in this process's memory, for development and tests: all accounts, keys and
 * devices are lost when the process ends, and nothing bounds their number.
 *
 * @throws TypeError in a worker of `node:cluster` or pm2
 */
export function memoryDurableStores(options: SingleProcessOptions = {}): DurableStores {
  assertSingleProcess(options);
  return Object.freeze<DurableStores>({
    accounts: accountStore(),
    keys: keyStore(),
    ...memoryDevices(),
    signingKeys: signingKeyStore(),
    audit: auditStore(),
  });
}
