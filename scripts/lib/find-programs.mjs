import { spawnSync } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';

const MAC_CHROME = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** Finds redis-server: `REDIS_SERVER`, then PATH. Returns `{ path, version }` or undefined. */
export function findRedisServer(env = process.env) {
  return firstThatRuns(env.REDIS_SERVER, ['redis-server'], [], env);
}

/**
 * Finds the directory of PostgreSQL's server programs: `POSTGRES_BIN`, then PATH, then where Debian
 * keeps them, which is not on PATH. Returns `{ path, version }` of a directory or undefined.
 */
export function findPostgres(env = process.env) {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian)
    ? readdirSync(debian).sort((a, b) => Number(b) - Number(a))
    : [];
  const directories = env.POSTGRES_BIN
    ? [env.POSTGRES_BIN]
    : [
        ...(env.PATH ?? '').split(delimiter),
        ...versions.map((version) => join(debian, version, 'bin')),
      ];
  for (const path of directories) {
    const programs = ['initdb', 'postgres'].map((name) => join(path, name));
    const version = programs.every(isExecutable) && readVersion(programs[1]);
    if (version) {
      return { path, version };
    }
  }
  return undefined;
}

/** Finds Chromium or Chrome: `CHROMIUM_PATH`, then PATH, then the usual places. */
export function findChromium(env = process.env) {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const places = ['/usr/bin/chromium', '/opt/google/chrome/chrome', MAC_CHROME];
  return firstThatRuns(env.CHROMIUM_PATH, names, places, env);
}

/**
 * Finds a Python with PyJWT and its cryptography: `PYTHON3_WITH_JWT`, then Debian's own, then PATH. Returns
 * `{ path, version }` (of PyJWT) or undefined.
 */
export function findPyJwt(env = process.env) {
  const script = 'import jwt, cryptography; jwt.PyJWKClient; print("PyJWT", jwt.__version__)';
  const candidates = env.PYTHON3_WITH_JWT
    ? [env.PYTHON3_WITH_JWT]
    : ['/usr/bin/python3', ...(env.PATH ?? '').split(delimiter).map((dir) => join(dir, 'python3'))];
  for (const path of candidates) {
    if (!isExecutable(path)) continue;
    const result = spawnSync(path, ['-c', script], { encoding: 'utf8', timeout: 20_000 });
    if (result.status === 0) return { path, version: result.stdout.trim() };
  }
  return undefined;
}

function firstThatRuns(configured, names, places, env) {
  // A path that somebody set on purpose is used or refused, never silently replaced by another.
  const candidates = configured
    ? [configured]
    : [
        ...names.flatMap((name) => (env.PATH ?? '').split(delimiter).map((dir) => join(dir, name))),
        ...places,
      ];
  for (const path of candidates) {
    const version = isExecutable(path) && !isSnapStub(path) ? readVersion(path) : undefined;
    if (version) {
      return { path, version };
    }
  }
  return undefined;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Ubuntu's /usr/bin/chromium-browser is a shell script that only calls `snap`. A snap Chromium cannot
 * read most directories outside the home of its user, so it does not serve as a test browser.
 */
function isSnapStub(path) {
  const real = realpathSync(path);
  if (real.endsWith('/snap') || real.startsWith('/snap/')) {
    return true;
  }
  const head = readHead(real, 4096);
  return head.startsWith('#!') && /\/snap\/bin\/chromium|snap install chromium/.test(head);
}

/** The first bytes only: the file may be a browser of 250 MB. */
function readHead(path, length) {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(length);
    return buffer.toString('latin1', 0, readSync(file, buffer, 0, length, 0));
  } finally {
    closeSync(file);
  }
}

function readVersion(path) {
  const result = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 20_000 });
  return result.status === 0 ? result.stdout.trim().split('\n')[0].slice(0, 80) : undefined;
}
