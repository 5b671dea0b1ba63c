import { PzkError } from '@pzk-auth/protocol';
import { type Kysely, sql } from 'kysely';
import { toInteger } from './columns.js';
import { coreOf, type DatabaseCore, type SqlDatabase } from './database.js';
import { columnTypes, type Migration, migrations, migrationsTable } from './migrations.js';
import type { SqlSchema } from './schema.js';

const NEWEST = migrations.length;

function describe({ version, name }: Migration): string {
  return `${version} ${name}`;
}

async function pendingIn(core: DatabaseCore, db: Kysely<SqlSchema>): Promise<readonly Migration[]> {
  if (!(await core.hasTable(db, 'pzk_migrations'))) return migrations;
  const rows = await db.selectFrom('pzk_migrations').select('version').execute();
  const applied = new Set(rows.map(({ version }) => toInteger(version)));
  if ([...applied].some((version) => version > NEWEST)) {
    throw new PzkError('store_unavailable', 'A newer version has migrated this database.', {
      hint: 'Run the version of @pzk-auth/verifier that migrated it, or a newer one.',
    });
  }
  return migrations.filter(({ version }) => !applied.has(version));
}

/**
 * What {@link migrate} would apply, each as number and name; empty if the database is up to date.
 * Changes nothing.
 *
 * @throws PzkError `store_unavailable` if a newer version has migrated the database.
 */
export async function pendingMigrations(database: SqlDatabase): Promise<readonly string[]> {
  const core = coreOf(database);
  const pending = await core.read((db) => pendingIn(core, db));
  return pending.map(describe);
}

/**
 * Brings the tables of a database up to date, in one transaction, and returns what it applied. Safe
 * when several processes do it at once: one does, the others wait and find nothing to do. In
 * PostgreSQL the user needs the right to create tables in the schema.
 *
 * @example The deployment's own step, before the new version starts
 * ```ts
 * const database = postgresDatabase(process.env.DATABASE_URL);
 * console.log(await migrate(database));
 * await database.close();
 * ```
 *
 * @throws PzkError `store_unavailable` if a newer version has migrated the database.
 */
export async function migrate(database: SqlDatabase): Promise<readonly string[]> {
  const core = coreOf(database);
  const types = columnTypes[core.dialect];
  // Most starts find nothing to do, and then need no lock.
  if ((await core.read((db) => pendingIn(core, db))).length === 0) return [];
  return core.migrate(async (db) => {
    await sql.raw(migrationsTable(types)).execute(db);
    const pending = await pendingIn(core, db);
    for (const { version, name, statements } of pending) {
      for (const statement of statements(types)) {
        if (typeof statement === 'string') await sql.raw(statement).execute(db);
        else await statement(db);
      }
      await db
        .insertInto('pzk_migrations')
        .values({ version, name, applied_at: Date.now() })
        .execute();
    }
    return pending.map(describe);
  });
}

/** @throws PzkError `store_unavailable` if migrations are pending. */
export async function assertMigrated(database: SqlDatabase): Promise<void> {
  const pending = await pendingMigrations(database);
  if (pending.length === 0) return;
  throw new PzkError('store_unavailable', 'The database lacks migrations of this version.', {
    hint: `Run npx @pzk-auth/cli migrate, or call migrate(database), before the start. Pending: ${pending.join(', ')}.`,
  });
}
