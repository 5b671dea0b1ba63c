#!/usr/bin/env node
/**
 * `npm run check:packages`: packs each published package as npm would publish it and lets publint
 * and attw (are the types wrong?) judge the tarball. Needs a build.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { finish, REPO_ROOT } from './lib/report.mjs';
import { PUBLISHED } from './lib/workspaces.mjs';

const PACK_DIR = join(REPO_ROOT, '.cache/packs');
const NPM = process.env.npm_execpath ?? 'npm';

/** What a published package has to carry: the licence text is a condition of the licence. */
const REQUIRED_FILES = ['LICENSE', 'package.json'];
const FORBIDDEN_FILES = /(^|\/)(test|\.turbo|\.cache|node_modules)\/|\.tsbuildinfo$|(^|\/)\.env/;

rmSync(PACK_DIR, { recursive: true, force: true });
mkdirSync(PACK_DIR, { recursive: true });

let passed = 0;
const failures = [];
for (const workspace of PUBLISHED) {
  const packed = pack(workspace);
  const { tarball, files } = packed;
  judge(`${workspace} packs`, tarball ? [] : [packed.output]);
  if (tarball) {
    judge(`${workspace} holds the right files`, misfits(files));
    judge(`${workspace} passes publint`, tool('publint/src/cli.js', ['run', tarball, '--strict']));
    const attw = '@arethetypeswrong/cli/dist/index.js';
    judge(`${workspace} passes attw`, tool(attw, [tarball, '--profile', 'esm-only', '--no-emoji']));
  }
}
finish('packages', { passed, failures });

function judge(title, problems) {
  if (problems.length === 0) {
    passed += 1;
  } else {
    failures.push(`${title}: it does not.\n${problems.join('\n')}`);
  }
}

function pack(workspace) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', PACK_DIR];
  const result = run(NPM, [...args, '-w', workspace]);
  if (result.status !== 0) {
    return { output: result.output };
  }
  const [report] = Object.values(JSON.parse(result.stdout));
  return { tarball: join(PACK_DIR, report.filename), files: report.files.map((file) => file.path) };
}

function misfits(files) {
  const missing = REQUIRED_FILES.filter((file) => !files.includes(file));
  const unbuilt = files.some((file) => file.startsWith('dist/')) ? [] : ['dist'];
  return [
    ...[...missing, ...unbuilt].map((file) => `missing: ${file}`),
    ...files.filter((file) => FORBIDDEN_FILES.test(file)).map((file) => `does not belong: ${file}`),
  ];
}

function tool(path, args) {
  const result = run(join(REPO_ROOT, 'node_modules', path), args);
  return result.status === 0 ? [] : [result.output];
}

/** Runs a program; one written in JavaScript runs under this very Node. */
function run(program, args) {
  const command = /\.[cm]?js$/.test(program) ? [process.execPath, program] : [program];
  const result = spawnSync(command[0], [...command.slice(1), ...args], {
    cwd: REPO_ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, FORCE_COLOR: '0' },
  });
  return { ...result, output: `${result.stdout ?? ''}${result.stderr ?? ''}` };
}
