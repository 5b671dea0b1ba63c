import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { compileCircuit } from '../scripts/compile.mjs';
import { type R1cs, readR1cs } from './r1cs.js';

type Inputs = Readonly<Record<string, bigint | readonly bigint[]>>;

interface WitnessCalculator {
  calculateWitness(inputs: Inputs, sanityCheck: boolean): Promise<bigint[]>;
}

export interface CompiledCircuit {
  readonly r1cs: R1cs;
  /** circom's own witness: the oracle. Its runtime is GPL, made here and never committed. */
  calculateWitness(inputs: Inputs): Promise<bigint[]>;
}

const require = createRequire(import.meta.url);

/** Compiles a circuit into a scratch directory of its own, as test files run side by side. */
export async function compileForTest(source: URL): Promise<CompiledCircuit> {
  const name = (source.pathname.split('/').at(-1) as string).replace('.circom', '');
  const outputDirectory = new URL(`../build/test-${name}/`, import.meta.url);
  const { r1cs, wasm } = await compileCircuit({ source, name, outputDirectory });

  // circom writes CommonJS; below a package of type "module" it needs a word of its own.
  await writeFile(new URL('package.json', outputDirectory), '{ "type": "commonjs" }\n');
  const build: (wasm: Uint8Array) => Promise<WitnessCalculator> = require(
    fileURLToPath(new URL(`${name}_js/witness_calculator.js`, outputDirectory)),
  );
  const calculator = await build(wasm);
  return {
    r1cs: readR1cs(r1cs),
    calculateWitness: (inputs) => calculator.calculateWitness(inputs, true),
  };
}
