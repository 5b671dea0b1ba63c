#!/usr/bin/env node
/**
 * `npm run check:boundaries`: shows that each boundary in biome.json can fail. A rule that never
 * fires (a typing slip in a path, a plugin that Biome could not parse) looks exactly like a clean tree.
 * Each case becomes a file in a temporary copy of the layout, so nothing is planted in the tree.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { finish, REPO_ROOT } from './lib/report.mjs';

const BIOME = join(REPO_ROOT, 'node_modules/@biomejs/biome/bin/biome');

/** [file, imported module, must be refused] */
const CASES = [
  ['packages/protocol/src/planted.ts', '@pzk-auth/client', true],
  ['packages/protocol/src/planted.ts', '@pzk-auth/circuits', true],
  ['packages/protocol/src/planted.ts', 'node:crypto', true],
  ['packages/protocol/src/planted.ts', 'valibot', false],
  ['circuits/src/planted.ts', '@pzk-auth/protocol', true],
  ['circuits/src/planted.ts', 'node:fs', true],
  ['circuits/src/node.ts', 'node:fs', false],
  ['packages/client/src/planted.ts', '@pzk-auth/verifier', true],
  ['packages/client/src/planted.ts', '@pzk-auth/verifier/testing', true],
  ['packages/client/src/testing/planted.ts', '@pzk-auth/verifier', true],
  ['packages/client/src/planted.ts', '@pzk-auth/express', true],
  ['packages/client/src/planted.ts', '@pzk-auth/react-hooks', true],
  ['packages/client/src/planted.ts', 'node:fs', true],
  ['packages/client/src/planted.ts', '@pzk-auth/protocol', false],
  ['packages/client/src/planted.ts', '@pzk-auth/circuits', false],
  ['packages/client/src/testing/planted.ts', 'node:crypto', false],
  ['packages/client/src/prover/node-planted.ts', 'node:worker_threads', false],
  ['packages/react-hooks/src/planted.ts', '@pzk-auth/verifier', true],
  ['packages/react-hooks/src/planted.ts', '@pzk-auth/circuits', true],
  ['packages/react-hooks/src/planted.ts', 'node:fs', true],
  ['packages/react-hooks/src/planted.ts', '@pzk-auth/client', false],
  ['packages/verifier/src/planted.ts', '@pzk-auth/client', true],
  ['packages/verifier/src/planted.ts', '@pzk-auth/express', true],
  ['packages/verifier/src/planted.ts', 'express', true],
  ['packages/verifier/src/planted.ts', '@pzk-auth/protocol', false],
  ['packages/verifier/src/planted.ts', 'node:crypto', false],
  ['packages/cli/src/planted.ts', '@pzk-auth/client', false],
  ['packages/cli/src/planted.ts', '@pzk-auth/client/testing', true],
  ['packages/cli/src/planted.ts', '@hpke/core', true],
  ['packages/cli/src/planted.ts', '@pzk-auth/express', true],
  ['packages/cli/src/planted.ts', 'snarkjs', true],
  ['packages/cli/src/planted.ts', '@pzk-auth/verifier/sql', false],
  ['packages/cli/src/planted.ts', '@pzk-auth/circuits/setup', false],
  ['packages/express/src/planted.ts', '@pzk-auth/client', true],
  ['packages/express/src/planted.ts', '@pzk-auth/circuits', true],
  ['packages/express/src/planted.ts', '@pzk-auth/verifier', false],
  ['packages/express/src/planted.ts', '@pzk-auth/verifier/node', false],
  ['packages/express/src/planted.ts', '@pzk-auth/verifier/sql', true],
  ['packages/express/src/planted.ts', 'express', false],
  ['packages/nestjs/src/planted.ts', '@pzk-auth/client', true],
  ['packages/nestjs/src/planted.ts', '@pzk-auth/express', true],
  ['packages/nestjs/src/planted.ts', '@pzk-auth/verifier', false],
  ['packages/nestjs/src/planted.ts', '@pzk-auth/verifier/node', false],
  ['packages/verifier/src/planted.ts', '@pzk-auth/nestjs', true],
  ['packages/nextjs/src/planted.ts', '@pzk-auth/client', true],
  ['packages/nextjs/src/planted.ts', '@pzk-auth/circuits', true],
  ['packages/nextjs/src/planted.ts', '@pzk-auth/verifier', false],
  ['packages/agent/src/planted.ts', '@pzk-auth/verifier', true],
  ['packages/agent/src/planted.ts', '@pzk-auth/client', true],
  ['packages/agent/src/planted.ts', '@pzk-auth/protocol', false],
  ['packages/agent/src/planted.ts', 'node:https', false],
  ['packages/agent/src/planted.ts', 'jose', true],
  ['packages/agent/src/platform/planted.ts', 'jose', false],
  ['packages/agent/src/keeper/planted.ts', '@hpke/core', true],
  ['packages/agent/src/keeper/hpke.ts', '@hpke/core', false],
  // GPL-3.0 code, in any spelling of an import, in anything that ships.
  ['packages/client/src/planted.ts', 'snarkjs', true],
  ['packages/verifier/src/planted.ts', 'snarkjs', true],
  ['packages/protocol/src/planted.ts', 'ffjavascript', true],
  ['circuits/src/planted.ts', 'circomlibjs', true],
  ['examples/express-react/src/planted.ts', 'snarkjs', true],
  ['examples/agent-byok/web/src/planted.ts', 'snarkjs', true],
  ['packages/verifier/test/planted.ts', 'snarkjs', false],
  // One importing place for each cryptographic library.
  ['packages/client/src/planted.ts', 'mcl-wasm', true],
  ['packages/verifier/src/planted.ts', 'mcl-wasm', true],
  ['packages/client/src/planted.ts', 'jose', true],
  ['packages/verifier/src/planted.ts', 'jose', true],
  ['packages/client/src/planted.ts', '@hpke/core', true],
  ['packages/client/src/prover/planted.ts', 'mcl-wasm/dist/mcl_c.js', true],
  ['packages/client/src/prover/mcl.ts', 'mcl-wasm/dist/mcl_c.js', false],
  ['packages/verifier/src/proof/mcl.ts', 'mcl-wasm/dist/mcl_c.js', false],
  ['packages/client/src/transport/planted.ts', 'jose', false],
  ['packages/verifier/src/token/planted.ts', 'jose', false],
  ['packages/client/src/vault/hpke.ts', '@hpke/core', false],
  ['packages/protocol/src/planted.ts', '@noble/hashes/sha2.js', true],
  ['packages/protocol/src/hash.ts', '@noble/hashes/sha2.js', false],
  ['packages/protocol/src/planted.ts', 'poseidon-lite', true],
  ['packages/protocol/src/commitment.ts', 'poseidon-lite/poseidon4', false],
  ['packages/protocol/src/planted.ts', '@scure/base', true],
  ['packages/protocol/src/crockford.ts', '@scure/base', false],
  ['packages/protocol/src/planted.ts', '@scure/bip39/wordlists/english.js', true],
  ['packages/protocol/src/words.ts', '@scure/bip39/wordlists/english.js', false],
  ['packages/verifier/src/planted.ts', '@simplewebauthn/server', true],
  ['packages/verifier/src/planted.ts', 'ioredis', true],
  ['packages/verifier/src/planted.ts', 'kysely', true],
  ['packages/verifier/src/planted.ts', 'libsql', true],
  ['packages/verifier/src/planted.ts', 'pg', true],
  ['packages/verifier/src/sql/planted.ts', 'kysely', false],
];

