import type { Transaction } from 'kysely';
import * as v from 'valibot';
import type { SigningKeyRow, SigningKeyStore } from '../stores/durable-stores.js';
import { column, parseRow } from './columns.js';
import type { SqlSchema } from './schema.js';
import type { SqlSession } from './sql-session.js';

const signingKeysSchema = v.array(
  v.pipe(
    v.object({
      kid: column.text,
      wrapped: column.text,
      created_at: column.integer,
      active_from: column.integer,
    }),
    v.transform(
      (row): SigningKeyRow => ({
        kid: row.kid,
        wrapped: row.wrapped,
        createdAt: row.created_at,
        activeFrom: row.active_from,
      }),
    ),
  ),
);

/** Signing keys, wrapped, in the table `pzk_signing_keys`. */
export function sqlSigningKeyStore({ issuer, read, write, transact }: SqlSession): SigningKeyStore {
  /** Locks the row of the issuer until the transaction ends, making it where there is none. */
  async function lockIssuer(db: Transaction<SqlSchema>): Promise<void> {
    await db
      .insertInto('pzk_issuers')
      .values({ issuer })
      .onConflict((conflict) => conflict.column('issuer').doUpdateSet({ issuer }))
      .execute();
  }

  async function insert(db: Transaction<SqlSchema>, row: SigningKeyRow): Promise<void> {
    await db
      .insertInto('pzk_signing_keys')
      .values({
        issuer,
        kid: row.kid,
        wrapped: row.wrapped,
        created_at: row.createdAt,
        active_from: row.activeFrom,
      })
      .execute();
  }

  return Object.freeze<SigningKeyStore>({
    list: () =>
      read(async (db) =>
        parseRow(
          signingKeysSchema,
          await db
            .selectFrom('pzk_signing_keys')
            .selectAll()
            .where('issuer', '=', issuer)
            .orderBy('active_from')
            .orderBy('kid')
            .execute(),
        ),
      ),
    insertFirst: (row) =>
      transact(async (db) => {
        await lockIssuer(db);
        const found = await db
          .selectFrom('pzk_signing_keys')
          .select('kid')
          .where('issuer', '=', issuer)
          .limit(1)
          .executeTakeFirst();
        if (found !== undefined) return false;
        await insert(db, row);
        return true;
      }),
    insert: (row) =>
      transact(async (db) => {
        await lockIssuer(db);
        await insert(db, row);
      }),
    remove: (kid) =>
      write(async (db) => {
        const { numDeletedRows } = await db
          .deleteFrom('pzk_signing_keys')
          .where('issuer', '=', issuer)
          .where('kid', '=', kid)
          .executeTakeFirst();
        return numDeletedRows === 1n;
      }),
  });
}
