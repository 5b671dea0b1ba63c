#!/usr/bin/env node
/**
 * `npm run test:chaos`: the tests under tests/src/chaos in full length, which `npm test` runs in a short
 * form: the API is killed (SIGKILL) again and again during 1,000 enrolments, on SQLite and on PostgreSQL
 * (`enrolments`), and in each step of join, rotation, recovery and removal, before each of its statements
 * and at any moment (`vault`); API processes and Redis masters are killed under the load of examples/cluster, and keys
 * are rotated under it (`cluster`). A word after `--` chooses one part by name. `PZK_CHAOS_ENROLMENTS`,
 * `PZK_CHAOS_VAULTS` and `PZK_CHAOS_ROUNDS` choose other numbers. Needs a build and `npm run setup`.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { REPO_ROOT } from './lib/report.mjs';

/** The test files by the names of the parts. */
const PARTS = {
  enrolments: 'kill-enrolments',
  vault: 'kill-vault',
  cluster: 'cluster',
};

const vitest = join(REPO_ROOT, 'node_modules/vitest/vitest.mjs');
const [part, ...options] = process.argv.slice(2);
// vitest takes a name for a part of a path.
const chosen = part === undefined ? 'src/chaos' : `src/chaos/${PARTS[part]}`;
if (part !== undefined && PARTS[part] === undefined) {
  process.stderr.write(`test:chaos: the parts are ${Object.keys(PARTS).join(', ')}\n`);
  process.exit(2);
}
const result = spawnSync(process.execPath, [vitest, 'run', chosen, ...options], {
  cwd: join(REPO_ROOT, 'tests'),
  stdio: 'inherit',
  env: {
    PZK_CHAOS_ENROLMENTS: '1000',
    PZK_CHAOS_VAULTS: '48',
    PZK_CHAOS_ROUNDS: '6',
    ...process.env,
  },
});
process.exitCode = result.status ?? 1;
