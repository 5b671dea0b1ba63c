import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { memoryStores, type Stores, type VerifierOptions } from '../../src/index.js';
import { migrate, type SqlDatabase, sqliteDatabase, sqlStores } from '../../src/sql/index.js';
import { createIssuer, ISSUER, type TestIssuer } from './issuer.js';

/** What the tests of one kind of stores get. */
export interface KindOfIssuer {
  /** There once the tests run. */
  readonly issuer: TestIssuer;
}

/** Runs tests on memory stores and on SQLite, each with an issuer of their own. */
export function describeOnStores(
  name: string,
  tests: (kind: KindOfIssuer) => void,
  options: Partial<VerifierOptions> = {},
  adapt: (stores: Stores) => Stores = (stores) => stores,
): void {
  describe(`${name}, memory`, () => {
    let issuer: TestIssuer;
    beforeAll(() => {
      issuer = createIssuer({
        ...options,
        stores: adapt(memoryStores({ clock: () => issuer?.now() ?? Date.now() })),
      });
    });
    afterAll(() => issuer.verifier.close());
    tests({
      get issuer() {
        return issuer;
      },
    });
  });

  describe(`${name}, SQLite`, () => {
    let issuer: TestIssuer;
    let directory: string;
    let database: SqlDatabase;
    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'pzk-vault-'));
      database = sqliteDatabase(join(directory, 'pzk.db'));
      await migrate(database);
      const clock = () => issuer?.now() ?? Date.now();
      issuer = createIssuer({
        ...options,
        stores: adapt({ ...memoryStores({ clock }), ...sqlStores({ database, issuer: ISSUER }) }),
      });
    });
    afterAll(async () => {
      await issuer.verifier.close();
      await database.close();
      await rm(directory, { recursive: true, force: true });
    });
    tests({
      get issuer() {
        return issuer;
      },
    });
  });
}
