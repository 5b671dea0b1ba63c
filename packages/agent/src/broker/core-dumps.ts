import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const CORE_LIMIT = /^Max core file size\s+(\S+)/m;
/** Which memory a dump holds, as bits (core(5)). */
const FILTER = '/proc/self/coredump_filter';

/**
 * The limit is not enforced where the kernel pipes dumps to a program (core(5)), as most distributions have it:
 * so the dump holds no memory either.
 */
function isOff(): boolean {
  try {
    const limit = CORE_LIMIT.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === '0' && Number(`0x${readFileSync(FILTER, 'utf8')}`) === 0;
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
    writeFileSync(FILTER, '0');
    // Where the limit is set already, no other program is needed.
    if (!isOff())
      execFileSync('prlimit', ['--pid', String(process.pid), '--core=0:0'], { stdio: 'ignore' });
  } catch {
    // The question below decides.
  }
  return isOff();
}
