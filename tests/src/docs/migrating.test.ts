import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../../packages/verifier/test/harness/free-port.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const KEY = 'sk_live_4eC39HqLyjWDarjtT1zdp7dc9uXc77QqLm';

let directory: string;
let origin: string;
let server: ChildProcess | undefined;
let log = '';

/** Runs a program with this Node to its end; resolves to what it wrote and its exit code. */
async function run(args: readonly string[]): Promise<{ output: string; code: number | null }> {
  const child = spawn(process.execPath, args, { cwd: directory });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { output, code };
}

async function waitForServer(): Promise<void> {
  for (let tries = 0; tries < 2400; tries++) {
    if (
      await fetch(`${origin}/weather`).then(
        () => true,
        () => false,
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`The server of the document did not start.\n${log}`);
}

beforeAll(async () => {
  const port = await freePort();
  origin = `http://localhost:${port}`;
  const text = await readFile(join(ROOT, 'docs/migrating-from-api-keys.md'), 'utf8');
  const programs = [...text.matchAll(/```ts\n(import .*?)```/gs)].map(([, code = '']) => code);
  expect(programs).toHaveLength(2);
  // Inside the example, where express and our packages are dependencies.
  const cache = join(ROOT, 'examples/express-react/.cache');
  await mkdir(cache, { recursive: true });
  directory = await mkdtemp(join(cache, 'migrating-'));
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
  for (const [index, name] of ['server', 'client'].entries()) {
    const code = programs[index]?.replaceAll('3000', String(port)) ?? '';
    await writeFile(join(directory, `${name}.ts`), code);
  }
  const options = {
    extends: join(ROOT, 'tsconfig.base.json'),
    compilerOptions: { lib: ['ES2023', 'DOM'], types: ['node'], verbatimModuleSyntax: false },
    include: ['.'],
  };
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(options));
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json');
  const compiled = await run([join(dirname(manifest), 'bin/tsc'), '-p', directory]);
  expect(compiled).toEqual({ output: '', code: 0 });
  server = spawn(process.execPath, [join(directory, 'server.js')], { cwd: directory });
  for (const stream of [server.stdout, server.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
  }
  await waitForServer();
}, 300_000);

afterAll(async () => {
  if (server !== undefined) {
    const ended = new Promise((resolve) => server?.once('close', resolve));
    server.kill();
    await ended;
  }
  await rm(directory, { recursive: true });
});

it('the old key goes on working, and the server sees who uses it', async () => {
  for (const headers of [{ authorization: `Bearer ${KEY}` }, { 'x-api-key': KEY }]) {
    const response = await fetch(`${origin}/weather`, {
      headers: headers as Record<string, string>,
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ user: 'ada' });
    expect(response.headers.get('deprecation')).toMatch(/^@\d+$/);
    expect(Date.parse(response.headers.get('sunset') ?? '')).toBeGreaterThan(Date.now());
    expect(response.headers.get('link')).toContain('rel="deprecation"');
  }
  expect((await fetch(`${origin}/weather`)).status).toBe(401);
  const wrong = await fetch(`${origin}/weather`, { headers: { 'x-api-key': `${KEY}x` } });
  expect(wrong.status).toBe(401);
  // What it writes comes on another way than its answers.
  await expect.poll(() => log).toContain('still uses a plain key: key-17');
  expect(log).not.toContain(KEY);
});

it('the program of the document registers its key, and again it is known', async () => {
  const client = join(directory, 'client.js');
  const first = await run([client]);
  expect(first).toMatchObject({ code: 0 });
  expect(first.output).toMatch(/^200 registered\nclient_id [A-Za-z0-9_-]{22}\n$/);
  const second = await run([client]);
  expect(second.output).toBe(first.output.replace('registered', 'known'));
});
