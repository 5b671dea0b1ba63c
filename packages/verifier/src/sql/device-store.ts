import type { Transaction } from 'kysely';
import * as v from 'valibot';
import type {
  DeviceRow,
  DeviceStore,
  Enrollment,
  EnrollResult,
  VaultRow,
} from '../stores/durable-stores.js';
import { column, optional, parseRow } from './columns.js';
import { listRows, revokeRow } from './revocable-rows.js';
import type { SqlSchema } from './schema.js';
import type { SqlSession } from './sql-session.js';
import { insertVault } from './vault-store.js';

const deviceSchema = v.pipe(
  v.object({
    id: column.text,
    account: column.text,
    key_id: column.text,
    kind: v.picklist(['passkey', 'keypair']),
    credential_id: v.nullable(column.text),
    jkt: v.nullable(column.text),
    public_key: column.text,
    user_handle: column.text,
    transports: column.json(v.array(v.string())),
    backup_eligible: column.flag,
    backed_up: column.flag,
    key_protection: v.picklist(['passkey', 'device', 'none']),
    counter: column.integer,
    counter_nonce: column.text,
    created_at: column.integer,
    revoked_at: v.nullable(column.integer),
  }),
  v.transform(
    (row): DeviceRow => ({
      id: row.id,
      account: row.account,
      key: row.key_id,
      kind: row.kind,
      credentialId: row.credential_id ?? '',
      jkt: row.jkt ?? '',
      publicKey: row.public_key,
      userHandle: row.user_handle,
      transports: row.transports,
      backupEligible: row.backup_eligible,
      backedUp: row.backed_up,
      keyProtection: row.key_protection,
      counter: row.counter,
      counterNonce: row.counter_nonce,
      createdAt: row.created_at,
      ...optional('revokedAt', row.revoked_at),
    }),
  ),
);

const devicesSchema = v.array(deviceSchema);

function toColumns(issuer: string, device: DeviceRow) {
  return {
    issuer,
    id: device.id,
    account: device.account,
    key_id: device.key,
    kind: device.kind,
    credential_id: device.credentialId === '' ? null : device.credentialId,
    jkt: device.jkt === '' ? null : device.jkt,
    public_key: device.publicKey,
    user_handle: device.userHandle,
    transports: JSON.stringify(device.transports),
    backup_eligible: device.backupEligible ? 1 : 0,
    backed_up: device.backedUp ? 1 : 0,
    key_protection: device.keyProtection,
    counter: device.counter,
    counter_nonce: device.counterNonce,
    created_at: device.createdAt,
    revoked_at: device.revokedAt ?? null,
  };
}

/** Ends a transaction so that nothing of it stays, with an answer. */
class Refused extends Error {
  constructor(readonly result: Exclude<EnrollResult, 'enrolled'>) {
    super(result);
  }
}

/**
 * Each insert is decided by a unique constraint, at which a parallel transaction waits for the outcome
 * of the first. All transactions insert in the same order, so none waits for the other in a circle.
 */
async function enrollIn(
  db: Transaction<SqlSchema>,
  issuer: string,
  device: DeviceRow,
  vault: VaultRow | undefined,
  onlyFirst: boolean,
): Promise<void> {
  const columns = toColumns(issuer, device);
  const inserted = await db
    .insertInto('pzk_devices')
    .values(columns)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (inserted.numInsertedOrUpdatedRows !== 1n) {
    const known = await db
      .selectFrom('pzk_devices')
      .select('id')
      .where('issuer', '=', issuer)
      .where((eb) =>
        eb.or([
          eb('credential_id', '=', columns.credential_id),
          eb.and([eb('account', '=', columns.account), eb('jkt', '=', columns.jkt)]),
        ]),
      )
      .executeTakeFirst();
    if (known === undefined) throw new TypeError('A device of this id exists.');
    throw new Refused('known');
  }
  const first = await db
    .insertInto('pzk_first_devices')
    .values({ issuer, account: device.account, device: device.id })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (onlyFirst && first.numInsertedOrUpdatedRows !== 1n) throw new Refused('not_first');
  if (vault !== undefined) await insertVault(db, issuer, vault);
}

/** Devices in the table `pzk_devices`. */
export function sqlDeviceStore(session: SqlSession): DeviceStore {
  const { issuer, read, write, transact } = session;
  const findBy = (
    where: Partial<Record<'id' | 'credential_id' | 'account' | 'jkt', string>>,
  ): Promise<DeviceRow | undefined> =>
    read(async (db) => {
      const row = await db
        .selectFrom('pzk_devices')
        .selectAll()
        .where('issuer', '=', issuer)
        .where((eb) => eb.and(where))
        .executeTakeFirst();
      return row && parseRow(deviceSchema, row);
    });

  async function enroll({ device, vault, onlyFirst }: Enrollment): Promise<EnrollResult> {
    if (vault !== undefined && vault.account !== device.account) {
      throw new TypeError('A vault belongs to the account of the device that it comes with.');
    }
    try {
      await transact((db) => enrollIn(db, issuer, device, vault, onlyFirst));
      return 'enrolled';
    } catch (error) {
      if (error instanceof Refused) return error.result;
      throw error;
    }
  }

  return Object.freeze<DeviceStore>({
    enroll,
    get: (id) => findBy({ id }),
    // Empty ones are stored as null, which equals nothing.
    findByCredentialId: (credentialId) => findBy({ credential_id: credentialId }),
    findByJkt: (account, jkt) => findBy({ account, jkt }),
    listByAccount: (account) =>
      listRows(session, 'pzk_devices', { column: 'account', id: account }, devicesSchema),
    advanceCounter: async (id, counter, nonce) => {
      if (!Number.isSafeInteger(counter) || counter < 0) return false;
      // An authenticator that does not count: nothing to write, which is so for most passkeys.
      if (counter === 0) return (await findBy({ id }))?.counter === 0;
      return write(async (db) => {
        const { numUpdatedRows } = await db
          .updateTable('pzk_devices')
          .set({ counter, counter_nonce: nonce })
          .where('issuer', '=', issuer)
          .where('id', '=', id)
          .where((eb) =>
            eb.or([
              eb('counter', '<', counter),
              eb.and([eb('counter', '=', counter), eb('counter_nonce', '=', nonce)]),
            ]),
          )
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      });
    },
    revoke: (id, at) => revokeRow(session, 'pzk_devices', id, at),
  });
}
