import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { formatReport } from './lib/report.mjs';

/**
 * Every measurement with the ids that it gives. Loaded on demand: each brings its own libraries.
 *
 * @type {readonly { ids: readonly string[], load: () => Promise<(settings: import('./lib/settings.mjs').Settings) => Promise<import('./lib/result.mjs').Result[]>> }[]}
 */
const MEASUREMENTS = [
  {
    ids: ['verify.single'],
    load: async () => (await import('./verify-single.mjs')).measureVerifySingle,
  },
  { ids: ['call.dpop'], load: async () => (await import('./call-dpop.mjs')).measureCallDpop },
  {
    ids: ['prove.node.warm'],
    load: async () => (await import('./prove-node.mjs')).measureProveNode,
  },
  {
    ids: ['prove.chromium.warm', 'prove.chromium.cold', 'bytes.chromium'],
    load: async () => (await import('./prove-chromium.mjs')).measureProveChromium,
  },
  { ids: ['hpke'], load: async () => (await import('./hpke.mjs')).measureHpke },
  {
    ids: ['vault.unlock'],
    load: async () => (await import('./vault-unlock.mjs')).measureVaultUnlock,
  },
  {
    ids: ['broker.call'],
    load: async () => (await import('./broker-call.mjs')).measureBrokerCall,
  },
  {
    ids: ['loop.delay.p99'],
    load: async () => (await import('./loop-delay.mjs')).measureLoopDelay,
  },
];

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  console.log(`npm run bench -- [--quick] [--only id,...] [--json FILE]
ids: ${MEASUREMENTS.flatMap(({ ids }) => ids).join(', ')}`);
} else {
  process.exitCode = await run(values);
}

/** @param {{ json?: string | undefined, only?: string | undefined, quick: boolean }} options */
async function run({ json, only, quick }) {
  const wanted = only === undefined ? undefined : new Set(only.split(','));
  const known = new Set(MEASUREMENTS.flatMap(({ ids }) => ids));
  for (const id of wanted ?? []) {
    if (!known.has(id)) {
      console.error(`There is no ${id}; see --help.`);
      return 2;
    }
  }
  /** @type {import('./lib/result.mjs').Result[]} */
  const results = [];
  /** @type {string[]} */
  const notes = [];
  let failed = false;
  for (const { ids, load } of MEASUREMENTS) {
    if (wanted !== undefined && !ids.some((id) => wanted.has(id))) continue;
    const start = performance.now();
    try {
      const measure = await load();
      results.push(...(await measure({ quick, note: (text) => notes.push(text) })));
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      console.error(`measured ${ids.join(', ')} in ${seconds} s`);
    } catch (error) {
      failed = true;
      console.error(`${ids.join(', ')} failed to run:`, error);
    }
  }
  console.log(formatReport(results, notes));
  if (json !== undefined)
    await writeFile(
      resolve(process.env.INIT_CWD ?? '', json),
      `${JSON.stringify(results, null, 2)}\n`,
    );
  return failed ? 1 : 0;
}
