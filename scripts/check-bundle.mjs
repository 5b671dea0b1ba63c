#!/usr/bin/env node
/**
 * `npm run check:bundle`: bundles client and react-hooks for the browser and looks at every file that
 * went in: no server package, no Node built-in. Workers count as entries of their own. Needs a build.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { finish, REPO_ROOT } from './lib/report.mjs';
import { readJson } from './lib/workspaces.mjs';

const BROWSER_PACKAGES = ['packages/client', 'packages/react-hooks'];
/** Subpaths that browsers never load. */
const NOT_FOR_BROWSERS = ['./testing', './package.json'];
/** What the application brings itself. */
const PEERS = ['react', 'react/jsx-runtime'];
const SERVER_CODE =
  /(^|\/)packages\/(verifier|express|nextjs)\/|node_modules\/(@pzk-auth\/(verifier|express|nextjs)|express|@simplewebauthn\/server|ioredis|snarkjs|ffjavascript)\//;
/**
 * Dynamic imports that no browser reaches, each with its reason.
 * - @hpke/common asks for `crypto` where `globalThis.crypto` is missing: Node 18 and older.
 */
const UNREACHED = new Map([['node_modules/@hpke/common/', 'crypto']]);
const isUnreached = (path, { path: wanted, kind }) =>
  kind === 'dynamic-import' &&
  [...UNREACHED].some(([folder, name]) => path.startsWith(folder) && wanted === name);
const WORKER = /new URL\(\s*['"](\.[^'"]+\.js)['"],\s*import\.meta\.url\s*\)/g;

let passed = 0;
const failures = [];
for (const entry of BROWSER_PACKAGES.flatMap(entriesOf)) {
  const problems = await inspect(entry);
  if (problems.length === 0) {
    passed += 1;
  } else {
    failures.push(`${entry} for the browser:\n  ${problems.join('\n  ')}`);
  }
}
// The check proves itself: what is planted has to be found, and what is harmless has to pass.
const PLANTED = [
  ["import 'node:fs';", true],
  ["try { require('fs'); } catch {}", true],
  ["export { name } from './packages/verifier/package.json';", true],
  ["export { sha256 } from '@noble/hashes/sha2.js';", false],
];
for (const [contents, isRefused] of PLANTED) {
  const { problems } = await bundle({ stdin: { contents, resolveDir: REPO_ROOT } });
  if (problems.length > 0 === isRefused) {
    passed += 1;
  } else {
    failures.push(`planted, and judged wrongly: ${contents} (${problems.join(', ')})`);
  }
}
finish('bundle', { passed, failures });

/** What a page can import from a package, by its `exports`. */
function entriesOf(workspace) {
  return Object.entries(readJson(`${workspace}/package.json`).exports)
    .filter(([subpath]) => !NOT_FOR_BROWSERS.includes(subpath))
    .map(([, target]) => join(workspace, target.default));
}

/** Bundles an entry and every worker that it can start; returns what does not belong. */
async function inspect(entry) {
  const done = new Set();
  const queue = [entry];
  const problems = [];
  for (let next = queue.shift(); next; next = queue.shift()) {
    if (!done.has(next)) {
      done.add(next);
      const result = await bundle({ entryPoints: [join(REPO_ROOT, next)] });
      problems.push(...result.problems.map((problem) => `${next}: ${problem}`));
      queue.push(...result.workers);
      if (result.size) {
        process.stdout.write(`check:bundle: ${next}: ${result.size}\n`);
      }
    }
  }
  return problems;
}

async function bundle(input) {
  const result = await build({
    ...input,
    absWorkingDir: REPO_ROOT,
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['browser'],
    external: PEERS,
    outdir: 'out',
    logLevel: 'silent',
  }).catch((error) => ({ errors: error.errors ?? [{ text: String(error) }] }));
  // With platform "browser" a Node built-in that no `browser` field maps away is an error, or a
  // warning where it stands inside a try block.
  const messages = [...(result.errors ?? []), ...(result.warnings ?? [])].map(
    ({ text, location }) => `${text}${location ? ` (${location.file}:${location.line})` : ''}`,
  );
  const inputs = Object.keys(result.metafile?.inputs ?? {});
  const server = inputs.filter((path) => SERVER_CODE.test(path)).map((path) => `holds ${path}`);
  // A built-in required inside a try block gives no message and is left to the page to resolve.
  const unresolved = Object.entries(result.metafile?.inputs ?? {}).flatMap(([path, { imports }]) =>
    imports
      .filter((one) => one.external && !PEERS.includes(one.path) && !isUnreached(path, one))
      .map((one) => `${path} leaves ${one.path} unresolved`),
  );
  const bytes = result.outputFiles?.[0]?.contents;
  return {
    problems: [...messages, ...server, ...unresolved],
    workers: inputs.filter((path) => path.startsWith('packages/')).flatMap(startedWorkers),
    size: bytes && `${bytes.length} bytes, ${gzipSync(bytes).length} gzip`,
  };
}

function startedWorkers(path) {
  const text = readFileSync(join(REPO_ROOT, path), 'utf8');
  return [...text.matchAll(WORKER)].map(([, worker]) => join(path, '..', worker));
}
