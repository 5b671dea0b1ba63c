import { join } from 'node:path';
import type { SqlDatabase } from '@pzk-auth/verifier/sql';
import { CliError, usageError } from '../cli-error.js';
import type { Command } from '../command.js';
import {
  closeDeployment,
  type DeploymentSource,
  findConfig,
  loadDeployment,
} from '../deployment.js';
import { loadSql, type SqlModule } from '../engine.js';

function openNamed(sql: SqlModule, name: string): SqlDatabase {
  try {
    return /^postgres(ql)?:/.test(name) ? sql.postgresDatabase(name) : sql.sqliteDatabase(name);
  } catch (cause) {
    if (cause instanceof TypeError) throw usageError(cause.message);
    throw cause;
  }
}

/** Other users of a machine see command lines, and shells remember them. */
function assertNoPassword(name: string): void {
  if (!URL.canParse(name)) return;
  const url = new URL(name);
  if (url.password === '' && !url.searchParams.has('password')) return;
  throw usageError(
    'The URL holds a password, which does not belong on a command line.',
    'Put the URL into DATABASE_URL (also by --env-file) or the password into PGPASSWORD or ~/.pgpass.',
  );
}

/** By `--database`, else by the configuration, else by DATABASE_URL. */
async function findDatabase(named: string | undefined, source: DeploymentSource) {
  const here = join(process.cwd(), 'package.json');
  const path = named === undefined ? findConfig(source) : undefined;
  if (named !== undefined) assertNoPassword(named);
  const name = named ?? (path === undefined ? process.env.DATABASE_URL : undefined);
  if (name !== undefined) {
    const sql = await loadSql(here);
    const database = openNamed(sql, name);
    return { sql, database, close: () => database.close() };
  }
  if (path === undefined) {
    throw new CliError(
      'configuration',
      'config_missing',
      'There is no configuration, and neither --database nor DATABASE_URL.',
    );
  }
  const deployment = await loadDeployment(path);
  const { database } = deployment;
  if (database === undefined) {
    const hint = 'Export what sqliteDatabase or postgresDatabase returned, or use --database.';
    await closeDeployment(deployment);
    const message = 'The configuration exports no `database`.';
    throw new CliError('configuration', 'config_refused', message, hint);
  }
  return { sql: await loadSql(path), database, close: () => closeDeployment(deployment) };
}

const isKnown = (error: unknown) =>
  error instanceof CliError || (error instanceof Error && error.name === 'PzkError');

/** `migrate`. */
export const migrateDatabase: Command = {
  name: 'migrate',
  summary: 'Bring the tables of the database up to date.',
  help: [
    '--database WHERE  a file or postgresql://..., without a password (default: the configuration,',
    '                  else the variable DATABASE_URL)',
    '--check           change nothing; exit code 1 if something is pending',
  ],
  options: { database: { type: 'string' }, check: { type: 'boolean' } },
  async run(args, source) {
    const { sql, database, close } = await findDatabase(args.get('database'), source);
    try {
      const isCheck = args.has('check');
      const list = isCheck ? await sql.pendingMigrations(database) : await sql.migrate(database);
      const done = isCheck ? 'pending' : 'applied';
      return {
        json: { [done]: list },
        text: list.length === 0 ? 'up to date' : list.map((name) => `${done}: ${name}`).join('\n'),
        exit: isCheck && list.length > 0 ? 'negative' : 'done',
      };
    } catch (cause) {
      if (isKnown(cause)) throw cause;
      const code = cause instanceof Error ? String(Reflect.get(cause, 'code') ?? '') : '';
      const message = `The database refused${/^\w{3,40}$/.test(code) ? ` (${code})` : ''}.`;
      const hint = 'Is the address right, does it run, and may this user create tables?';
      throw new CliError('unavailable', 'store_unavailable', message, hint, { cause });
    } finally {
      await close();
    }
  },
};
