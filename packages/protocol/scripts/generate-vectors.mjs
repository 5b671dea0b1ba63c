#!/usr/bin/env node
/**
 * Writes `vectors/*.json`, the same bytes in every run. The expected values are computed with
 * node:crypto and this script's own concatenations; only Poseidon and the list of words come from the
 * libraries that `src` uses too. With `--check` nothing is written, and a file that would change is an error.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { encodingVectors } from './lib/encoding-vectors.mjs';
import { exchangeVectors } from './lib/exchange-vectors.mjs';
import { exportVectors } from './lib/export-vectors.mjs';
import { releaseVectors } from './lib/release-vectors.mjs';
import { vaultChangeVectors } from './lib/vault-change-vectors.mjs';
import { vaultVectors } from './lib/vault-vectors.mjs';

const directory = new URL('../vectors/', import.meta.url);
const check = process.argv.includes('--check');
const builders = Object.entries({
  ...encodingVectors,
  ...exchangeVectors,
  ...vaultVectors,
  ...vaultChangeVectors,
  ...exportVectors,
  ...releaseVectors,
});
const stale = [];

for (const [name, build] of builders) {
  const file = new URL(`${name}.json`, directory);
  const text = `${JSON.stringify(build(), null, 2)}\n`;
  if (!check) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) stale.push(`${name}.json`);
}
const names = new Set(builders.map(([name]) => `${name}.json`));
stale.push(...readdirSync(directory).filter((name) => !names.has(name)));

if (stale.length > 0) {
  process.stderr.write(`Stale vectors: ${stale.join(', ')}\n`);
  process.exitCode = 1;
} else {
  process.stdout.write(`${builders.length} files of vectors ${check ? 'checked' : 'written'}.\n`);
}
