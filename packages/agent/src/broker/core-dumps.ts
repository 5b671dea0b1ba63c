import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const CORE_LIMIT = /^Max core file size\s+(\S+)/m;

function isOff(): boolean {
  try {
    return CORE_LIMIT.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] === '0';
  } catch {
    return false;
  }
}

/**
 * Switches core dumps off for this process and those that it starts: a dump would hold the secrets.
 *
 * @returns Whether they are off.
 */
export function disableCoreDumps(): boolean {
  if (isOff()) return true;
  try {
    execFileSync('prlimit', ['--pid', String(process.pid), '--core=0:0'], { stdio: 'ignore' });
  } catch {
    // The question below decides.
  }
  return isOff();
}
