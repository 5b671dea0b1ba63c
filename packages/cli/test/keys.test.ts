import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createVerifier, memoryStores } from '@pzk-auth/verifier';
import { sqliteDatabase, sqlStores } from '@pzk-auth/verifier/sql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWorkplace, SECRET, sqliteConfig, type Workplace } from './harness.js';

const ISSUER = 'http://localhost:3999';
const env = { PZK_SECRET: SECRET };
let place: Workplace;

beforeEach(() => {
  place = createWorkplace();
  place.write('pzk.config.mjs', sqliteConfig(ISSUER));
});
afterEach(() => place.remove());

const run = (...words: string[]) => place.run(words, env);

/** The verifier of the application, on the same file. */
function openVerifier() {
  const database = sqliteDatabase(place.path('pzk.db'));
  const stores = { ...memoryStores(), ...sqlStores({ database, issuer: ISSUER }) };
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: ISSUER,
    rpId: 'localhost',
    origins: [ISSUER],
    scopes: ['weather:read', 'weather:write'],
    secret: SECRET,
    stores,
  });
  const close = async () => {
    await verifier.close();
    await database.close();
  };
  return { verifier, stores, close };
}

describe('keys', () => {
  it('issue prints the key to stdout alone, once, and stores it nowhere', async () => {
    const issued = await run('keys', 'issue', '--scope', 'weather:read', '--label', 'Ada');
    expect(issued.code).toBe(0);
    expect(issued.stdout).toMatch(/^pzk_[A-Za-z0-9]+\n$/);
    const apiKey = issued.stdout.trim();
    expect(issued.stderr).toContain('Ada');
    expect(issued.stderr).not.toContain(apiKey);
    // The log of the database goes with its last connection, if that is closed in time.
    const files = readdirSync(place.directory).filter((name) => name.startsWith('pzk.db'));
    expect(files).toContain('pzk.db');
    for (const file of files) {
      expect(readFileSync(place.path(file), 'latin1')).not.toContain(apiKey.slice(8));
    }
    const listed = await run('keys', 'list', '--json');
    expect(listed.json.keys).toMatchObject([
      { label: 'Ada', scopes: ['weather:read'], status: 'active', demands: 'passkey' },
    ]);
    expect(listed.stdout).not.toContain('commitment');
  });

  it('[H7] a stored label steers no terminal, in a table or as JSON', async () => {
    const { verifier, close } = openVerifier();
    const label = 'Ada\u001b]0;x\u0007\u009b2J\u007f\u202e\u2028\u{e0001}\n\u200bB';
    await verifier.keys.issue({ scopes: ['weather:read'], label });
    await close();
    for (const flags of [[], ['--json']]) {
      const { code, stdout } = await run('keys', 'list', ...flags);
      expect(code).toBe(0);
      expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
      expect(stdout.split('\n').filter((line) => line.includes('Ada'))).toHaveLength(1);
    }
    // [H7] honest: a script reads it as it was written.
    expect((await run('keys', 'list', '--json')).json.keys[0].label).toBe(label);
  });

  it('[H7] nor does the content of a file that an error quotes', async () => {
    place.write('keys.json', '{"id": \u001b]0;x\u0007\u009b2J}');
    place.write(
      'pzk.config.mjs',
      `import { existsSync, readdirSync, readFileSync } from 'node:fs';
       JSON.parse(readFileSync('keys.json', 'utf8'));`,
    );
    for (const flags of [[], ['--json']]) {
      const { code, stderr } = await run('keys', 'list', ...flags);
      expect(code).toBe(3);
      expect(stderr).toContain('not valid JSON');
      expect(stderr.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
  });

  it('shows no password of a URL that an error quotes', async () => {
    const urls = [
      'postgresql://ada:hunter2@host/db',
      'postgresql://ada:hun/ter@2@host/db',
      'redis://:hunter2@host',
      'postgresql://host/db?user=ada&password=hunter2&sslmode=require',
    ];
    for (const url of urls) {
      place.write('pzk.config.mjs', `throw new Error("Cannot reach '${url}'.")`);
      const { code, stderr } = await run('keys', 'list');
      expect(code).toBe(3);
      expect(stderr).not.toMatch(/hun|ter/);
      expect(stderr).toContain('host');
    }
  });

  it('issue, list, rotate and revoke work by --json alone', async () => {
    const flags = ['--scope', 'weather:write', '--scope', 'weather:read', '--expires', '30d'];
    const issued = await run('keys', 'issue', ...flags, '--demands', 'none', '--json');
    const { key, apiKey } = issued.json;
    expect(apiKey).toMatch(/^pzk_/);
    expect(key.scopes).toEqual(['weather:read', 'weather:write']);
    expect(Date.parse(key.expiresAt) - Date.now()).toBeGreaterThan(29 * 86_400_000);

    const asked = await run('keys', 'rotate', key.id, '--json');
    expect({ code: asked.code, error: asked.error.code }).toEqual({ code: 2, error: 'usage' });
    const rotated = await run('keys', 'rotate', key.id, '--grace=24h', '--expires=never', '--json');
    expect(rotated.code).toBe(0);
    expect(rotated.json.apiKey).not.toBe(apiKey);
    expect(rotated.json.key).toMatchObject({
      account: key.account,
      scopes: key.scopes,
      demands: 'none',
      expiresAt: null,
    });
    const left = Date.parse(rotated.json.previous.expiresAt) - Date.now();
    expect(left).toBeLessThanOrEqual(86_400_000);
    expect(left).toBeGreaterThan(86_000_000);

    const revoked = await run('keys', 'revoke', key.id, '--json');
    expect(revoked.json).toEqual({
      revoked: { kind: 'key', id: key.id },
      takesEffect: 'as_tokens_expire',
    });
    const active = await run('keys', 'list', '--account', key.account, '--active', '--json');
    expect(active.json.keys.map(({ id }: { id: string }) => id)).toEqual([rotated.json.key.id]);
    expect((await run('audit', 'verify', '--json')).json).toMatchObject({
      valid: true,
      entries: 4,
    });
  });

  it('takes ids that begin with a dash', async () => {
    const { verifier, close } = openVerifier();
    const issue = async () => (await verifier.keys.issue({ scopes: ['weather:read'] })).row;
    let row = await issue();
    while (!row.id.startsWith('-')) row = await issue();
    await close();
    const revoked = await run('keys', 'revoke', row.id, '--json');
    expect({ code: revoked.code, ...revoked.json.revoked }).toEqual({
      code: 0,
      kind: 'key',
      id: row.id,
    });
  });

  it('finds the keys of a user, and shows text of others without what steers a terminal', async () => {
    const { verifier, stores, close } = openVerifier();
    const { row } = await verifier.keys.issue({
      scopes: ['weather:read'],
      label: 'red \u001b[31m\u202e',
    });
    await verifier.keys.issue({ scopes: ['weather:read'] });
    await stores.accounts.linkUser(row.account, 'user-7');
    await close();
    const listed = await run('keys', 'list', '--user', 'user-7');
    expect(listed.stdout.trim().split('\n')).toHaveLength(2);
    expect(listed.stdout).toContain(row.id);
    expect(listed.stdout).toContain('red ?[31m?');
  });

  it('says no with code 1 and changes nothing on a wrong command line', async () => {
    for (const words of [
      ['keys', 'revoke', 'nobody'],
      ['keys', 'issue', '--scope', 'weather:read', '--account', 'nobody'],
    ]) {
      const unknown = await run(...words, '--json');
      expect({ code: unknown.code, error: unknown.error.code }).toEqual({
        code: 1,
        error: 'not_found',
      });
    }
    for (const words of [
      ['keys', 'issue'],
      ['keys', 'issue', '--scope', 'unknown:scope'],
      ['keys', 'issue', '--scope', 'weather:read', '--expires', 'soon'],
      ['keys', 'issue', '--scope', 'weather:read', '--demands', 'password'],
      ['keys', 'issue', '--scope', 'weather:read', '--secret', 'x'],
      ['keys', 'rotate', 'nobody', '--grace', '100d'],
      ['keys', 'revoke'],
      ['keys', 'frob'],
      ['--config'],
    ]) {
      const answer = await run(...words, '--json');
      expect({ words, code: answer.code, stdout: answer.stdout }).toEqual({
        words,
        code: 2,
        stdout: '',
      });
      expect(answer.error.code).toBe('usage');
    }
    expect((await run('keys', 'list', '--json')).json.keys).toEqual([]);
  });
});

describe('the configuration', () => {
  it('that needs a package which is not installed names it', async () => {
    place.write('pzk.config.mjs', "import 'a-driver-that-nobody-installed';");
    const answer = await run('keys', 'list', '--json');
    expect(answer.code).toBe(3);
    expect(answer.error).toMatchObject({
      code: 'package_missing',
      hint: 'npm install a-driver-that-nobody-installed',
    });
  });

  it('is said to be missing, malformed or refused, with code 3', async () => {
    const missing = await run('keys', 'list', '--config', 'nowhere.mjs', '--json');
    expect({ code: missing.code, error: missing.error.code }).toEqual({
      code: 3,
      error: 'config_missing',
    });
    const url = 'postgresql://ada:hunter2@db.example/app';
    for (const content of [
      'export const options = 1;',
      `throw new Error('no ${url}');`,
      sqliteConfig(ISSUER).replace("rpId: 'localhost'", "rpId: 'example.com'"),
    ]) {
      place.write('pzk.config.mjs', content);
      const answer = await run('keys', 'list', '--json');
      expect({ code: answer.code, error: answer.error.code }).toEqual({
        code: 3,
        error: 'config_refused',
      });
      expect(answer.stdout + answer.stderr).not.toContain('hunter2');
    }
  });

  it('may be CommonJS, as TypeScript builds it for some applications', async () => {
    place.write(
      'built.cjs',
      `const { memoryStores } = require('@pzk-auth/verifier');
       const { sqliteDatabase, sqlStores } = require('@pzk-auth/verifier/sql');
       const issuer = '${ISSUER}';
       exports.database = sqliteDatabase('pzk.db');
       const stores = { ...memoryStores(), ...sqlStores({ database: exports.database, issuer }) };
       exports.options = { issuer, audience: issuer, rpId: 'localhost', origins: [issuer],
         scopes: ['weather:read'], stores };`,
    );
    const words = ['keys', 'issue', '--scope', 'weather:read', '--config', 'built.cjs'];
    expect(await run(...words)).toMatchObject({ code: 0 });
  });

  it('refuses to issue into memory, where nobody would know of it', async () => {
    place.write(
      'pzk.config.mjs',
      sqliteConfig(ISSUER).replace('...sqlStores({ database, issuer })', ''),
    );
    const answer = await run('keys', 'issue', '--scope', 'weather:read', '--json');
    expect({ code: answer.code, error: answer.error.code }).toEqual({
      code: 3,
      error: 'stores_in_memory',
    });
  });

  it('reads the secret from a file of variables; without one signing keys are left alone', async () => {
    const without = await place.run(['signing-keys', 'rotate', '--json']);
    expect({ code: without.code, error: without.error.code }).toEqual({
      code: 3,
      error: 'secret_missing',
    });
    place.write('.env', `PZK_SECRET="${SECRET}"\n`);
    const rotated = await place.run(['signing-keys', 'rotate', '--env-file', '.env', '--json']);
    expect(rotated.json.signingKey.status).toBe('next');
    const listed = await place.run(['signing-keys', 'list', '--env-file=.env', '--json']);
    const keys: { kid: string; status: string }[] = listed.json.signingKeys;
    expect(keys.map(({ status }) => status)).toEqual(['active', 'next']);
    const active = keys[0]?.kid ?? '';
    const removed = await place.run([
      'signing-keys',
      'remove',
      active,
      '--env-file=.env',
      '--json',
    ]);
    expect(removed.json.removed.id).toBe(active);
    expect(removed.stdout + removed.stderr + rotated.stderr).not.toContain(SECRET);
  });
});

describe('audit verify', () => {
  it('accepts the log as written, and an anchor in it; refuses what was changed or cut off', async () => {
    for (const label of ['a', 'b', 'c']) {
      await run('keys', 'issue', '--scope', 'weather:read', '--label', label);
    }
    const good = await run('audit', 'verify', '--json');
    expect(good.json).toMatchObject({ valid: true, entries: 3 });
    const { head } = good.json;
    place.write('anchor', head);
    expect(await run('audit', 'verify', '--anchor-file', 'anchor')).toMatchObject({ code: 0 });

    const { default: Database } = await import('libsql');
    const database = new Database(place.path('pzk.db'));
    database.exec(
      "update pzk_audit set body = replace(body, 'weather:read', 'weather:rite') where seq = 2",
    );
    const altered = await run('audit', 'verify', '--json');
    expect(altered.code).toBe(1);
    expect(altered.json).toEqual({ valid: false, seq: 2, flaw: 'altered' });
    database.exec('delete from pzk_audit where seq > 1');
    database.close();
    expect(await run('audit', 'verify')).toMatchObject({ code: 0 });
    const cut = await run('audit', 'verify', '--anchor', head, '--json');
    expect({ code: cut.code, flaw: cut.json.flaw }).toEqual({ code: 1, flaw: 'anchor_missing' });
  });
});

describe('the program', () => {
  it.runIf(existsSync('/dev/full'))('says so where its answer is lost', async () => {
    const issue = ['keys', 'issue', '--scope', 'weather:read', '--json'];
    const full = await place.run(issue, env, '/dev/full');
    expect({ code: full.code, error: full.error.code }).toEqual({ code: 4, error: 'output_lost' });
    const wrong = await place.run(['keys', 'issue', '--json'], env, '/dev/full');
    expect({ code: wrong.code, error: wrong.error.code }).toEqual({ code: 2, error: 'usage' });
    const { keys } = (await run('keys', 'list', '--json')).json;
    expect(keys).toHaveLength(1);
  });

  it('says nothing where its reader has enough', async () => {
    const gone = await place.run(['keys', 'list', '--json'], env, 'gone');
    expect(gone).toMatchObject({ code: 4, stderr: '' });
  });

  it('wants the command before its options', async () => {
    for (const words of [
      ['--json', 'keys', 'list'],
      ['--config=pzk.config.mjs', 'keys', 'list'],
    ]) {
      const answer = await run(...words);
      expect(answer.code).toBe(2);
      expect(answer.stderr).toContain('The command comes first.');
    }
  });

  it('explains itself', async () => {
    const help = await run('--help');
    expect(help.code).toBe(0);
    for (const name of ['keys rotate', 'devices revoke', 'audit verify', 'migrate', 'doctor']) {
      expect(help.stdout).toContain(name);
    }
    expect((await run('keys', 'rotate', '--help')).stdout).toContain('--grace');
    expect((await run()).code).toBe(2);
    expect((await run('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
