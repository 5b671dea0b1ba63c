import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { memoryStores, type Stores } from '@pzk-auth/verifier';
import { sqliteDatabase, sqlStores } from '@pzk-auth/verifier/sql';
import { openTasks, type Tasks } from './tasks.js';

/** What the platform keeps between two starts. */
export interface PlatformData {
  readonly directory: string;
  /** Under it the signing keys in the database are encrypted, so it is kept elsewhere. */
  readonly secret: string;
  readonly tasks: Tasks;
  /** What lasts in the file, what lives minutes in memory: for one process. */
  stores(issuer: string): Stores;
  close(): Promise<void>;
}

/** In production the secret comes from the environment or a secret manager. */
function readSecret(path: string): string {
  try {
    writeFileSync(path, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFileSync(path, 'utf8');
}

/** Opens the platform's directory, or makes it. */
export function openPlatformData(directory: string): PlatformData {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const database = sqliteDatabase(join(directory, 'platform.db'));
  const tasks = openTasks(join(directory, 'tasks.db'));
  return {
    directory,
    secret: readSecret(join(directory, 'secret')),
    tasks,
    stores: (issuer) => ({ ...memoryStores(), ...sqlStores({ database, issuer }) }),
    async close() {
      tasks.close();
      await database.close();
    },
  };
}
