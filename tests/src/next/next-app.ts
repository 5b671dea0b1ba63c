import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../packages/verifier/test/harness/free-port.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** The example, below which copies find Next.js 16. */
export const EXAMPLE = join(ROOT, 'examples/nextjs-app');

/** Where each Next.js is a dependency. */
const HOMES = { 15: join(ROOT, 'compat/next-15'), 16: EXAMPLE } as const;
export type NextMajor = keyof typeof HOMES;

/** How the example is built. */
export interface Variant {
  readonly major: NextMajor;
  readonly bundler: 'turbopack' | 'webpack';
  readonly standalone: boolean;
}

/** What is not the example's source. */
const LEFT_OUT = new Set(['.next', '.cache', '.turbo', 'node_modules', 'next-env.d.ts', 'dist']);

function nextBinary(major: NextMajor): string {
  const require = createRequire(join(HOMES[major], 'package.json'));
  const manifest = require.resolve('next/package.json');
  const { version } = require('next/package.json') as { version: string };
  if (!version.startsWith(`${major}.`)) throw new Error(`Next.js ${version} stands for ${major}.`);
  return join(dirname(manifest), 'dist/bin/next');
}

/** Runs Node in a process group of its own. */
function runNode(args: readonly string[], cwd: string, env: Record<string, string> = {}) {
  return spawn(process.execPath, args, {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NEXT_TELEMETRY_DISABLED: '1',
      NO_COLOR: '1',
      // Nothing is fetched: a request that leaves this machine would end here.
      HTTP_PROXY: 'http://127.0.0.1:9',
      HTTPS_PROXY: 'http://127.0.0.1:9',
      ...env,
    },
  });
}

function endGroup(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
      return resolve();
    }
    child.once('close', () => resolve());
    process.kill(-child.pid, 'SIGKILL');
  });
}

function collect(child: ChildProcess): { text: string } {
  const output = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8');
    stream?.on('data', (chunk: string) => {
      output.text += chunk;
    });
  }
  return output;
}

/**
 * Copies the example to where another Next.js or another bundler can build it without a trace in the
 * example itself. Returns the directory.
 */
export async function copyExample(
  { major, bundler }: Omit<Variant, 'standalone'>,
  name: string,
): Promise<string> {
  const directory = join(HOMES[major], '.cache', name);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const source = (path: string) =>
    !LEFT_OUT.has(path.slice(EXAMPLE.length + 1).split('/')[0] ?? '');
  for (const entry of ['app', 'lib', 'instrumentation.ts', 'next.config.ts', 'package.json']) {
    await cp(join(EXAMPLE, entry), join(directory, entry), { recursive: true, filter: source });
  }
  for (const entry of ['proxy.ts', 'tsconfig.json']) {
    await cp(join(EXAMPLE, entry), join(directory, entry));
  }
  const edit = async (path: string, change: (text: string) => string) => {
    const file = join(directory, path);
    await writeFile(file, change(await readFile(file, 'utf8')));
  };
  await edit('next.config.ts', (text) => text.replace("'../../'", "'../../../../'"));
  await edit('tsconfig.json', (text) =>
    text.replace('"exclude": ["node_modules", ".cache"]', '"exclude": ["node_modules"]'),
  );
  if (major === 15) {
    // Here two Next.js stand in one tree, and the adapter's sources are beside the other one.
    await edit('tsconfig.json', (text) =>
      text.replace(
        '"types":',
        '"paths": { "next/*": ["../../node_modules/next/*"] },\n    "types":',
      ),
    );
    // What the README says for it.
    await rename(join(directory, 'proxy.ts'), join(directory, 'middleware.ts'));
    await edit('middleware.ts', (text) =>
      text
        .replace('function proxy(', 'function middleware(')
        .replace('config = {', "config = { runtime: 'nodejs',")
        .replace(
          "worker-src 'self'",
          `worker-src 'self'${bundler === 'turbopack' ? ' blob:' : ''}`,
        ),
    );
  }
  return directory;
}

