import type { Transaction } from 'kysely';
import type { VaultRow, VaultStore, VaultWrite, VaultWriteResult } from '../stores/vault-stores.js';
import { assertVaultWrite } from '../stores/write-checks.js';
import { replaceAgents } from './agent-store.js';
import { parseRow } from './columns.js';
import { insertDevice } from './device-store.js';
import { useInvitation } from './invitation-store.js';
import { unlessRefused } from './refused.js';
import { writeRelease } from './release-store.js';
import type { SqlSchema } from './schema.js';
import type { SqlSession } from './sql-session.js';
import {
  insertHistory,
  isDuplicate,
  selectHistory,
  toVaultColumns,
  vaultSchema,
} from './vault-columns.js';

/** Sets the recovery key of a vault; `false`, and then the transaction is lost, if another vault has it. */
async function setRecoveryKey(
  db: Transaction<SqlSchema>,
  issuer: string,
  account: string,
  recoveryKey: string | null,
): Promise<boolean> {
  const holder = await db
    .selectFrom('pzk_vaults')
    .select('account')
    .where('issuer', '=', issuer)
    .where('recovery_key', '=', recoveryKey)
    .executeTakeFirst();
  if (holder !== undefined) return false;
  try {
    await db
      .updateTable('pzk_vaults')
      .set({ recovery_key: recoveryKey })
      .where('issuer', '=', issuer)
      .where('account', '=', account)
      .execute();
    return true;
  } catch (error) {
    // Another vault got it in between.
    if (isDuplicate(error)) return false;
    throw error;
  }
}

/**
 * All that belongs to a write. From the update of the vault on it is locked: a parallel write waits for
 * the outcome, and then finds another etag. Locks are taken in the order that `DeviceStore.enroll` has.
 */
async function writeIn(
  db: Transaction<SqlSchema>,
  issuer: string,
  { expected, next, history, agents, joins, release }: VaultWrite,
  refuse: (result: VaultWriteResult) => never,
): Promise<VaultWriteResult> {
  const { account } = next;
  const known = joins !== undefined && (await insertDevice(db, issuer, joins.device)) === 'known';
  const { recovery_key: recoveryKey, ...columns } = toVaultColumns(next);
  const stored = await db
    .updateTable('pzk_vaults')
    .set(columns)
    .where('issuer', '=', issuer)
    .where('account', '=', account)
    .where('etag', '=', expected)
    .returning('recovery_key')
    .executeTakeFirst();
  if (stored === undefined) return refuse('conflict');
  await insertHistory(db, issuer, account, history);
  if (release !== undefined && !(await writeRelease(db, issuer, account, release))) {
    return refuse('conflict');
  }
  if (joins?.invitation !== undefined) {
    const use = { id: joins.invitation, account, device: joins.device.id };
    if (!(await useInvitation(db, issuer, use))) return refuse('conflict');
  }
  if (known) return refuse('known');
  if (stored.recovery_key !== recoveryKey) {
    if (!(await setRecoveryKey(db, issuer, account, recoveryKey))) return refuse('known');
  }
  if ((await replaceAgents(db, issuer, account, agents)) === 'known') return refuse('known');
  return 'written';
}

/** Vaults in the table `pzk_vaults`. */
export function sqlVaultStore({ issuer, read, transact }: SqlSession): VaultStore {
  const findBy = (name: 'account' | 'recovery_key', value: string) =>
    read(async (db): Promise<VaultRow | undefined> => {
      const row = await db
        .selectFrom('pzk_vaults')
        .selectAll()
        .where('issuer', '=', issuer)
        .where(name, '=', value)
        .executeTakeFirst();
      return row && parseRow(vaultSchema, row);
    });

  return Object.freeze<VaultStore>({
    get: (account) => findBy('account', account),
    findByRecoveryKey: (recoveryKey) => findBy('recovery_key', recoveryKey),
    findHistory: (account, places) => read((db) => selectHistory(db, issuer, account, places)),
    write: async (change) => {
      assertVaultWrite(change);
      return unlessRefused<VaultWriteResult>((refuse) =>
        transact((db) => writeIn(db, issuer, change, refuse)),
      );
    },
    setPin: ({ account, etag, recipient, pin }) =>
      transact(async (db) => {
        // An update that changes nothing locks the row: of two pins neither is lost.
        const row = await db
          .updateTable('pzk_vaults')
          .set({ etag })
          .where('issuer', '=', issuer)
          .where('account', '=', account)
          .where('etag', '=', etag)
          .returningAll()
          .executeTakeFirst();
        if (row === undefined) return false;
        const { recipients } = parseRow(vaultSchema, row);
        if (!recipients.some(({ id }) => id === recipient)) return false;
        const next = recipients.map((stored) =>
          stored.id === recipient ? { ...stored, pin } : stored,
        );
        await db
          .updateTable('pzk_vaults')
          .set({ recipients: JSON.stringify(next) })
          .where('issuer', '=', issuer)
          .where('account', '=', account)
          .execute();
        return true;
      }),
  });
}
