import type { ExpressionBuilder, Transaction } from 'kysely';
import * as v from 'valibot';
import { assertSettlement, CHANGED_LIMIT, HOUR, RELEASE_SPAN } from '../stores/release-rules.js';
import type { ReceiptRow, ReleaseRow, ReleaseStore, VaultRelease } from '../stores/vault-stores.js';
import { column, optional, parseRow, toInteger } from './columns.js';
import { findRow } from './find-row.js';
import type { SqlSchema } from './schema.js';
import type { SqlSession } from './sql-session.js';

const releaseSchema = v.pipe(
  v.object({
    id: column.text,
    account: column.text,
    agent: column.text,
    request: column.text,
    signature: column.text,
    slot: column.text,
    requested_at: column.integer,
    expires_at: column.integer,
    status: v.picklist(['waiting', 'released', 'rejected', 'cancelled', 'ended']),
    reason: column.text,
    enc: column.text,
    ct: column.text,
    release_signature: column.text,
    uses: column.integer,
    last_used_at: v.nullable(column.integer),
    changed_at: column.integer,
  }),
  v.transform(
    (row): ReleaseRow => ({
      id: row.id,
      account: row.account,
      agent: row.agent,
      request: row.request,
      signature: row.signature,
      slot: row.slot,
      at: row.requested_at,
      expiresAt: row.expires_at,
      status: row.status,
      reason: row.reason,
      enc: row.enc,
      ct: row.ct,
      releaseSignature: row.release_signature,
      uses: row.uses,
      ...optional('lastUsedAt', row.last_used_at),
      changedAt: row.changed_at,
    }),
  ),
);

const releasesSchema = v.array(releaseSchema);

const receiptsSchema = v.array(
  v.pipe(
    v.object({ number: column.integer, receipt: column.text }),
    v.transform(({ number, receipt }): ReceiptRow => ({ number, receipt })),
  ),
);

const NOTHING_SEALED = { enc: '', ct: '', release_signature: '' } as const;

type Releases = ExpressionBuilder<SqlSchema, 'pzk_releases'>;

/** The time of a change, or 1 more than that of the change before. */
function changedAt(eb: Releases, at: number) {
  return eb
    .case()
    .when('changed_at', '<', at)
    .then(eb.val(at))
    .else(eb('changed_at', '+', 1))
    .end();
}

/** Locks the account's requests against being counted by others, and its receipts against being numbered. */
async function lockAccount(
  db: Transaction<SqlSchema>,
  issuer: string,
  account: string,
): Promise<number> {
  const row = await db
    .insertInto('pzk_release_accounts')
    .values({ issuer, account, receipts: 0 })
    .onConflict((conflict) => conflict.columns(['issuer', 'account']).doUpdateSet({ issuer }))
    .returning('receipts')
    .executeTakeFirstOrThrow();
  return toInteger(row.receipts);
}

/** Releases a request and adds its receipt. `false`, and then nothing is written, unless it waits. */
export async function writeRelease(
  db: Transaction<SqlSchema>,
  issuer: string,
  account: string,
  release: VaultRelease,
): Promise<boolean> {
  const { request, at, enc, ct, signature, receipt } = release;
  // Before the request itself, as `insert` does.
  const number = (await lockAccount(db, issuer, account)) + 1;
  const { numUpdatedRows } = await db
    .updateTable('pzk_releases')
    .set((eb) => ({
      status: 'released',
      enc,
      ct,
      release_signature: signature,
      changed_at: changedAt(eb, at),
    }))
    .where('issuer', '=', issuer)
    .where('id', '=', request)
    .where('account', '=', account)
    .where('status', '=', 'waiting')
    .where('expires_at', '>', at)
    .executeTakeFirst();
  if (numUpdatedRows !== 1n) return false;
  await db
    .updateTable('pzk_release_accounts')
    .set({ receipts: number })
    .where('issuer', '=', issuer)
    .where('account', '=', account)
    .execute();
  await db.insertInto('pzk_receipts').values({ issuer, account, number, receipt }).execute();
  return true;
}

/** Deletes what waits, ends what was released; receipts stay. */
export async function endReleases(
  db: Transaction<SqlSchema>,
  issuer: string,
  account: string,
  at: number,
): Promise<void> {
  await lockAccount(db, issuer, account);
  await db
    .deleteFrom('pzk_releases')
    .where('issuer', '=', issuer)
    .where('account', '=', account)
    .where('status', '=', 'waiting')
    .execute();
  await db
    .updateTable('pzk_releases')
    .set((eb) => ({ status: 'ended', ...NOTHING_SEALED, changed_at: changedAt(eb, at) }))
    .where('issuer', '=', issuer)
    .where('account', '=', account)
    .where('status', '=', 'released')
    .execute();
}

