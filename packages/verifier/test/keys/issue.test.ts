import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createVerifier, memoryStores, type Verifier } from '../../src/index.js';
import { type SqlDatabase, sqliteDatabase, sqlStores } from '../../src/sql/index.js';

const ISSUER = 'https://api.example.com';
const LAST_TIME = 8.64e15;
const scopes = ['weather:read'];
let directory: string;
let database: SqlDatabase;
let verifier: Verifier;
let stores: ReturnType<typeof sqlStores>;
const accounts: string[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pzk-keys-'));
  database = sqliteDatabase(join(directory, 'pzk.db'));
  stores = sqlStores({ database, issuer: ISSUER });
  accounts.length = 0;
  verifier = createVerifier({
    issuer: ISSUER,
    audience: ISSUER,
    rpId: 'api.example.com',
    origins: [ISSUER],
    scopes,
    stores: {
      ...memoryStores(),
      ...stores,
      accounts: {
        ...stores.accounts,
        insert: (account) => {
          accounts.push(account.id);
          return stores.accounts.insert(account);
        },
      },
    },
  });
});
afterEach(async () => {
  await verifier.close();
  await database.close();
  rmSync(directory, { recursive: true });
});

describe('keys.issue', () => {
  it.each([
    ['an end that no date has', { expiresAt: LAST_TIME + 1 }],
    ['an end that no row holds', { expiresAt: 1e17 }],
    ['an end that is no whole number', { expiresAt: Date.now() + 1000.5 }],
    ['an end without end', { expiresAt: Number.POSITIVE_INFINITY }],
    ['an end that is no number', { expiresAt: '2100-01-01' as unknown as number }],
    ['a label with NUL', { label: 'a\0b' }],
    ['a label with half a character', { label: 'a\ud800' }],
    ['a label that is no text', { label: 5 as unknown as string }],
  ])('[N12] refuses %s and writes nothing', async (_, over) => {
    await expect(verifier.keys.issue({ scopes, ...over })).rejects.toThrow(TypeError);
    expect(accounts).toEqual([]);
    expect(await stores.keys.list({ limit: 10 })).toEqual([]);
  });

  it('[N12] honest: keeps the last time of all and any text as a label', async () => {
    const label = 'Ada \u{1f511} %_\\ \u0001 é e\u0301';
    const { row } = await verifier.keys.issue({ scopes, expiresAt: LAST_TIME, label });
    expect(await stores.keys.list({ limit: 10 })).toEqual([row]);
    expect(row).toMatchObject({ expiresAt: LAST_TIME, label });
  });
});