/** Builds a copy of the example. Returns where it is. */
export async function buildVariant({ major, bundler, standalone }: Variant): Promise<string> {
  const name = `${bundler}${standalone ? '-standalone' : ''}`;
  const directory = await copyExample({ major, bundler }, name);
  const flag = {
    15: { turbopack: ['--turbopack'], webpack: [] },
    16: { turbopack: [], webpack: ['--webpack'] },
  };
  const args = [nextBinary(major), 'build', ...flag[major][bundler]];
  const child = runNode(args, directory, standalone ? { NEXT_OUTPUT: 'standalone' } : {});
  const output = collect(child);
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`next build failed:\n${output.text}`);
  return directory;
}

/** A running example. */
export interface NextApp {
  readonly origin: string;
  readonly apiKey: string;
  /** What the server wrote. */
  readonly output: { readonly text: string };
  close(): Promise<void>;
}

async function start(
  args: (port: number) => readonly string[],
  directory: string,
  env: Record<string, string> = {},
): Promise<NextApp> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');
  const child = runNode(args(port), directory, {
    ORIGIN: origin,
    PORT: String(port),
    HOSTNAME: 'localhost',
    PZK_SECRET: secret,
    ...env,
  });
  const output = collect(child);
  const close = () => endGroup(child);
  try {
    const apiKey = await new Promise<string>((resolve, reject) => {
      const look = () => {
        const key = /API key +(pzk_\w+)/.exec(output.text)?.[1];
        if (key !== undefined) resolve(key);
      };
      child.stdout?.on('data', look);
      child.once('close', () => reject(new Error(`It ended:\n${output.text}`)));
      setTimeout(() => reject(new Error(`No key was printed:\n${output.text}`)), 180_000).unref();
    });
    return { origin, apiKey, output, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Starts what was built, as its README says. */
export async function startBuilt(
  { major, standalone }: Variant,
  directory: string,
): Promise<NextApp> {
  if (!standalone) {
    return start((port) => [nextBinary(major), 'start', '-p', String(port)], directory);
  }
  // As Next.js documents it: the static files are copied beside the server.
  const inner = join(directory, '.next/standalone', directory.slice(ROOT.length));
  await cp(join(directory, '.next/static'), join(inner, '.next/static'), { recursive: true });
  return start(() => ['server.js'], inner);
}

/** Starts the example where `npm run build` built it. */
export function startExample(): Promise<NextApp> {
  return startBuilt({ major: 16, bundler: 'turbopack', standalone: false }, EXAMPLE);
}

/**
 * Starts the development server of Next.js 16, such that each change of a module evaluates it anew. With
 * its "server fast refresh" a module that the start has loaded stays as it was.
 */
export function startDevelopment(directory: string): Promise<NextApp> {
  const flag = '--no-server-fast-refresh';
  return start((port) => [nextBinary(16), 'dev', flag, '-p', String(port)], directory);
}

/** Builds an application below {@link EXAMPLE} with Turbopack. */
export async function buildAt(directory: string): Promise<void> {
  const child = runNode([nextBinary(16), 'build'], directory);
  const output = collect(child);
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`next build failed:\n${output.text}`);
}

/** Starts what {@link buildAt} built, and waits until it says that it is ready. */
export async function startAt(
  directory: string,
  env: Record<string, string>,
  ready: string,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const port = await freePort();
  const args = [nextBinary(16), 'start', '-H', '127.0.0.1', '-p', String(port)];
  const child = runNode(args, directory, env);
  const output = collect(child);
  for (let waited = 0; !output.text.includes(ready) || !(await isListening(port)); waited += 100) {
    if (child.exitCode !== null || waited > 180_000) {
      await endGroup(child);
      throw new Error(`It is not ready:\n${output.text}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { port, close: () => endGroup(child) };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
