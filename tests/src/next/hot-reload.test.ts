import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { copyExample, type NextApp, startDevelopment } from './next-app.js';

/** Tells how many worker threads the server has, and which version of the file it runs. */
const PROBE = `import { report } from 'node:process';
import { generation, verifier } from '../../lib/pzk';

export async function GET() {
  await verifier().ready();
  const { workers } = report.getReport() as unknown as { workers: unknown[] };
  return Response.json({ generation, threads: workers.length });
}
`;

let directory: string;
let original: string;
let app: NextApp;

async function write(generation: number): Promise<void> {
  const file = join(directory, 'lib/pzk.ts');
  await writeFile(file, `${original}\nexport const generation: number = ${generation};\n`);
}

async function probe(generation: number): Promise<number> {
  let threads = 0;
  await expect
    .poll(
      async () => {
        const response = await fetch(`${app.origin}/probe`);
        if (!response.ok) return 0;
        const seen = (await response.json()) as { generation: number; threads: number };
        threads = seen.threads;
        return seen.generation;
      },
      { timeout: 180_000, interval: 200 },
    )
    .toBe(generation);
  return threads;
}

beforeAll(async () => {
  directory = await copyExample({ major: 16, bundler: 'turbopack' }, 'hot-reload');
  original = await readFile(join(directory, 'lib/pzk.ts'), 'utf8');
  await mkdir(join(directory, 'app/probe'));
  await writeFile(join(directory, 'app/probe/route.ts'), PROBE);
  await write(1);
  app = await startDevelopment(directory);
});
afterAll(() => app?.close());

// Each reload compiles anew, which takes a busy machine long.
it('the development server keeps its verifier and its threads through hot reloads', {
  timeout: 900_000,
}, async () => {
  const keys = async () => (await fetch(`${app.origin}/pzk/jwks.json`)).text();
  const threads = await probe(1);
  expect(threads).toBeGreaterThan(0);
  const before = await keys();
  for (let generation = 2; generation <= 5; generation++) {
    await write(generation);
    expect(await probe(generation)).toBe(threads);
    expect((await fetch(`${app.origin}/`)).status).toBe(200);
  }
  expect(await keys()).toBe(before);
  // One key was issued: nothing was made anew.
  expect(app.output.text.match(/API key/g)).toHaveLength(1);
});
