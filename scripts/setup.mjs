#!/usr/bin/env node
/**
 * `npm run setup`: finds what the tests need beside Node (redis-server, PostgreSQL and Chromium), installs it
 * with apt where that is possible (root on Debian or Ubuntu), and otherwise says what to install.
 * Idempotent. Leaves no service running that was not running before.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { findChromium, findPostgres, findPyJwt, findRedisServer } from './lib/find-programs.mjs';

const POLICY_FILE = '/usr/sbin/policy-rc.d';

/** What each program is for, which Debian package holds it, and what to say when it is missing. */
const NEEDS = [
  {
    label: 'Python with PyJWT',
    find: findPyJwt,
    variable: 'PYTHON3_WITH_JWT',
    // Only recommended by the former, and such packages are not installed here.
    aptPackage: 'python3-jwt python3-cryptography',
    advice:
      'Install PyJWT with cryptography (Debian: apt-get install python3-jwt python3-cryptography)\n' +
      '  or set PYTHON3_WITH_JWT to the path of a python3 that has both.',
  },
  {
    label: 'redis-server',
    find: findRedisServer,
    variable: 'REDIS_SERVER',
    aptPackage: 'redis-server',
    advice:
      'Install Redis 6.2 or later (Debian: apt-get install redis-server; macOS: brew install redis)\n' +
      '  or set REDIS_SERVER to the path of a redis-server binary.',
  },
  {
    label: 'PostgreSQL',
    find: findPostgres,
    variable: 'POSTGRES_BIN',
    aptPackage: 'postgresql',
    advice:
      'Install PostgreSQL 12 or later (Debian: apt-get install postgresql; macOS: brew install postgresql)\n' +
      '  or set POSTGRES_BIN to the directory that holds initdb and postgres.',
  },
  {
    label: 'Chromium',
    find: findChromium,
    variable: 'CHROMIUM_PATH',
    aptPackage: 'chromium',
    advice:
      'Install Chromium or Google Chrome (Debian: apt-get install chromium; macOS: brew install --cask google-chrome)\n' +
      '  or set CHROMIUM_PATH to the path of its binary.',
  },
];

const missing = reportMissing(NEEDS);
if (missing.length > 0) {
  const obstacle = misconfiguredPath(missing) ?? aptObstacle();
  if (obstacle) {
    fail(missing, obstacle);
  }
  const packages = missing
    .flatMap((need) => need.aptPackage.split(' '))
    .filter((name) => !isSnapStub(name));
  if (packages.length > 0) {
    installWithApt(packages);
  }
  const stillMissing = reportMissing(missing);
  if (stillMissing.length > 0) {
    fail(stillMissing, snapHint(stillMissing));
  }
}
process.stdout.write('setup: everything that the tests need is here\n');

function reportMissing(needs) {
  return needs.filter((need) => {
    const found = need.find();
    if (found) {
      process.stdout.write(`setup: ${need.label}: ${found.path} (${found.version})\n`);
    }
    return !found;
  });
}

function fail(needs, reason) {
  const lines = needs.map((need) => `- ${need.label} was not found.\n  ${need.advice}`);
  process.stderr.write(`${lines.join('\n')}\n${reason ? `${reason}\n` : ''}`);
  process.exit(1);
}

/** A path set by hand that does not run: installing something else would not be used. */
function misconfiguredPath(needs) {
  const variable = needs.map((need) => need.variable).find((name) => process.env[name]);
  return variable && `${variable} is set to ${process.env[variable]}, which does not run.`;
}

/** Why apt cannot be used here, or undefined when it can. */
function aptObstacle() {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const isDebianLike = /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release);
  if (!isDebianLike || spawnSync('apt-get', ['--version']).status !== 0) {
    return 'Automatic installation works on Debian and Ubuntu only.';
  }
  if (process.getuid?.() !== 0) {
    return 'Automatic installation needs root: run `sudo npm run setup` once, or install by hand.';
  }
  return undefined;
}

/** On Ubuntu the `chromium` package only installs a snap, which needs a running snapd. */
function isSnapStub(name) {
  const release = readFileSync('/etc/os-release', 'utf8');
  return name === 'chromium' && /^ID=ubuntu$/m.test(release);
}

function snapHint(needs) {
  return needs.some((need) => isSnapStub(need.aptPackage))
    ? "Ubuntu's chromium package is a stub for a snap, so it is not installed from here:\n" +
        'install Google Chrome as a .deb (https://www.google.com/chrome/), or run\n' +
        '`npx playwright install --with-deps chromium` and set CHROMIUM_PATH.'
    : undefined;
}

function installWithApt(packages) {
  const restoreServicePolicy = forbidServiceStarts();
  try {
    process.stdout.write(`setup: installing ${packages.join(', ')} with apt-get\n`);
    runApt(['update', '-q']);
    runApt(['install', '-q', '-y', '--no-install-recommends', ...packages]);
  } finally {
    restoreServicePolicy();
  }
}

/**
 * Debian starts a service as soon as its package is installed. `policy-rc.d` is the documented way
 * to forbid that: exit code 101 means "not allowed". An administrator's own file is left alone.
 */
function forbidServiceStarts() {
  if (existsSync(POLICY_FILE)) {
    return () => undefined;
  }
  writeFileSync(POLICY_FILE, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  return () => rmSync(POLICY_FILE, { force: true });
}

function runApt(args) {
  // Output is kept back unless it fails: several hundred lines that nobody reads.
  const result = spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...args], {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
  });
  // No exit here: one unreachable mirror fails `update` though the packages can be had, and what
  // counts is whether the programs are there afterwards.
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
    process.stderr.write(`setup: apt-get ${args[0]} failed\n`);
  }
}
