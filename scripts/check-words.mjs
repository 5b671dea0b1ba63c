#!/usr/bin/env node
/**
 * `npm run check:words`: tracked files speak of the project alone: no paths of somebody's machine, no
 * registry mirrors, no unfinished work, no tests that are switched off.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { finish, REPO_ROOT } from './lib/report.mjs';

const LARGEST_FILE_BYTES = 1_500_000;
const SOURCE = /\.(ts|tsx|mts|js|mjs)$/;

/** [what, pattern, which files]. Written so that no line here matches itself. */
const RULES = [
  ['a path of somebody’s machine', /(^|[\s'"`(=:])\/(work|home|root|Users|tmp)\/[\w.-]/, /./],
  ['a package mirror', /registry\.npmj[s]|deb\.debia[n]/, /./],
  ['unfinished work', /\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b|not (yet )?implemente[d]/, SOURCE],
  [
    'a test switched off',
    /\b(it|test|describe)\.(ski[p]|onl[y]|tod[o])\b|\bxi[t]\(|\bxdescrib[e]\(/,
    SOURCE,
  ],
  [
    'an untyped escape',
    /\bas an[y]\b|: an[y]\b|@ts-ignor[e]|@ts-nochec[k]/,
    /^packages\/[^/]+\/src\/|^circuits\/src\//,
  ],
];

const tracked = spawnSync('git', ['ls-files', '-z'], { cwd: REPO_ROOT, encoding: 'utf8' });
if (tracked.status !== 0) {
  throw new Error(`git ls-files failed: ${tracked.stderr}`);
}
const files = tracked.stdout.split('\0').filter((path) => path && statOf(path)?.isFile());
const failures = files.flatMap((path) => [...oversize(path), ...findings(path)]);
finish('words', { passed: failures.length === 0 ? 1 : 0, failures });

function statOf(path) {
  return statSync(join(REPO_ROOT, path), { throwIfNoEntry: false });
}

function oversize(path) {
  const { size } = statOf(path);
  return size > LARGEST_FILE_BYTES ? [`${path}: ${size} bytes; does a user need it here?`] : [];
}

function findings(path) {
  const bytes = readFileSync(join(REPO_ROOT, path));
  if (bytes.includes(0)) {
    return []; // Binary.
  }
  const rules = RULES.filter(([, , where]) => where.test(path));
  return bytes
    .toString('utf8')
    .split('\n')
    .flatMap((line, index) =>
      rules
        .filter(([, pattern]) => pattern.test(line))
        .map(([what]) => `${path}:${index + 1}: ${what}: ${line.trim().slice(0, 120)}`),
    );
}
