import type { Transaction } from 'kysely';
import * as v from 'valibot';
import { KEPT_AFTER_EXPIRY } from '../stores/kept-after-expiry.js';
import type { InvitationRow, InvitationStore } from '../stores/vault-stores.js';
import { column, optional, parseRow } from './columns.js';
import { findRow } from './find-row.js';
import type { SqlSchema } from './schema.js';
import type { SqlSession } from './sql-session.js';

const deviceSchema = v.strictObject({
  id: v.string(),
  account: v.string(),
  key: v.string(),
  kind: v.picklist(['passkey', 'keypair']),
  credentialId: v.string(),
  jkt: v.string(),
  publicKey: v.string(),
  userHandle: v.string(),
  transports: v.array(v.string()),
  backupEligible: v.boolean(),
  backedUp: v.boolean(),
  keyProtection: v.picklist(['passkey', 'device', 'none']),
  counter: v.number(),
  counterNonce: v.string(),
  createdAt: v.number(),
  revokedAt: v.optional(v.number()),
});

const invitedSchema = v.strictObject({
  device: deviceSchema,
  recipient: v.string(),
  hpkeKey: v.string(),
  salt: v.string(),
  generation: v.number(),
  pin: v.string(),
  macNew: v.string(),
});

const invitationSchema = v.pipe(
  v.object({
    id: column.text,
    account: column.text,
    vault_id: column.text,
    device: column.text,
    mac_old: column.text,
    identity_key: column.text,
    counter: column.integer,
    manifest_hash: column.text,
    expires_at: column.integer,
    joined: v.nullable(column.json(invitedSchema)),
    ended: column.flag,
  }),
  v.transform(
    (row): InvitationRow => ({
      id: row.id,
      account: row.account,
      vaultId: row.vault_id,
      device: row.device,
      macOld: row.mac_old,
      identityKey: row.identity_key,
      counter: row.counter,
      manifestHash: row.manifest_hash,
      expiresAt: row.expires_at,
      ...optional('joined', row.joined),
      ended: row.ended,
    }),
  ),
);

/**
 * Ends an invitation in a transaction. `false`, and then the transaction must not be committed, unless it
 * is one of this account that is not ended and that this device has joined.
 */
export async function useInvitation(
  db: Transaction<SqlSchema>,
  issuer: string,
  use: { readonly id: string; readonly account: string; readonly device: string },
): Promise<boolean> {
  const row = await db
    .updateTable('pzk_invitations')
    .set({ ended: 1 })
    .where('issuer', '=', issuer)
    .where('id', '=', use.id)
    .where('account', '=', use.account)
    .where('ended', '=', 0)
    .returningAll()
    .executeTakeFirst();
  return row !== undefined && parseRow(invitationSchema, row).joined?.device.id === use.device;
}

/** Invitations in the table `pzk_invitations`. */
export function sqlInvitationStore(session: SqlSession): InvitationStore {
  const { issuer, read, write } = session;
  return Object.freeze<InvitationStore>({
    insert: async (invitation, now) => {
      await write((db) =>
        db
          .deleteFrom('pzk_invitations')
          .where('issuer', '=', issuer)
          .where('expires_at', '<', now - KEPT_AFTER_EXPIRY)
          .execute(),
      );
      return write(async (db) => {
        const { joined } = invitation;
        const { numInsertedOrUpdatedRows } = await db
          .insertInto('pzk_invitations')
          .values({
            issuer,
            id: invitation.id,
            account: invitation.account,
            vault_id: invitation.vaultId,
            device: invitation.device,
            mac_old: invitation.macOld,
            identity_key: invitation.identityKey,
            counter: invitation.counter,
            manifest_hash: invitation.manifestHash,
            expires_at: invitation.expiresAt,
            joined: joined === undefined ? null : JSON.stringify(joined),
            ended: invitation.ended ? 1 : 0,
          })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst();
        return numInsertedOrUpdatedRows === 1n;
      });
    },
    get: (id) => findRow(session, 'pzk_invitations', id, invitationSchema),
    findJoined: (account, recipient) =>
      read(async (db) => {
        const rows = await db
          .selectFrom('pzk_invitations')
          .selectAll()
          .where('issuer', '=', issuer)
          .where('account', '=', account)
          .where('ended', '=', 0)
          .where('joined', 'is not', null)
          .execute();
        return rows
          .map((row) => parseRow(invitationSchema, row))
          .find(({ joined }) => joined?.recipient === recipient);
      }),
    join: (id, invited, now) =>
      write(async (db) => {
        const { numUpdatedRows } = await db
          .updateTable('pzk_invitations')
          .set({ joined: JSON.stringify(invited) })
          .where('issuer', '=', issuer)
          .where('id', '=', id)
          .where('joined', 'is', null)
          .where('ended', '=', 0)
          .where('expires_at', '>', now)
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      }),
    end: (id) =>
      write(async (db) => {
        const { numUpdatedRows } = await db
          .updateTable('pzk_invitations')
          .set({ ended: 1 })
          .where('issuer', '=', issuer)
          .where('id', '=', id)
          .where('ended', '=', 0)
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      }),
  });
}
