import * as v from 'valibot';
import type { KeyRow, KeyStore } from '../stores/durable-stores.js';
import { column, optional, parseRow } from './columns.js';
import { listRows, revokeRow } from './revocable-rows.js';
import type { SqlSession } from './sql-session.js';

const keySchema = v.pipe(
  v.object({
    id: column.text,
    account: column.text,
    commitment: column.text,
    scopes: column.json(v.array(v.string())),
    demands: v.picklist(['passkey', 'keypair', 'none']),
    label: v.nullable(column.text),
    created_at: column.integer,
    expires_at: v.nullable(column.integer),
    revoked_at: v.nullable(column.integer),
  }),
  v.transform(
    (row): KeyRow => ({
      id: row.id,
      account: row.account,
      commitment: row.commitment,
      scopes: row.scopes,
      demands: row.demands,
      ...optional('label', row.label),
      createdAt: row.created_at,
      ...optional('expiresAt', row.expires_at),
      ...optional('revokedAt', row.revoked_at),
    }),
  ),
);

const keysSchema = v.array(keySchema);

/** API keys in the table `pzk_keys`; its unique constraints decide who was first. */
export function sqlKeyStore(session: SqlSession): KeyStore {
  const { issuer, read, write } = session;
  const findBy = (name: 'id' | 'commitment', value: string): Promise<KeyRow | undefined> =>
    read(async (db) => {
      const row = await db
        .selectFrom('pzk_keys')
        .selectAll()
        .where('issuer', '=', issuer)
        .where(name, '=', value)
        .executeTakeFirst();
      return row && parseRow(keySchema, row);
    });

  return Object.freeze<KeyStore>({
    insert: (key) =>
      write(async (db) => {
        const { numInsertedOrUpdatedRows } = await db
          .insertInto('pzk_keys')
          .values({
            issuer,
            id: key.id,
            account: key.account,
            commitment: key.commitment,
            scopes: JSON.stringify(key.scopes),
            demands: key.demands,
            label: key.label ?? null,
            created_at: key.createdAt,
            expires_at: key.expiresAt ?? null,
            revoked_at: key.revokedAt ?? null,
          })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst();
        return numInsertedOrUpdatedRows === 1n;
      }),
    get: (id) => findBy('id', id),
    findByCommitment: (commitment) => findBy('commitment', commitment),
    listByAccount: (account) =>
      listRows(session, 'pzk_keys', { column: 'account', id: account }, keysSchema),
    list: ({ after = '', limit }) =>
      read(async (db) =>
        parseRow(
          keysSchema,
          await db
            .selectFrom('pzk_keys')
            .selectAll()
            .where('issuer', '=', issuer)
            .where('id', '>', after)
            .orderBy('id')
            .limit(limit)
            .execute(),
        ),
      ),
    expire: (id, at) =>
      write(async (db) => {
        const { numUpdatedRows } = await db
          .updateTable('pzk_keys')
          .set((eb) => ({
            expires_at: eb
              .case()
              .when('expires_at', '<', at)
              .then(eb.ref('expires_at'))
              .else(eb.val(at))
              .end(),
          }))
          .where('issuer', '=', issuer)
          .where('id', '=', id)
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      }),
    revoke: (id, at) => revokeRow(session, 'pzk_keys', id, at),
  });
}
