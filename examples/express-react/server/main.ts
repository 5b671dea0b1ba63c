#!/usr/bin/env node
import { fileURLToPath } from 'node:url';
import { openDemoData } from './demo-data.js';
import { startServer } from './start.js';

const print = (line = '') => process.stdout.write(`${line}\n`);
const wanted = Number(process.env.PORT ?? 3000);
if (!Number.isSafeInteger(wanted) || wanted < 0 || wanted > 65_535) {
  throw new TypeError('PORT must be a number from 0 to 65535.');
}

const flags = new Set(process.argv.slice(2));
const directory =
  process.env.PZK_DEMO_DATA ?? fileURLToPath(new URL('../../.data', import.meta.url));
const data = flags.has('--memory') ? undefined : openDemoData(directory);

const running = await startServer({
  port: wanted,
  ...(process.env.HOST === undefined ? {} : { host: process.env.HOST }),
  ...(data === undefined ? {} : { data, resume: !flags.has('--new-key') }),
  vite: flags.has('--dev'),
  onKey: ({ apiKey }) => print(`\n  API key   ${apiKey}   (printed once, stored nowhere)`),
});

if (running.demoKey.apiKey === '') {
  print(
    '\n  API key   the one that an earlier start printed; for another: npm run demo -- --new-key',
  );
}
if (running.movedPort) print(`\n  Port ${wanted} is taken, so this is another one.`);
print(`\n  Open      ${running.origin}`);
if (process.env.HOST !== undefined) {
  print('            HOST is set: whoever reaches it also reaches the operator’s demo routes.');
}
print('            Enter the key there. Ctrl-C ends it.');
print(
  data === undefined
    ? '\n  Data      in memory, gone at the end\n'
    : `\n  Data      ${data.file}   (stays; delete its directory to begin anew)\n`,
);

let closing = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (closing) process.exit(1);
    closing = true;
    // Connections that browsers keep open would hold the process for seconds.
    void running
      .close()
      .then(() => data?.close())
      .finally(() => process.exit());
  });
}
