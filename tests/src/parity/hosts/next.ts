import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildAt, EXAMPLE, startAt } from '../../next/next-app.js';
import type { Host } from '../host.js';

const source = fileURLToPath(new URL('../next-app', import.meta.url));
const hostFile = fileURLToPath(new URL('../host.ts', import.meta.url));

export const nextHost: Host = {
  name: 'Next.js',
  vary: ['rsc', 'next-router-state-tree', 'next-router-prefetch', 'next-router-segment-prefetch'],
  // Node keeps the first of them, and a route handler sees no raw headers.
  differs: { 'two Authorization headers': 200 },
  async start(commitments) {
    const directory = join(EXAMPLE, '.cache/parity');
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
    await cp(source, directory, { recursive: true });
    await cp(hostFile, join(directory, 'lib/host.ts'));
    await buildAt(directory);
    return startAt(directory, { COMMITMENTS: commitments.join(' ') }, 'parity: ready');
  },
};
