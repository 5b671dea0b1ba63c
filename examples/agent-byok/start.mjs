#!/usr/bin/env node
/** `npm start`: builds the example with all that it needs, then starts all of it in this terminal. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
if (!existsSync(`${root}node_modules`)) {
  process.stderr.write('Run npm ci first.\n');
  process.exit(2);
}
const filter = '--filter=@pzk-auth/example-agent-byok';
const build = ['scripts/turbo.mjs', 'run', 'build', filter, '--output-logs=errors-only'];
const child = spawn(process.execPath, [...build, '--concurrency=2'], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
});
const code = await new Promise((resolve) => child.once('exit', resolve));
if (code !== 0) process.exit(code ?? 1);
// In this process: Ctrl-C reaches all of it.
await import('./dist/node/server/main.js');
