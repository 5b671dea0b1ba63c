import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPO_ROOT } from './report.mjs';

/** The packages that go to the registry, in the order of their dependencies. */
export const PUBLISHED = [
  'packages/protocol',
  'circuits',
  'packages/client',
  'packages/agent',
  'packages/verifier',
  'packages/express',
  'packages/cli',
  'packages/nestjs',
  'packages/nextjs',
  'packages/react-hooks',
];

/** Reads a JSON file below the repository's root. */
export function readJson(path) {
  return JSON.parse(readFileSync(join(REPO_ROOT, path), 'utf8'));
}

/** Every workspace of the root manifest as `{ directory, manifest }`. */
export function listWorkspaces() {
  const directories = readJson('package.json').workspaces.flatMap((pattern) =>
    pattern.endsWith('/*') ? subdirectories(pattern.slice(0, -2)) : [pattern],
  );
  return directories
    .filter((directory) => existsSync(join(REPO_ROOT, directory, 'package.json')))
    .map((directory) => ({ directory, manifest: readJson(`${directory}/package.json`) }));
}

function subdirectories(parent) {
  return readdirSync(join(REPO_ROOT, parent), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${parent}/${entry.name}`);
}

/** All files below a directory of the repository, as paths relative to its root. */
export function listFiles(directory) {
  if (!existsSync(join(REPO_ROOT, directory))) {
    return [];
  }
  return readdirSync(join(REPO_ROOT, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) {
      return entry.name === 'node_modules' ? [] : listFiles(path);
    }
    return entry.isFile() ? [path] : [];
  });
}
