#!/usr/bin/env node
/**
 * `npm run demo`: builds the example with all that it needs and starts it; prints its address and a
 * demo key. `-- --check`: runs the whole flow in the terminal instead and exits 0 if all of it works.
 * `PORT` and `HOST` choose where it listens. Data stays in examples/express-react/.data
 * (`PZK_DEMO_DATA`: elsewhere; `-- --memory`: nowhere); `-- --new-key` issues another key.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { REPO_ROOT } from './lib/report.mjs';

const EXAMPLE = '@pzk-auth/example-express-react';
const ENTRIES = { check: 'check.js', serve: 'main.js' };

const FLAGS = ['--check', '--memory', '--new-key'];
const unknown = process.argv.slice(2).filter((argument) => !FLAGS.includes(argument));
if (unknown.length > 0) {
  process.stderr.write(
    `npm run demo [-- ${FLAGS.join('|')}]: unknown argument ${unknown.join(' ')}\n`,
  );
  process.exit(2);
}
if (!existsSync(join(REPO_ROOT, 'node_modules'))) {
  process.stderr.write('Run npm ci first.\n');
  process.exit(2);
}

const build = ['run', 'build', `--filter=${EXAMPLE}`, '--output-logs=errors-only'];
const built = await run([join(REPO_ROOT, 'scripts/turbo.mjs'), ...build, '--concurrency=2']);
if (built.code !== 0) {
  process.stderr.write(`${built.output}\nThe build failed.\n`);
  process.exit(built.code);
}
const entry = process.argv.includes('--check') ? ENTRIES.check : ENTRIES.serve;
// In this process: nothing is left running when it ends, and Ctrl-C reaches the server.
await import(new URL(`../examples/express-react/dist/server/${entry}`, import.meta.url).href);

/** Runs Node with these arguments and keeps its output back. */
function run(args) {
  process.stdout.write('Building …\n');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk) => {
        output += chunk;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
