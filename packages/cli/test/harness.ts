import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));

export const SECRET = 'a secret for tests: 0123456789 abcdef XYZ';

/** What a run of the program left. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Of stdout. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any answer.
  readonly json: any;
  /** The error on stderr, with `--json`. */
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string };
}

/** A directory of an operator, with the packages installed. */
export interface Workplace {
  readonly directory: string;
  write(file: string, content: string): void;
  path(file: string): string;
  /**
   * Runs the built program there, with `--json` where `json` looks into the answer. Stdout may go to a
   * file, or to a reader that is `gone`. Stdin is empty unless `input` is given.
   */
  run(
    words: readonly string[],
    env?: Readonly<Record<string, string>>,
    stdout?: string,
    input?: string,
  ): Promise<Run>;
  remove(): void;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function createWorkplace(): Workplace {
  const directory = mkdtempSync(join(tmpdir(), 'pzk-cli-'));
  symlinkSync(modules, join(directory, 'node_modules'));
  const { NODE_ENV: _, DATABASE_URL: __, ...inherited } = process.env;
  return {
    directory,
    write: (file, content) => writeFileSync(join(directory, file), content),
    path: (file) => join(directory, file),
    async run(words, env = {}, stdout = '', input = undefined) {
      const file = stdout === '' || stdout === 'gone' ? undefined : openSync(stdout, 'w');
      const child = spawn(process.execPath, [main, ...words], {
        cwd: directory,
        env: { ...inherited, ...env },
        stdio: [input === undefined ? 'ignore' : 'pipe', file ?? 'pipe', 'pipe'],
      });
      if (file !== undefined) closeSync(file);
      // It may end before it has read all.
      child.stdin?.on('error', () => {}).end(input);
      const text = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'] as const) {
        child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
          text[name] += chunk;
        });
      }
      if (stdout === 'gone') child.stdout?.destroy();
      const [code] = (await once(child, 'close')) as [number | null];
      const lines = text.stderr.trim().split('\n');
      const failure = parse(lines.at(-1) ?? '') as { error?: Run['error'] } | undefined;
      return {
        code,
        ...text,
        json: parse(text.stdout),
        error: failure?.error ?? { code: '', message: '' },
      };
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** A deployment on a SQLite file, as the README shows it. */
export function sqliteConfig(issuer = 'http://localhost:3999', more = ''): string {
  return `
    import { memoryStores } from '@pzk-auth/verifier';
    import { sqliteDatabase, sqlStores } from '@pzk-auth/verifier/sql';

    const issuer = '${issuer}';
    export const database = sqliteDatabase('pzk.db');
    export const options = {
      issuer,
      audience: issuer,
      rpId: 'localhost',
      origins: [issuer],
      scopes: ['weather:read', 'weather:write'],
      secret: process.env.PZK_SECRET,
      stores: { ...memoryStores(), ...sqlStores({ database, issuer }) },
      ${more}
    };`;
}

/** A deployment on PostgreSQL and Redis. */
export function sharedConfig(issuer: string, origins: readonly string[] = [issuer]): string {
  return `
    import { redisClientOptions, redisStores } from '@pzk-auth/verifier/redis';
    import { postgresDatabase, sqlStores } from '@pzk-auth/verifier/sql';
    import { Redis } from 'ioredis';

    const issuer = '${issuer}';
    export const database = postgresDatabase(process.env.DATABASE_URL);
    export const redis = new Redis(process.env.REDIS_URL, redisClientOptions);
    export const options = {
      issuer,
      audience: issuer,
      rpId: 'localhost',
      origins: ${JSON.stringify(origins)},
      scopes: ['weather:read', 'weather:write'],
      secret: process.env.PZK_SECRET,
      stores: { ...sqlStores({ database, issuer }), ...redisStores({ client: redis, timeout: 10_000 }) },
    };`;
}
