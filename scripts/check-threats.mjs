#!/usr/bin/env node
/**
 * `npm run check:threats`: maps each row of threat-rows.json to tests by the titles, `[P3] refuses ...`
 * with the twin `[P3] honest: ...`, and demands at least one of each. Reads the reports that
 * `npm test` left when called with `--reports` (only tests that ran and passed count); else it reads
 * the titles in the test files.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { finish, REPO_ROOT, REPORT_DIR } from './lib/report.mjs';
import { listFiles, listWorkspaces, readJson } from './lib/workspaces.mjs';

const TEST_FILE = /\.test\.tsx?$/;
const TITLE =
  /\b(?:it|test|describe)\w*(?:\.\w+(?:\([^)]*\))?)*\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g;
/** `[P3]`, and `[P3, P4]` for a test that answers two rows. */
const ROW_MARK = /\[([A-Z]\d{0,2}(?:\s*,\s*[A-Z]\d{0,2})*)\]/g;
const HONEST = /\]\s*honest:/;

const rows = readJson('scripts/threat-rows.json');
const titles = process.argv.includes('--reports') ? titlesThatPassed() : titlesInSources();
const tests = new Map(Object.keys(rows).map((row) => [row, { refusing: 0, honest: 0 }]));
const failures = [];
for (const title of titles) {
  const kind = HONEST.test(title) ? 'honest' : 'refusing';
  for (const row of rowsOf(title)) {
    const entry = tests.get(row);
    if (entry) {
      entry[kind] += 1;
    }
  }
}
for (const [row, { refusing, honest }] of tests) {
  const lacks = [...(refusing ? [] : ['no refusing test']), ...(honest ? [] : ['no honest twin'])];
  const verdict = lacks.length === 0 ? 'ok' : `MISSING: ${lacks.join(', ')}`;
  const counts = `${String(refusing).padStart(3)} refusing ${String(honest).padStart(3)} honest`;
  process.stdout.write(`${row.padEnd(4)}${counts}  ${rows[row]}: ${verdict}\n`);
  if (lacks.length > 0) {
    failures.push(''); // The table has said it.
  }
}
finish('threats', { passed: tests.size - failures.length, failures });

function rowsOf(title) {
  const marks = [...title.matchAll(ROW_MARK)].flatMap(([, list]) => list.split(/\s*,\s*/));
  return new Set(marks);
}

function titlesThatPassed() {
  const reports = existsSync(REPORT_DIR) ? readdirSync(REPORT_DIR) : [];
  return reports
    .filter((name) => name.endsWith('.vitest.json'))
    .flatMap((name) => JSON.parse(readFileSync(join(REPORT_DIR, name), 'utf8')).testResults)
    .flatMap((file) => file.assertionResults)
    .filter((assertion) => assertion.status === 'passed')
    .map((assertion) => assertion.fullName);
}

function titlesInSources() {
  return listWorkspaces()
    .flatMap(({ directory }) => listFiles(directory))
    .filter((path) => TEST_FILE.test(path) && !path.includes('/dist/'))
    .flatMap((path) => [...readFileSync(join(REPO_ROOT, path), 'utf8').matchAll(TITLE)])
    .map(([, , title]) => title);
}
