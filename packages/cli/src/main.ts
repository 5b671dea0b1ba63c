#!/usr/bin/env node
import { run } from './run.js';

const code = await run(process.argv.slice(2));
// Written before the end: a pipe takes it later. The end does not wait for connections and threads.
for (const stream of [process.stdout, process.stderr]) {
  await new Promise<void>((resolve) => {
    stream.write('', () => resolve());
  });
}
process.exit(code);
