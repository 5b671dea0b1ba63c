#!/usr/bin/env node
/** In the clone npm links programs before the build has made them: this file is always there. */
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('pzk-auth: not built yet. Run `npm run build` in the clone.\n');
  process.exitCode = 1;
}
