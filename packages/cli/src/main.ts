#!/usr/bin/env node
import { CliError, exitCodes } from './cli-error.js';
import { printError, run } from './run.js';

const words = process.argv.slice(2);

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that has enough, such as `head`.
  if (error.code === 'EPIPE') process.exit(exitCodes.unavailable);
  const message = `What was asked for is done, and stdout did not take the answer (${error.code}).`;
  process.exit(printError(words, new CliError('unavailable', 'output_lost', message)));
});
// Nobody listens: there is nobody to tell.
process.stderr.on('error', () => {});

const code = await run(words);
// Written before the end: a pipe takes it later. The end does not wait for connections and threads.
for (const stream of [process.stdout, process.stderr]) {
  if (stream.writableLength === 0) continue;
  await new Promise<void>((resolve) => {
    stream.write('', () => resolve());
  });
}
// An error of the last write comes a moment after it.
await new Promise((resolve) => setImmediate(resolve));
process.exit(code);
