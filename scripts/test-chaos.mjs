#!/usr/bin/env node
/**
 * `npm run test:chaos`: the tests under tests/src/chaos in full length, which `npm test` runs in a short
 * form: the API is killed (SIGKILL) again and again during 1,000 enrolments, on SQLite and on PostgreSQL.
 * `PZK_CHAOS_ENROLMENTS` chooses another number. Needs a build and `npm run setup`.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { REPO_ROOT } from './lib/report.mjs';

const vitest = join(REPO_ROOT, 'node_modules/vitest/vitest.mjs');
const result = spawnSync(process.execPath, [vitest, 'run', 'src/chaos', ...process.argv.slice(2)], {
  cwd: join(REPO_ROOT, 'tests'),
  stdio: 'inherit',
  env: { PZK_CHAOS_ENROLMENTS: '1000', ...process.env },
});
process.exitCode = result.status ?? 1;
