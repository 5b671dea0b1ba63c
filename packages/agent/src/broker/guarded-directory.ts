import { mkdirSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';

const OTHERS_WRITE = 0o022;
const OTHERS_ANYTHING = 0o077;
const STICKY = 0o1000;

const ownUser = () => process.getuid?.() ?? 0;
const isTrusted = ({ uid }: Stats) => uid === ownUser() || uid === 0;

/**
 * Somebody who may write in a directory can put another socket or file in the place of ours. So no
 * directory on the way belongs to, or is writable by, others; what is sticky (as `/tmp`) is only in
 * whole for those above the last.
 *
 * @returns The path without symbolic links.
 * @throws TypeError
 */
export function assertGuardedDirectory(path: string): string {
  const real = realpathSync(path);
  for (let current = real; ; current = dirname(current)) {
    const stats = statSync(current);
    const isSharedSafely = current !== real && (stats.mode & STICKY) !== 0;
    if (!isTrusted(stats) || ((stats.mode & OTHERS_WRITE) !== 0 && !isSharedSafely)) {
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
export function assertPrivateDirectory(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const real = assertGuardedDirectory(path);
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
export function assertGuardedFile(path: string): string {
  const real = realpathSync(path);
  assertGuardedDirectory(dirname(real));
  const stats = statSync(real);
  if (!stats.isFile() || !isTrusted(stats) || (stats.mode & OTHERS_WRITE) !== 0) {
    throw new TypeError(`Others may write ${real}: it has to belong to root or the broker's user.`);
  }
  return real;
}

/**
 * Reads such a file.
 *
 * @throws TypeError
 */
export function readGuardedFile(path: string): string {
  return readFileSync(assertGuardedFile(path), 'utf8');
}
