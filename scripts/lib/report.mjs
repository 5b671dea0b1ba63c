import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const REPO_ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Where the runs of `npm test` leave their counts for the sum at the end. */
export const REPORT_DIR = join(REPO_ROOT, '.cache/test-reports');

/**
 * Ends a check script: prints each failure in full (an empty text was printed before) and one summary line, leaves the counts in
 * `REPORT_DIR` and sets the exit code.
 */
export function finish(name, { passed, failures, skipped = 0 }) {
  for (const failure of failures.filter(Boolean)) {
    process.stderr.write(`FAIL ${name}: ${failure}\n`);
  }
  process.stdout.write(`check:${name}: ${passed} passed, ${failures.length} failed\n`);
  mkdirSync(REPORT_DIR, { recursive: true });
  const counts = { passed, failed: failures.length, skipped };
  writeFileSync(join(REPORT_DIR, `check-${name}.counts.json`), JSON.stringify(counts));
  process.exitCode = failures.length === 0 ? 0 : 1;
}
