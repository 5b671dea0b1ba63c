import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { CliError } from './cli-error.js';

/** The engine of a deployment. */
export type EngineModule = typeof import('@pzk-auth/verifier');
/** Its durable stores. */
export type SqlModule = typeof import('@pzk-auth/verifier/sql');

/**
 * Finds a package beside the deployment's own files first: the application and this program then use
 * one engine with one schema, also when npx brought this program from elsewhere.
 */
function resolveFrom(name: string, file: string): string | undefined {
  for (const base of [file, import.meta.url]) {
    try {
      return pathToFileURL(createRequire(base).resolve(name)).href;
    } catch {
      // The next place.
    }
  }
  return undefined;
}

async function load<T>(name: string, file: string, needs: string): Promise<T> {
  const url = resolveFrom(name, file);
  if (url === undefined) {
    throw new CliError('configuration', 'package_missing', `${name} is not installed.`, needs);
  }
  try {
    return (await import(url)) as T;
  } catch (cause) {
    const message = `${name} cannot be loaded.`;
    throw new CliError('configuration', 'package_missing', message, needs, { cause });
  }
}

/** Loads the engine that a file of the deployment would load. */
export function loadEngine(file: string): Promise<EngineModule> {
  const hint = 'npm install @pzk-auth/verifier';
  return load<EngineModule>('@pzk-auth/verifier', file, hint);
}

/** The same for its SQL stores. */
export function loadSql(file: string): Promise<SqlModule> {
  const hint = 'npm install @pzk-auth/verifier kysely, with pg or libsql';
  return load<SqlModule>('@pzk-auth/verifier/sql', file, hint);
}

/** snarkjs as the user installed it. It is GPL-3.0 and therefore no dependency. */
export async function loadSnarkjs(file: string): Promise<{ readonly zKey: object }> {
  const hint =
    'It is GPL-3.0, so it does not come along. In the directory where you run this: ' +
    'npm install --no-save snarkjs@0.7.6';
  const module = await load<{ zKey?: object; default?: { zKey: object } }>('snarkjs', file, hint);
  const { zKey = module.default?.zKey } = module;
  if (zKey === undefined) {
    throw new CliError('configuration', 'package_missing', 'This is another snarkjs.', hint);
  }
  return { zKey };
}
