import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { runInThisContext } from 'node:vm';
import { ownershipV1 } from '@pzk-auth/circuits';
import { readArtifact } from '@pzk-auth/circuits/node';
import type { ProofInput } from '../../src/prover/index.js';

const circuits = new URL('../../../../circuits/', import.meta.url);
const run = promisify(execFile);

interface WitnessCalculator {
  calculateWitness(inputs: ProofInput, sanityCheck: boolean): Promise<bigint[]>;
}

/**
 * circom's own witness program, compiled here if need be. It is GPL-3.0: an oracle of this test, made
 * on the machine that runs it, never committed and never shipped.
 */
export async function loadCircomOracle(): Promise<(input: ProofInput) => Promise<bigint[]>> {
  if (!(await isBuilt())) {
    await run(process.execPath, ['scripts/compile.mjs'], { cwd: circuits });
    if (!(await isBuilt()))
      throw new Error('circom compiles to another r1cs than the published one');
  }
  const wasm = await readFile(new URL('build/ownership-v1_js/ownership-v1.wasm', circuits));
  const source = await readFile(
    new URL('build/ownership-v1_js/witness_calculator.js', circuits),
    'utf8',
  );
  // CommonJS below a package of type "module": neither import nor require takes it.
  const module: { exports: unknown } = { exports: undefined };
  (runInThisContext(`(function (module) {${source}\n})`) as (target: typeof module) => void)(
    module,
  );
  const build = module.exports as (wasm: Uint8Array) => Promise<WitnessCalculator>;
  const calculator = await build(wasm);
  return (input) => calculator.calculateWitness(input, true);
}

async function isBuilt(): Promise<boolean> {
  try {
    const built = await readFile(new URL('build/ownership-v1.r1cs', circuits));
    await readFile(new URL('build/ownership-v1_js/ownership-v1.wasm', circuits));
    return built.equals(await readArtifact(ownershipV1.artifacts.r1cs.sha256));
  } catch {
    return false;
  }
}