/** Requests in the table `pzk_releases`, receipts in `pzk_receipts`. */
export function sqlReleaseStore(session: SqlSession): ReleaseStore {
  const { issuer, read, write, transact } = session;
  const insert: ReleaseStore['insert'] = (release, limits) =>
    transact(async (db) => {
      const { id, account, agent, at } = release;
      await lockAccount(db, issuer, account);
      const known = await db
        .selectFrom('pzk_releases')
        .select('id')
        .where('issuer', '=', issuer)
        .where('id', '=', id)
        .executeTakeFirst();
      if (known !== undefined) return 'known';
      const ofAccount = db
        .selectFrom('pzk_releases')
        .select((eb) => eb.fn.countAll().as('count'))
        .where('issuer', '=', issuer)
        .where('account', '=', account);
      const waiting = ofAccount.where('status', '=', 'waiting').where('expires_at', '>', at);
      const recent = ofAccount.where('agent', '=', agent).where('requested_at', '>', at - HOUR);
      const limited = [
        [waiting, limits.waitingOfAccount],
        [waiting.where('agent', '=', agent), limits.waitingOfAgent],
        [recent, limits.hourlyOfAgent],
      ] as const;
      for (const [query, limit] of limited) {
        const { count } = await query.executeTakeFirstOrThrow();
        if (toInteger(count) >= limit) return 'limited';
      }
      const { keptSince } = limits;
      await db
        .deleteFrom('pzk_releases')
        .where('issuer', '=', issuer)
        .where('account', '=', account)
        .where('requested_at', '<', keptSince)
        .where('changed_at', '<', keptSince)
        .where((eb) =>
          eb.or([
            eb('status', '!=', 'released'),
            eb('requested_at', '<', keptSince - RELEASE_SPAN),
          ]),
        )
        .execute();
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('pzk_releases')
        .values({
          issuer,
          id,
          account,
          agent,
          request: release.request,
          signature: release.signature,
          slot: release.slot,
          requested_at: at,
          expires_at: release.expiresAt,
          status: release.status,
          reason: release.reason,
          enc: release.enc,
          ct: release.ct,
          release_signature: release.releaseSignature,
          uses: release.uses,
          last_used_at: release.lastUsedAt ?? null,
          changed_at: release.changedAt,
        })
        // Another account's request of this id may have come meanwhile.
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      return numInsertedOrUpdatedRows === 1n ? 'added' : 'known';
    });

  return Object.freeze<ReleaseStore>({
    insert,
    get: (id) => findRow(session, 'pzk_releases', id, releaseSchema),
    listByAccount: (account, { before, limit }) =>
      read(async (db) => {
        const rows = await db
          .selectFrom('pzk_releases')
          .selectAll()
          .where('issuer', '=', issuer)
          .where('account', '=', account)
          .where('requested_at', '<', before ?? Number.MAX_SAFE_INTEGER)
          .orderBy('requested_at', 'desc')
          .orderBy('id', 'desc')
          .limit(limit)
          .execute();
        return parseRow(releasesSchema, rows);
      }),
    listChanged: ({ account, agent }, after) =>
      read(async (db) => {
        const rows = await db
          .selectFrom('pzk_releases')
          .selectAll()
          .where('issuer', '=', issuer)
          .where('account', '=', account)
          .where('agent', '=', agent)
          .where('changed_at', '>', after)
          .orderBy('changed_at')
          .orderBy('id')
          .limit(CHANGED_LIMIT)
          .execute();
        return parseRow(releasesSchema, rows);
      }),
    settle: async (id, settlement) => {
      assertSettlement(settlement);
      const { from, to, reason, at } = settlement;
      return write(async (db) => {
        const { numUpdatedRows } = await db
          .updateTable('pzk_releases')
          .set((eb) => ({
            status: to,
            ...(reason === undefined ? {} : { reason }),
            ...NOTHING_SEALED,
            changed_at: changedAt(eb, at),
          }))
          .where('issuer', '=', issuer)
          .where('id', '=', id)
          .where('status', '=', from)
          .$if(from === 'waiting', (query) => query.where('expires_at', '>', at))
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      });
    },
    takeSealed: (id, at) =>
      transact(async (db) => {
        const found = await db
          .selectFrom('pzk_releases')
          .select(['enc', 'ct', 'release_signature'])
          .where('issuer', '=', issuer)
          .where('id', '=', id)
          .where('status', '=', 'released')
          .where('enc', '!=', '')
          .executeTakeFirst();
        if (found === undefined) return undefined;
        // Of two who found it, one still finds it here.
        const { numUpdatedRows } = await db
          .updateTable('pzk_releases')
          .set((eb) => ({ ...NOTHING_SEALED, changed_at: changedAt(eb, at) }))
          .where('issuer', '=', issuer)
          .where('id', '=', id)
          .where('status', '=', 'released')
          .where('enc', '=', found.enc)
          .executeTakeFirst();
        if (numUpdatedRows !== 1n) return undefined;
        return Object.freeze({ enc: found.enc, ct: found.ct, signature: found.release_signature });
      }),
    recordUses: (id, uses, at) =>
      write(async (db) => {
        const { numUpdatedRows } = await db
          .updateTable('pzk_releases')
          .set((eb) => ({
            uses: eb.case().when('uses', '>', uses).then(eb.ref('uses')).else(uses).end(),
            last_used_at: eb
              .case()
              .when('last_used_at', '>', at)
              .then(eb.ref('last_used_at'))
              .else(eb.val(at))
              .end(),
            changed_at: changedAt(eb, at),
          }))
          .where('issuer', '=', issuer)
          .where('id', '=', id)
          .where('status', 'in', ['released', 'ended'])
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      }),
    listReceipts: (account, { after, limit }) =>
      read(async (db) => {
        const rows = await db
          .selectFrom('pzk_receipts')
          .select(['number', 'receipt'])
          .where('issuer', '=', issuer)
          .where('account', '=', account)
          .where('number', '>', after)
          .orderBy('number')
          .limit(limit)
          .execute();
        return parseRow(receiptsSchema, rows);
      }),
  });
}
