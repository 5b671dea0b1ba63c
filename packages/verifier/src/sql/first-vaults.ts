import { createHash } from 'node:crypto';
import { decodeBase64url, PzkError } from '@pzk-auth/protocol';
import type { Transaction } from 'kysely';
import * as v from 'valibot';
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

/** What of a manifest is needed. Not the parser of today: this step has to do the same for ever. */
const manifestSchema = v.object({ recipients: v.strictTuple([v.object({ id: v.string() })]) });
const recipientsSchema = v.strictTuple([v.looseObject({})]);

/** What the second schema adds to a row. */
function upgrade({ manifest, recipients }: FirstVaultsTable) {
  try {
    const bytes = decodeBase64url(manifest);
    const listed = v.parse(manifestSchema, JSON.parse(new TextDecoder().decode(bytes)));
    const stored = v.parse(recipientsSchema, JSON.parse(recipients));
    return {
      etag: createHash('sha256').update(bytes).digest('base64url'),
      recipients: JSON.stringify([{ id: listed.recipients[0].id, ...stored[0] }]),
      successions: '[]',
      recovery_key: null,
    };
  } catch {
    // Without the cause, which would quote the row.
    throw new PzkError('store_unavailable', 'A vault in the database is corrupt.');
  }
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
      await db
        .insertInto('pzk_vaults')
        .values({ ...row, ...upgrade(row) })
        .execute();
    }
    after = page.at(-1);
    if (after === undefined) return;
  }
}
