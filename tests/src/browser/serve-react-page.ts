import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  CONTENT_SECURITY_POLICY,
  createApp,
  type WeatherApp,
} from '@pzk-auth/example-express-react';
import { pzkAuth } from '@pzk-auth/express';
import type { VerifierEvent } from '@pzk-auth/verifier';
import express, { type RequestHandler } from 'express';
import { type Alias, build, type InlineConfig } from 'vite';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SOURCES = fileURLToPath(new URL('./react-page/', import.meta.url));

/** Where each React is a dependency. */
const HOMES = { 18: 'tests/react-18', 19: 'packages/react-hooks' } as const;
export type ReactMajor = keyof typeof HOMES;

/** One React for everything in a bundle, whatever stands nearest. */
function aliasReact(major: ReactMajor): Alias[] {
  const require = createRequire(join(ROOT, HOMES[major], 'package.json'));
  const { version } = require('react/package.json') as { version: string };
  if (!version.startsWith(`${major}.`))
    throw new Error(`React ${version} stands where ${major} should.`);
  const names = ['', '/jsx-runtime', '/jsx-dev-runtime'].map((path) => `react${path}`);
  names.push('react-dom', 'react-dom/client', 'react-dom/server');
  return names.map((name) => ({
    find: new RegExp(`^${name}$`),
    replacement: require.resolve(name),
  }));
}

/** Builds for the development build of React: StrictMode and warnings exist in it alone. */
async function bundle(major: ReactMajor, name: string, options: InlineConfig): Promise<string> {
  const directory = join(ROOT, 'tests/.cache', `react-${major}`, name);
  await build({
    configFile: false,
    root: SOURCES,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"development"' },
    resolve: { alias: aliasReact(major) },
    oxc: { jsx: { runtime: 'automatic' } },
    worker: { format: 'es' },
    ...options,
    build: {
      outDir: directory,
      emptyOutDir: true,
      minify: false,
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      ...options.build,
    },
  });
  return directory;
}

const named = (input: string) => ({ input, output: { entryFileNames: 'page.js' } });

/** Bundles a program for a browser. Returns the directory with `page.js`. */
function bundleForBrowser(major: ReactMajor, name: string, input: string): Promise<string> {
  return bundle(major, name, { build: { rolldownOptions: named(input) } });
}

/** Bundles the program in the README of the hooks, with the addresses of a service on its own origin. */
export async function buildReadmePage(major: ReactMajor): Promise<string> {
  const readme = await readFile(join(ROOT, 'packages/react-hooks/README.md'), 'utf8');
  const program = /```tsx\n(.*?)```/s.exec(readme)?.[1] ?? '';
  const directory = join(ROOT, 'tests/.cache', `react-${major}`, 'readme-source');
  await mkdir(directory, { recursive: true });
  const local = program
    .replace("'https://api.example.com'", 'location.origin')
    .replace("'https://api.example.com/weather'", "'/fresh-weather'");
  await writeFile(join(directory, 'app.tsx'), local);
  const main = join(directory, 'main.tsx');
  await writeFile(
    main,
    `import { StrictMode } from 'react';
     import { createRoot } from 'react-dom/client';
     import { App } from './app.js';
     createRoot(document.querySelector('main')!).render(<StrictMode><App /></StrictMode>);`,
  );
  return bundleForBrowser(major, 'readme', main);
}

type Rendering = typeof import('./react-page/on-server.js');

/** A page of the hooks with one React, in bundles for the browser and for the server. */
export interface BuiltPage {
  readonly assets: string;
  readonly rendering: Rendering;
}

export async function buildReactPage(major: ReactMajor): Promise<BuiltPage> {
  const assets = await bundleForBrowser(major, 'browser', join(SOURCES, 'in-browser.ts'));
  const server = await bundle(major, 'server', {
    ssr: { noExternal: ['@pzk-auth/react-hooks', /^react/], external: ['@pzk-auth/client'] },
    build: { ssr: true, rolldownOptions: named(join(SOURCES, 'on-server.ts')) },
  });
  const rendering: Rendering = await import(pathToFileURL(join(server, 'page.js')).href);
  return { assets, rendering };
}

/** A service with a page. */
export interface PageServer extends WeatherApp {
  readonly origin: string;
  readonly events: readonly VerifierEvent[];
  /** Sets the clock of the service ahead. */
  skipTime(seconds: number): void;
}

/** The path says how the page is rendered: `/client`, `/string` or `/stream`; `?resume` resumes. */
function answerWithPage(origin: string, rendering: Rendering): RequestHandler {
  return async (req, res, next) => {
    const { path } = req;
    if (!['/client', '/string', '/stream'].includes(path)) return next();
    const hydrate = path !== '/client';
    const props = { origin, resume: 'resume' in req.query };
    const nonce = randomBytes(16).toString('base64');
    const policy = CONTENT_SECURITY_POLICY.replace('script-src', `script-src 'nonce-${nonce}'`);
    res.set('Content-Security-Policy', policy).type('html');
    const data = JSON.stringify({ ...props, hydrate }).replaceAll('"', '&quot;');
    const end = '</main><script type="module" src="/page.js"></script>';
    res.write(`<!doctype html><title>Page</title><main data-page="${data}">`);
    if (path === '/string') res.write(rendering.renderPage(props));
    if (path === '/stream') {
      const stream = new PassThrough();
      const streamed = rendering.streamPage(props, nonce, stream);
      for await (const chunk of stream) res.write(chunk);
      await streamed;
    }
    res.end(end);
  };
}

/** Serves a page beside a service that it can sign in to, on one origin. */
export async function servePage(assets: string, rendering?: Rendering): Promise<PageServer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const events: VerifierEvent[] = [];
  let skipped = 0;
  const page = express.Router();
  page.get('/favicon.ico', (_req, res) => void res.sendStatus(204));
  if (rendering) page.use(answerWithPage(origin, rendering));
  else {
    page.get('/', (_req, res) => {
      res.send(
        '<!doctype html><title>Page</title><main></main><script type="module" src="/page.js"></script>',
      );
    });
  }
  page.use(express.static(assets));
  const weather = await createApp({
    origin,
    page,
    verifier: {
      onEvent: (event) => events.push(event),
      clock: () => Date.now() + skipped * 1000,
    },
  });
  // The key of the demo, issued by now.
  events.length = 0;
  page.get(
    '/fresh-weather',
    pzkAuth(weather.verifier).protect({ scope: 'weather:read', maxAge: 120 }),
    (_req, res) => void res.json({ sky: 'clear' }),
  );
  server.on('request', weather.app);
  return {
    ...weather,
    origin,
    events,
    skipTime: (seconds) => {
      skipped += seconds;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await weather.close();
    },
  };
}
