export type { SqlDatabase, SqlDialect } from './database.js';
export { readDatabaseTime } from './database-time.js';
export { migrate, pendingMigrations } from './migrate.js';
export { postgresDatabase } from './postgres-database.js';
export type { PgPool } from './postgres-pool.js';
export { type SqlStoresOptions, sqlStores } from './sql-stores.js';
export { sqliteDatabase } from './sqlite-database.js';