/** Every spelling of an import, one a line: each line must be refused, or none. */
const SPELLINGS = [
  (name) => `import { planted } from '${name}';`,
  (name) => `export { again } from '${name}';`,
  (name) => `export const used = [planted, import('${name}')];`,
];

const directory = mkdtempSync(join(tmpdir(), 'pzk-boundaries-'));
try {
  const failures = checkCases(directory);
  finish('boundaries', { passed: CASES.length - failures.length, failures });
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function checkCases(root) {
  for (const path of ['biome.json', 'package.json', 'scripts/lint', ...manifests()]) {
    cpSync(join(REPO_ROOT, path), join(root, path), { recursive: true });
  }
  const planted = CASES.map(([file, name, refused], index) => {
    // The number keeps files of one directory apart; a file that is a home by its name stays.
    const path = file.replace('planted.ts', `planted-${index}.ts`);
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${SPELLINGS.map((spell) => spell(name)).join('\n')}\n`);
    return { path, name, refused };
  });
  const diagnostics = lint(root);
  return planted.flatMap((one) => {
    const lines = new Set(diagnostics.get(`${one.path} ${ruleFor(one.name)}`));
    const expected = one.refused ? SPELLINGS.length : 0;
    return lines.size === expected
      ? []
      : [`${one.path}: ${lines.size} of ${expected} imports of ${one.name} were refused`];
  });
}

/** The manifests decide what counts as a declared dependency. */
function manifests() {
  const packages = [
    ...['protocol', 'client', 'agent', 'verifier'],
    ...['express', 'nestjs', 'nextjs', 'react-hooks'],
  ];
  return [
    ...packages.map((name) => `packages/${name}/package.json`),
    'circuits/package.json',
    'examples/express-react/package.json',
    'examples/agent-byok/package.json',
  ];
}

/** The rule that has to refuse: two rules may cover one import, and each has to work alone. */
function ruleFor(name) {
  if (name.startsWith('@pzk-auth/')) return 'lint/style/noRestrictedImports';
  if (name.startsWith('node:')) return 'lint/correctness/noNodejsModules';
  return name === 'express' ? 'lint/correctness/noUndeclaredDependencies' : 'plugin';
}

/** "path rule" -> lines with an error. */
function lint(root) {
  const args = ['lint', '--vcs-enabled=false', '--max-diagnostics=none', '--reporter=json', '.'];
  const result = spawnSync(process.execPath, [BIOME, ...args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  // A plugin that cannot run says "errored" as a mere information, and lets everything pass.
  if (!result.stdout.startsWith('{') || /errored:/.test(result.stdout)) {
    throw new Error(`biome did not lint: ${result.stdout}${result.stderr}`);
  }
  const found = new Map();
  for (const { severity, category, location } of JSON.parse(result.stdout).diagnostics) {
    if (severity === 'error') {
      const key = `${location.path} ${category}`;
      found.set(key, [...(found.get(key) ?? []), location.start.line]);
    }
  }
  return found;
}
