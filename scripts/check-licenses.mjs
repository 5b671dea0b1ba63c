#!/usr/bin/env node
/**
 * `npm run check:licenses`: what a user of a published package installs and loads is permissively
 * licensed. (1) The production tree of each published package, with its peers, as the lockfile
 * resolves it. (2) No GPL code inside what is built: generated witness programs, snarkjs, its curves.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { finish, REPO_ROOT } from './lib/report.mjs';
import { listFiles, PUBLISHED, readJson } from './lib/workspaces.mjs';

const ALLOWED = new Set([
  'MIT',
  'MIT-0',
  'ISC',
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'Unlicense',
]);

/**
 * What Next.js brings to those who use it anyway: data of browsers (CC-BY-4.0), and the image library
 * (LGPL, a shared object of its own, optional). Ours neither to add nor to leave out.
 */
const OF_FRAMEWORKS = / > next > (caniuse-lite$|sharp( > |$))/;

/** Directories whose content servers or browsers load. */
const SHIPPED = [
  ...PUBLISHED.map((workspace) => `${workspace}/dist`),
  'circuits/artifacts',
  'examples/agent-byok/dist',
  'examples/express-react/dist',
];

/**
 * Names that survive minification: exports of WASM modules, method names, a notice. A comment that
 * mentions snarkjs is no finding; an import of it is.
 */
const GPL_MARKS = [
  'g1m_multiexpAffine',
  'frm_fft',
  'curve_bn128',
  'getFieldNumLen32',
  'getWitnessSize',
  'writeSharedRWMemory',
  'Fr_toLongNormal',
  '0KIMS',
];
const GPL_IMPORT = /(?:from|import\(|require\()\s*['"](?:snarkjs|ffjavascript|circom|wasmcurves)/;

const lock = readJson('package-lock.json').packages;
let passed = 0;
const failures = [];

for (const workspace of PUBLISHED) {
  const tree = productionTree(workspace);
  const refused = [...tree].flatMap(([path, trail]) => {
    const license = licenseOf(path);
    return isAllowed(license) || OF_FRAMEWORKS.test(trail)
      ? []
      : [`${path} is ${license ?? 'without a licence'} (${trail})`];
  });
  judge(`the production tree of ${workspace} (${tree.size} packages) is permissive`, refused);
}
for (const directory of SHIPPED) {
  const files = listFiles(directory);
  const findings = files.length > 0 ? files.flatMap(gplFindings) : ['nothing is built there'];
  judge(`${directory} holds no GPL code`, findings);
}
// The search proves itself: it has to find what it searches for in the real thing.
const oracle = 'node_modules/snarkjs/build/snarkjs.min.js';
judge('the search finds snarkjs where it is', gplFindings(oracle).length > 0 ? [] : [oracle]);
judge('the tree walk finds a GPL package', refusedIn('circuits', ['devDependencies']));
finish('licenses', { passed, failures });

function judge(title, problems) {
  if (problems.length === 0) {
    passed += 1;
  } else {
    failures.push(`${title}: it does not hold.\n  ${problems.join('\n  ')}`);
  }
}

function refusedIn(workspace, kinds) {
  const tree = productionTree(workspace, kinds);
  return [...tree.keys()].some((path) => /GPL/.test(licenseOf(path) ?? '')) ? [] : [workspace];
}

/** Lockfile path -> trail of names, for all that `workspace` brings with it at run time. */
function productionTree(workspace, ownKinds = runtimeKinds()) {
  const seen = new Map();
  const queue = [[workspace, workspace, ownKinds]];
  for (let next = queue.shift(); next; next = queue.shift()) {
    const [path, trail, kinds] = next;
    const names = new Set(kinds.flatMap((kind) => Object.keys(lock[path]?.[kind] ?? {})));
    for (const name of names) {
      const found = resolveDependency(path, name);
      if (found && !seen.has(found)) {
        seen.set(found, `${trail} > ${name}`);
        queue.push([found, `${trail} > ${name}`, runtimeKinds()]);
      }
    }
  }
  return seen;
}

function runtimeKinds() {
  return ['dependencies', 'optionalDependencies', 'peerDependencies'];
}

/** Node's resolution over the lockfile: nearest node_modules upwards; links lead to workspaces. */
function resolveDependency(from, name) {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/')))) {
    const candidate = `${base ? `${base}/` : ''}node_modules/${name}`;
    if (lock[candidate]) {
      return lock[candidate].link ? lock[candidate].resolved : candidate;
    }
    if (base === '') {
      return undefined; // An optional peer that nobody installed.
    }
  }
}

function licenseOf(path) {
  const manifest = join(REPO_ROOT, path, 'package.json');
  const installed = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')) : {};
  const license = lock[path].license ?? installed.license ?? installed.licenses?.[0];
  return typeof license === 'object' ? license.type : license;
}

/** Of "A OR B" one has to be allowed, of "A AND B" both. */
function isAllowed(license) {
  return (license ?? '')
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((part) => ALLOWED.has(part.trim())));
}

function gplFindings(path) {
  if (path.endsWith('.map')) {
    return []; // Never loaded by a program.
  }
  const text = readFileSync(join(REPO_ROOT, path), 'latin1');
  const marks = GPL_MARKS.filter((mark) => text.includes(mark));
  const imported = GPL_IMPORT.exec(text)?.[0];
  return [...marks, ...(imported ? [imported] : [])].map((mark) => `${path}: ${mark}`);
}
