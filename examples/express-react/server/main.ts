#!/usr/bin/env node
import { startServer } from './start.js';

const print = (line = '') => process.stdout.write(`${line}\n`);
const wanted = Number(process.env.PORT ?? 3000);
if (!Number.isSafeInteger(wanted) || wanted < 0 || wanted > 65_535) {
  throw new TypeError('PORT must be a number from 0 to 65535.');
}

const running = await startServer({
  port: wanted,
  ...(process.env.HOST === undefined ? {} : { host: process.env.HOST }),
  vite: process.argv.includes('--dev'),
  onKey: ({ apiKey }) => print(`\n  API key   ${apiKey}   (printed once, stored nowhere)`),
});

if (running.movedPort) print(`\n  Port ${wanted} is taken, so this is another one.`);
print(`\n  Open      ${running.origin}`);
if (process.env.HOST !== undefined) {
  print('            HOST is set: whoever reaches it also reaches the operator’s demo routes.');
}
print('            Enter the key there. Everything is kept in memory; Ctrl-C ends it.\n');

let closing = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (closing) process.exit(1);
    closing = true;
    // Connections that browsers keep open would hold the process for seconds.
    void running.close().finally(() => process.exit());
  });
}
