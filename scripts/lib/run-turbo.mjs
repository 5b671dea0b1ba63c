import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { REPO_ROOT } from './report.mjs';

const TURBO = join(REPO_ROOT, 'node_modules/turbo/bin/turbo');

/** Runs turbo in the repository and resolves to its exit code. */
export function runTurbo(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [TURBO, ...args], {
      cwd: REPO_ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        TURBO_TELEMETRY_DISABLED: '1',
        TURBO_NO_UPDATE_NOTIFIER: '1',
        DO_NOT_TRACK: '1',
        NEXT_TELEMETRY_DISABLED: '1',
      },
    });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}
