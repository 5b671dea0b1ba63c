import { mkdirSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';

const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o022;
const OTHERS_ANYTHING = 0o077;
const STICKY = 0o1000;

const ownUser = () => process.getuid?.() ?? 0;
const isTrusted = ({ uid }: Stats) => uid === ownUser() || uid === 0;

/** Whom to trust beside root and the broker's user. */
export interface Guard {
  /**
   * The development form: the own group of a developer is often theirs alone, and may write all that they make
   * (umask 0002). The group of a broker proper is that of the agents.
   */
  readonly isDevelopment: boolean;
}

function mayOthersWrite({ mode, gid }: Stats, { isDevelopment }: Guard): boolean {
  const isOwnGroup = isDevelopment && gid === process.getgid?.();
  return (mode & (isOwnGroup ? OTHERS_WRITE & ~GROUP_WRITES : OTHERS_WRITE)) !== 0;
}

/**
 * Somebody who may write in a directory can put another socket or file in the place of ours. So no
 * directory on the way belongs to, or is writable by, others; what is sticky (as `/tmp`) is only in
 * whole for those above the last.
 *
 * @returns The path without symbolic links.
 * @throws TypeError
 */
export function assertGuardedDirectory(path: string, guard: Guard): string {
  const real = realpathSync(path);
  for (let current = real; ; current = dirname(current)) {
    const stats = statSync(current);
    const isSharedSafely = current !== real && (stats.mode & STICKY) !== 0;
    if (!isTrusted(stats) || (mayOthersWrite(stats, guard) && !isSharedSafely)) {
      throw new TypeError(`Others may write in ${current}: the broker does not start there.`);
    }
    if (current === dirname(current)) return real;
  }
}

/**
 * A directory that nobody else can even read; made where it is missing.
 *
 * @returns The path without symbolic links.
 * @throws TypeError
 */
export function assertPrivateDirectory(path: string, guard: Guard): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const real = assertGuardedDirectory(path, guard);
  const stats = statSync(real);
  if (stats.uid !== ownUser() || (stats.mode & OTHERS_ANYTHING) !== 0) {
    throw new TypeError(`${real} has to belong to the broker's user, with mode 0700.`);
  }
  return real;
}

/**
 * Checks a file that the broker does what it says: nobody else may write it, or put another in its place.
 *
 * @returns The path without symbolic links.
 * @throws TypeError
 */
export function assertGuardedFile(path: string, guard: Guard): string {
  const real = realpathSync(path);
  assertGuardedDirectory(dirname(real), guard);
  const stats = statSync(real);
  if (!stats.isFile() || !isTrusted(stats) || mayOthersWrite(stats, guard)) {
    throw new TypeError(`Others may write ${real}: it has to belong to root or the broker's user.`);
  }
  return real;
}

/**
 * Reads such a file.
 *
 * @throws TypeError
 */
export function readGuardedFile(path: string, guard: Guard): string {
  return readFileSync(assertGuardedFile(path, guard), 'utf8');
}
