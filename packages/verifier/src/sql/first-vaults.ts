import { createHash } from 'node:crypto';
import { decodeBase64url, PzkError, parseManifest } from '@pzk-auth/protocol';
import type { Transaction } from 'kysely';
import type { SqlSchema } from './schema.js';

/** Rows that are in memory at once. */
const PAGE = 100;

/** The table of vaults in the first schema. */
interface FirstVaultsTable {
  issuer: string;
  account: string;
  vault_id: string;
  manifest: string;
  manifest_signature: string;
  slots: string;
  /** JSON array of `device`, `sealed` and `pin`: always one. */
  recipients: string;
}

function corrupt(cause: unknown): PzkError {
  return new PzkError('store_unavailable', 'A vault in the database is corrupt.', { cause });
}

/** The one recipient of such a vault with the id that the manifest gives it. */
function withId(manifest: Uint8Array, recipients: string): string {
  const listed = parseManifest(manifest).recipients;
  const stored = JSON.parse(recipients) as readonly object[];
  if (listed.length !== 1 || stored.length !== 1) throw new Error('Not one recipient.');
  return JSON.stringify([{ id: listed[0]?.id, ...stored[0] }]);
}

/** Copies vaults into the table of the second schema. */
export async function copyFirstVaults(db: Transaction<SqlSchema>): Promise<void> {
  const old = db.withTables<{ pzk_first_vaults: FirstVaultsTable }>();
  for (let after: FirstVaultsTable | undefined; ; ) {
    const last: FirstVaultsTable | undefined = after;
    const page = await old
      .selectFrom('pzk_first_vaults')
      .selectAll()
      .$if(last !== undefined, (query) =>
        query.where((eb) =>
          eb.or([
            eb('issuer', '>', last?.issuer ?? ''),
            eb.and([
              eb('issuer', '=', last?.issuer ?? ''),
              eb('account', '>', last?.account ?? ''),
            ]),
          ]),
        ),
      )
      .orderBy('issuer')
      .orderBy('account')
      .limit(PAGE)
      .execute();
    for (const row of page) {
      let manifest: Uint8Array;
      let recipients: string;
      try {
        manifest = decodeBase64url(row.manifest);
        recipients = withId(manifest, row.recipients);
      } catch (cause) {
        throw corrupt(cause);
      }
      await db
        .insertInto('pzk_vaults')
        .values({
          ...row,
          etag: createHash('sha256').update(manifest).digest('base64url'),
          recipients,
          successions: '[]',
          recovery_key: null,
        })
        .execute();
    }
    after = page.at(-1);
    if (after === undefined) return;
  }
}
