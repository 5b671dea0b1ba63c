import type { Transaction } from 'kysely';
import * as v from 'valibot';
import type { DeviceRow, DeviceStore, Enrollment, EnrollResult } from '../stores/durable-stores.js';
import { assertEnrollment } from '../stores/write-checks.js';
import { column, optional, parseRow } from './columns.js';
import { unlessRefused } from './refused.js';
import { endReleases } from './release-store.js';
import { takeReset } from './reset-store.js';
import { listRows, revokeRow } from './revocable-rows.js';
import type { SqlSchema } from './schema.js';
import type { SqlSession } from './sql-session.js';
import { insertVault, replaceVault } from './vault-columns.js';

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

/**
 * Writes a device. The unique constraint decides, at which a parallel transaction waits for the outcome
 * of the first. `known` if its credential id, or its jkt within the account, exists.
 */
export async function insertDevice(
  db: Transaction<SqlSchema>,
  issuer: string,
  device: DeviceRow,
): Promise<'inserted' | 'known'> {
  const columns = toColumns(issuer, device);
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('pzk_devices')
    .values(columns)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows === 1n) return 'inserted';
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
  return 'known';
}

async function revokeOthers(
  db: Transaction<SqlSchema>,
  issuer: string,
  device: DeviceRow,
  at: number,
): Promise<void> {
  await db
    .updateTable('pzk_devices')
    .set({ revoked_at: at })
    .where('issuer', '=', issuer)
    .where('account', '=', device.account)
    .where('id', '!=', device.id)
    .where('revoked_at', 'is', null)
    .execute();
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

  // All transactions take their locks in one order, so that none waits for another in a circle: device,
  // first device, reset, vault, history, releases, invitations, pairings, agents, other devices.
  async function enroll(enrollment: Enrollment): Promise<EnrollResult> {
    assertEnrollment(enrollment);
    const { device, vault, onlyFirst, resets } = enrollment;
    const { account } = device;
    return unlessRefused<EnrollResult>((refuse) =>
      transact(async (db): Promise<EnrollResult> => {
        if ((await insertDevice(db, issuer, device)) === 'known') return refuse('known');
        const first = await db
          .insertInto('pzk_first_devices')
          .values({ issuer, account, device: device.id })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst();
        if (onlyFirst && first.numInsertedOrUpdatedRows !== 1n) return refuse('not_first');
        if (resets === undefined || vault === undefined) {
          const isTaken = vault !== undefined && !(await insertVault(db, issuer, vault));
          return isTaken ? refuse('known') : 'enrolled';
        }
        if (!(await takeReset(db, issuer, account, resets.at))) return refuse('no_reset');
        if (!(await replaceVault(db, issuer, vault))) return refuse('known');
        const empty = (
          table: 'pzk_vault_history' | 'pzk_invitations' | 'pzk_pairings' | 'pzk_agents',
        ) =>
          db
            .deleteFrom(table)
            .where('issuer', '=', issuer)
            .where('account', '=', account)
            .execute();
        await empty('pzk_vault_history');
        await endReleases(db, issuer, account, resets.at);
        await empty('pzk_invitations');
        await empty('pzk_pairings');
        await empty('pzk_agents');
        await revokeOthers(db, issuer, device, resets.at);
        return 'enrolled';
      }),
    );
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
