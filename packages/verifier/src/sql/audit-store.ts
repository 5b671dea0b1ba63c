import * as v from 'valibot';
import type { AuditRow, AuditStore } from '../stores/audit-store.js';
import { column, optional, parseRow } from './columns.js';
import type { SqlSession } from './sql-session.js';

/** Rows of one statement: databases bound the parameters of one. */
const CHUNK = 100;

const auditSchema = v.array(
  v.pipe(
    v.object({
      seq: column.integer,
      at: column.integer,
      body: column.text,
      previous: column.text,
      hash: column.text,
      account: v.nullable(column.text),
    }),
    v.transform(({ seq, at, body, previous, hash, account }): AuditRow => {
      return { seq, at, body, previous, hash, ...optional('account', account) };
    }),
  ),
);

/** Ends a transaction so that nothing of it stays. */
class Overtaken extends Error {}

/** The audit log in the table `pzk_audit`; its primary key decides who appends. */
export function sqlAuditStore({ issuer, read, transact }: SqlSession): AuditStore {
  async function append(rows: readonly AuditRow[]): Promise<boolean> {
    const [first] = rows;
    if (first === undefined) return true;
    if (rows.some(({ seq }, index) => seq !== first.seq + index) || first.seq < 1) return false;
    try {
      await transact(async (db) => {
        if (first.seq > 1) {
          const before = await db
            .selectFrom('pzk_audit')
            .select('seq')
            .where('issuer', '=', issuer)
            .where('seq', '=', first.seq - 1)
            .executeTakeFirst();
          if (before === undefined) throw new Overtaken();
        }
        for (let start = 0; start < rows.length; start += CHUNK) {
          const chunk = rows.slice(start, start + CHUNK);
          const { numInsertedOrUpdatedRows } = await db
            .insertInto('pzk_audit')
            .values(
              chunk.map(({ seq, at, body, previous, hash, account = null }) => {
                return { issuer, seq, at, body, previous, hash, account };
              }),
            )
            .onConflict((conflict) => conflict.doNothing())
            .executeTakeFirst();
          if (numInsertedOrUpdatedRows !== BigInt(chunk.length)) throw new Overtaken();
        }
      });
      return true;
    } catch (error) {
      if (error instanceof Overtaken) return false;
      throw error;
    }
  }

  return Object.freeze<AuditStore>({
    append,
    last: () =>
      read(async (db) => {
        const rows = await db
          .selectFrom('pzk_audit')
          .selectAll()
          .where('issuer', '=', issuer)
          .orderBy('seq', 'desc')
          .limit(1)
          .execute();
        return parseRow(auditSchema, rows)[0];
      }),
    list: ({ after, limit }) =>
      read(async (db) =>
        parseRow(
          auditSchema,
          await db
            .selectFrom('pzk_audit')
            .selectAll()
            .where('issuer', '=', issuer)
            .where('seq', '>', after)
            .orderBy('seq')
            .limit(limit)
            .execute(),
        ),
      ),
    listByAccount: (account, { before = Number.MAX_SAFE_INTEGER, limit }) =>
      read(async (db) =>
        parseRow(
          auditSchema,
          await db
            .selectFrom('pzk_audit')
            .selectAll()
            .where('issuer', '=', issuer)
            .where('account', '=', account)
            .where('at', '<', before)
            .orderBy('at', 'desc')
            .orderBy('seq', 'desc')
            .limit(limit)
            .execute(),
        ),
      ),
  });
}
