import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { phase1, readPhase1 } from '../setup/phase1.mjs';

export { phase1, readPhase1 };

/** Reads the file named by `--ptau`; without it, says how to get the file and ends the process. */
export function readPhase1FromArguments(script) {
  const { values } = parseArgs({ options: { ptau: { type: 'string' } }, strict: false });
  if (typeof values.ptau !== 'string') {
    console.error(`usage: npm run ${script} -w @pzk-auth/circuits -- --ptau ${phase1.name}`);
    console.error(`download: ${phase1.url}`);
    process.exit(2);
  }
  // npm runs scripts in the package's directory; the user's path is relative to his own.
  return readPhase1(resolve(process.env.INIT_CWD ?? process.cwd(), values.ptau));
}
