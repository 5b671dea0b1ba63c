import { spawnSync } from 'node:child_process';

/** A server that the stores are tested on. */
export interface ServerProgram {
  readonly name: string;
  /** Undefined where this machine has none. */
  readonly program: string | undefined;
}

function find(configured: string | undefined, name: string): string | undefined {
  const program = configured ?? name;
  if (spawnSync(program, ['--version']).status === 0) return program;
  // A path that somebody set on purpose is used or refused.
  if (configured !== undefined) throw new Error(`${configured} does not run.`);
  return undefined;
}

/** Redis, and Valkey where it is present: `VALKEY_SERVER`, or `valkey-server` on PATH. */
export const SERVER_PROGRAMS: readonly ServerProgram[] = [
  { name: 'Redis', program: find(process.env.REDIS_SERVER, 'redis-server') },
  { name: 'Valkey', program: find(process.env.VALKEY_SERVER, 'valkey-server') },
];
