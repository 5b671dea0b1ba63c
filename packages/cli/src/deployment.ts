import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Stores, Verifier, VerifierEvent, VerifierOptions } from '@pzk-auth/verifier';
import type { SqlDatabase } from '@pzk-auth/verifier/sql';
import { CliError } from './cli-error.js';
import { type EngineModule, loadEngine, loadSql, type SqlModule } from './engine.js';
import { driverCode, withoutPasswords } from './report-error.js';

/** What is used of a client of ioredis. */
export interface RedisConnection {
  readonly status: string;
  once(event: 'ready', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  disconnect(): void;
}

/** What a `pzk.config.mjs` exports: the parts of a deployment, which the application imports, too. */
export interface Deployment {
  /** The very options that the application gives to `createVerifier`. */
  readonly options: VerifierOptions;
  /** What `sqliteDatabase` or `postgresDatabase` returned: for `migrate`, and for the clock. */
  readonly database?: SqlDatabase;
  /** The client that `redisStores` got: its clock is looked at, and it is closed at the end. */
  readonly redis?: RedisConnection;
  /** Closes what else the module opened. */
  readonly close?: () => Promise<void> | void;
}

/** Where a deployment is looked for. */
export interface DeploymentSource {
  readonly config: string | undefined;
}

const DEFAULT_NAMES = ['pzk.config.mjs', 'pzk.config.js'];
const REDIS_PATIENCE = 5000;

const LOADING = 'Are the variables set that it reads? They may come from a file: --env-file FILE.';

const HELP =
  'A module that exports `options` (those of createVerifier) and, where there are, `database` and ' +
  '`redis`. See the README of @pzk-auth/cli.';

/** The path of the configuration, or undefined where none was named and none lies there. */
export function findConfig(source: DeploymentSource): string | undefined {
  if (source.config !== undefined) {
    const path = resolve(source.config);
    if (existsSync(path)) return path;
    throw new CliError('configuration', 'config_missing', `There is no ${source.config}.`, HELP);
  }
  return DEFAULT_NAMES.map((name) => join(process.cwd(), name)).find((path) => existsSync(path));
}

function refused(message: string, options?: ErrorOptions): CliError {
  return new CliError('configuration', 'config_refused', message, HELP, options);
}

/** Why the module of a deployment threw while it was loaded. */
function notLoaded(path: string, cause: unknown): CliError {
  const text = cause instanceof Error ? withoutPasswords(cause.message) : 'unknown';
  const name = /^Cannot find package '([@\w./-]+)'/.exec(text)?.[1];
  const message = `${path} cannot be loaded: ${text}`;
  return name === undefined
    ? new CliError('configuration', 'config_refused', message, LOADING, { cause })
    : new CliError('configuration', 'package_missing', message, `npm install ${name}`, { cause });
}

/** Loads the module of a deployment. */
export async function loadDeployment(path: string): Promise<Deployment> {
  let module: Partial<Deployment> & { default?: unknown };
  try {
    module = await import(pathToFileURL(path).href);
  } catch (cause) {
    throw notLoaded(path, cause);
  }
  // CommonJS, as some builds of TypeScript are, arrives as the default export.
  const content = module.options === undefined ? (module.default as Partial<Deployment>) : module;
  const { options, database, redis, close } = content ?? {};
  if (typeof options !== 'object' || options === null || typeof options.stores !== 'object') {
    throw refused(`${path} does not export the options of createVerifier as \`options\`.`);
  }
  if (redis !== undefined && typeof redis.disconnect !== 'function') {
    throw refused(`\`redis\` of ${path} is no client of ioredis.`);
  }
  // Faults arrive at the commands; without a listener ioredis would print each.
  redis?.on('error', () => {});
  return {
    options,
    ...(database === undefined ? {} : { database }),
    ...(redis === undefined ? {} : { redis }),
    ...(close === undefined ? {} : { close }),
  };
}

/** Closes all that a deployment opened. */
export async function closeDeployment(deployment: Deployment): Promise<void> {
  deployment.redis?.disconnect();
  await deployment.database?.close();
  await deployment.close?.();
}

/** A deployment with its engine, for administration. */
export interface OpenDeployment {
  readonly path: string;
  readonly deployment: Deployment;
  readonly engine: EngineModule;
  readonly verifier: Verifier;
  readonly stores: Stores;
  /** Faults that did not stop the command, e.g. an audit log that could not be written. */
  readonly faults: readonly VerifierEvent[];
  loadSql(): Promise<SqlModule>;
}

/** A connection that is being made must not count against the time limits of the stores. */
export async function whenConnected(redis: RedisConnection | undefined): Promise<void> {
  if (redis === undefined || redis.status !== 'connecting') return;
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([
    new Promise<void>((ready) => void redis.once('ready', ready)),
    new Promise<void>((late) => {
      timer = setTimeout(late, REDIS_PATIENCE);
    }),
  ]);
  clearTimeout(timer);
}

async function assertMigrated(database: SqlDatabase, sql: SqlModule): Promise<void> {
  const pending = await sql.pendingMigrations(database).catch((cause: unknown) => {
    if (cause instanceof Error && cause.name === 'PzkError') throw cause;
    const code = driverCode(cause);
    const message = `The database does not answer${code === undefined ? '' : ` (${code})`}.`;
    const hint = 'Find out what is wrong with: pzk-auth doctor. Nothing was done.';
    throw new CliError('unavailable', 'store_unavailable', message, hint, { cause });
  });
  // Elsewhere the stores migrate by themselves.
  if (pending.length === 0 || process.env.NODE_ENV !== 'production') return;
  const message = 'The database lacks migrations of this version.';
  throw new CliError('configuration', 'migrations_pending', message, 'Run: pzk-auth migrate');
}

/** Finds the configuration, or says that there is none. */
export function requireConfig(source: DeploymentSource): string {
  const path = findConfig(source);
  if (path !== undefined) return path;
  const message = `No ${DEFAULT_NAMES.join(' or ')} here, and no --config.`;
  throw new CliError('configuration', 'config_missing', message, HELP);
}

/** Creates a verifier of the deployment's options, with some of them replaced. */
export function createFrom(
  engine: EngineModule,
  deployment: Deployment,
  over: Partial<VerifierOptions>,
): Verifier {
  try {
    return engine.createVerifier({ ...deployment.options, ...over });
  } catch (cause) {
    if (cause instanceof TypeError) throw refused(cause.message, { cause });
    throw cause;
  }
}

/** Runs work on a deployment and closes it, whatever happens. */
export async function withDeployment<T>(
  source: DeploymentSource,
  work: (open: OpenDeployment) => Promise<T>,
): Promise<T> {
  const path = requireConfig(source);
  const engine = await loadEngine(path);
  const deployment = await loadDeployment(path);
  const faults: VerifierEvent[] = [];
  try {
    const verifier = createFrom(engine, deployment, {
      // An observer of the application could write where we print.
      onEvent: (event) => {
        if (event.type === 'fault') faults.push(event);
      },
    });
    const sql = () => loadSql(path);
    try {
      await whenConnected(deployment.redis);
      if (deployment.database !== undefined) {
        await assertMigrated(deployment.database, await sql());
      }
      const { stores } = deployment.options;
      const open = { path, deployment, engine, verifier, stores, faults, loadSql: sql };
      return await work(open);
    } finally {
      // Writes what waits for the audit log.
      await verifier.close();
      const [fault] = faults;
      if (fault !== undefined) {
        process.stderr.write('pzk-auth: warning: the audit log could not be written in full.\n');
      }
    }
  } finally {
    await closeDeployment(deployment);
  }
}
