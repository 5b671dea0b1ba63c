#!/usr/bin/env node
/**
 * `npm test`: build, lint, types, the tests of every workspace, then the checks of the whole. Prints
 * one line for what passes and everything for what fails; the last line is the sum.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { REPO_ROOT, REPORT_DIR } from './lib/report.mjs';
import { listWorkspaces } from './lib/workspaces.mjs';

/** A run that hangs is a failure, and says which one hung. */
const STEP_TIMEOUT_MS = 20 * 60_000;
const CHECKS = ['boundaries', 'packages', 'licenses', 'bundle', 'words', 'threats'];

const sum = { passed: 0, failed: 0, skipped: 0 };
const node = process.execPath;
let endCurrentRun = () => undefined;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    endCurrentRun();
    process.exit(1);
  });
}

rmSync(REPORT_DIR, { recursive: true, force: true });
mkdirSync(REPORT_DIR, { recursive: true });

const turbo = ['scripts/turbo.mjs', 'run', '--concurrency=2', '--output-logs=errors-only'];
const isBuilt = await runStep('build', [...turbo, 'build']);
await runStep('lint', [
  'node_modules/@biomejs/biome/bin/biome',
  'check',
  '--error-on-warnings',
  '.',
]);
if (isBuilt) {
  await runStep('types', [...turbo, 'typecheck']);
  for (const workspace of listWorkspaces()) {
    if (workspace.manifest.scripts?.test) {
      await runTests(workspace);
    }
  }
  for (const check of CHECKS) {
    await runCheck(check);
  }
}
process.stdout.write(`\n${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped\n`);
process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1;

/** A step that counts as one. */
async function runStep(name, args) {
  const { code, output, seconds } = await run(args, REPO_ROOT);
  add({ passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 });
  process.stdout.write(`${code === 0 ? '' : output}${mark(code)} ${name} (${seconds} s)\n`);
  return code === 0;
}

/** The tests of one workspace, counted from vitest's own report. */
async function runTests({ directory, manifest }) {
  const report = join(REPORT_DIR, `${directory.replaceAll('/', '-')}.vitest.json`);
  const vitest = join(REPO_ROOT, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--reporter=default', '--reporter=json'];
  const { code, output, seconds } = await run(
    [...args, `--outputFile.json=${report}`],
    join(REPO_ROOT, directory),
  );
  const counts = countReport(report);
  if (code !== 0 && counts.failed === 0) {
    counts.failed = 1; // A file that does not load, an unhandled error or a hang fails no single test.
  }
  add(counts);
  const line = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
  process.stdout.write(
    `${code === 0 ? '' : output}${mark(code)} ${manifest.name}: ${line} (${seconds} s)\n${counts.reasons}`,
  );
}

function countReport(path) {
  if (!existsSync(path)) {
    return { passed: 0, failed: 0, skipped: 0, reasons: '' };
  }
  const report = JSON.parse(readFileSync(path, 'utf8'));
  // The title of a test that this machine cannot run says why.
  const skipped = report.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'skipped' || status === 'pending' || status === 'todo');
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
    reasons: skipped.map(({ fullName }) => `     skipped: ${fullName}\n`).join(''),
  };
}

/** A check script: it leaves its counts beside the reports. */
async function runCheck(name) {
  const args = [`scripts/check-${name}.mjs`, ...(name === 'threats' ? ['--reports'] : [])];
  const { code, output } = await run(args, REPO_ROOT);
  const path = join(REPORT_DIR, `check-${name}.counts.json`);
  const counts = existsSync(path)
    ? JSON.parse(readFileSync(path, 'utf8'))
    : { passed: 0, failed: 1, skipped: 0 };
  add(counts);
  const isShown = code !== 0 || name === 'threats';
  process.stdout.write(`${isShown ? output : ''}${mark(code)} check:${name}: `);
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`);
}

function add(counts) {
  for (const key of Object.keys(sum)) {
    sum[key] += counts[key];
  }
}

function mark(code) {
  return code === 0 ? 'ok  ' : 'FAIL';
}

/** Runs Node with these arguments; keeps the output back and ends the whole group on a timeout. */
function run(args, cwd) {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, {
      cwd,
      detached: true, // Its own process group, so that nothing of it outlives a timeout.
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CI: process.env.CI ?? '1', NO_COLOR: '1' },
    });
    let output = '';
    endCurrentRun = () => process.kill(-child.pid, 'SIGKILL');
    const timer = setTimeout(() => {
      output += `\nstopped after ${STEP_TIMEOUT_MS / 60_000} minutes\n`;
      endCurrentRun();
    }, STEP_TIMEOUT_MS);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (chunk) => {
        output += chunk;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      endCurrentRun = () => undefined;
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      resolve({ code: code ?? 1, output, seconds });
    });
  });
}
