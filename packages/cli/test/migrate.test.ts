import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../verifier/test/sql/start-postgres.js';
import { createWorkplace, SECRET, sqliteConfig, type Workplace } from './harness.js';

let postgres: PostgresServer;
let place: Workplace;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());
beforeEach(() => {
  place = createWorkplace();
});
afterEach(() => place.remove());

describe('migrate', () => {
  it('brings a database up to date that a URL or a path names, before there is a configuration', async () => {
    const databases = [await postgres.createDatabase(), 'new.db', await postgres.createDatabase()];
    for (const [index, name] of databases.entries()) {
      // The last one by the environment.
      const where = index === 2 ? [] : ['--database', name];
      const env: Record<string, string> = index === 2 ? { DATABASE_URL: name } : {};
      const check = await place.run(['migrate', ...where, '--check', '--json'], env);
      expect(check.code).toBe(1);
      expect(check.json.pending.length).toBeGreaterThan(0);
      const applied = await place.run(['migrate', ...where, '--json'], env);
      expect(applied.code).toBe(0);
      expect(applied.json.applied).toEqual(check.json.pending);
      expect((await place.run(['migrate', ...where, '--check'], env)).code).toBe(0);
      expect((await place.run(['migrate', ...where, '--json'], env)).json.applied).toEqual([]);
    }
  });

  it('serves the configuration in production, where nothing migrates by itself', async () => {
    place.write('pzk.config.mjs', sqliteConfig('https://localhost'));
    const env = { NODE_ENV: 'production', PZK_SECRET: SECRET };
    const issue = ['keys', 'issue', '--scope', 'weather:read', '--json'];
    const early = await place.run(issue, env);
    expect({ code: early.code, error: early.error.code }).toEqual({
      code: 3,
      error: 'migrations_pending',
    });
    expect((await place.run(['migrate'], env)).code).toBe(0);
    expect((await place.run(issue, env)).code).toBe(0);
  });

  it('refuses a password on the command line', async () => {
    for (const url of [
      'postgresql://ada:hunter2@127.0.0.1:1/app',
      'postgresql://127.0.0.1:1/app?password=hunter2',
    ]) {
      const answer = await place.run(['migrate', '--database', url, '--json']);
      expect({ code: answer.code, error: answer.error.code }).toEqual({ code: 2, error: 'usage' });
      expect(answer.stdout + answer.stderr).not.toContain('hunter2');
    }
  });

  it('tells a database that does not answer from a wrong command line', async () => {
    const answer = await place.run([
      'migrate',
      '--database',
      'postgresql://127.0.0.1:1/app',
      '--json',
    ]);
    expect({ code: answer.code, error: answer.error.code }).toEqual({
      code: 4,
      error: 'store_unavailable',
    });
    expect((await place.run(['migrate', '--database', ':memory:', '--json'])).code).toBe(2);
    const nothing = await place.run(['migrate', '--json']);
    expect({ code: nothing.code, error: nothing.error.code }).toEqual({
      code: 3,
      error: 'config_missing',
    });
  });
});
