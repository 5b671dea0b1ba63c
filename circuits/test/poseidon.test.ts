import { existsSync, readFileSync } from 'node:fs';
import { poseidon1, poseidon2, poseidon3, poseidon4, poseidon5 } from 'poseidon-lite';
import { beforeAll, describe, expect, it } from 'vitest';
import { renderPoseidonConstants } from '../scripts/generate-poseidon-constants.mjs';
import { type CompiledCircuit, compileForTest } from './compiled-circuit.js';
import { r, randomElement } from './field.js';
import { commitmentOf, randomOpening, solveOwnership, wire } from './ownership.js';
import { isSatisfied } from './r1cs.js';

const references = [poseidon1, poseidon2, poseidon3, poseidon4, poseidon5] as const;

// Published results: the first three stand in the test suite of circomlib.
const vectors: readonly (readonly [inputs: readonly bigint[], output: bigint])[] = [
  [[1n], 18586133768512220936620570745912940619677854269274689475585506675881198879027n],
  [[1n, 2n], 7853200120776062878684798364095072458815029376092732009249414926327459813530n],
  [
    [1n, 2n, 0n, 0n, 0n],
    1018317224307729531995786483840663576608797660851238720571059489595066344487n,
  ],
  [[1n, 2n, 3n], 6542985608222806190361240322586112750744169038454362455181422643027100751666n],
];

interface VectorFile {
  readonly vectors: readonly { readonly in: readonly string[]; readonly out: string }[];
}

describe('Poseidon', () => {
  const circuits: CompiledCircuit[] = [];

  beforeAll(async () => {
    for (const count of [1, 2, 3, 4, 5]) {
      const source = new URL(`circom/poseidon-${count}.circom`, import.meta.url);
      circuits.push(await compileForTest(source));
    }
  });

  /** Output by circom's witness of the template with as many inputs; wire 1 is `out`. */
  async function hash(inputs: readonly bigint[]): Promise<bigint> {
    const circuit = circuits[inputs.length - 1] as CompiledCircuit;
    const witness = await circuit.calculateWitness({ in: inputs });
    expect(isSatisfied(circuit.r1cs, witness)).toBe(true);
    return witness[1] as bigint;
  }

  it('[C4] equals poseidon-lite on 1,000 random openings, as the published constraints say', () => {
    for (let i = 0; i < 1000; i++) {
      const opening = randomOpening();
      expect(solveOwnership(opening)[wire.commitment]).toBe(commitmentOf(opening));
    }
  });

  it('[C4] equals poseidon-lite with 1 to 5 inputs, random and at the edges', async () => {
    for (const [index, reference] of references.entries()) {
      const count = index + 1;
      const cases = [0n, 1n, r - 1n].map((value) => new Array<bigint>(count).fill(value));
      for (let i = 0; i < 50; i++) cases.push(Array.from({ length: count }, randomElement));
      for (const inputs of cases) expect(await hash(inputs)).toBe(reference(inputs));
    }
  });

  it('[C4] honest: gives the published results', async () => {
    for (const [inputs, output] of vectors) expect(await hash(inputs)).toBe(output);
  });

  const file = new URL('../../../shared/vectors/poseidon-bn254.json', import.meta.url);
  it.runIf(existsSync(file))('[C4] honest: gives the results of the vector file', async () => {
    const { vectors: entries } = JSON.parse(readFileSync(file, 'utf8')) as VectorFile;
    expect(entries.length).toBeGreaterThan(0);
    for (const entry of entries) expect(await hash(entry.in.map(BigInt))).toBe(BigInt(entry.out));
  });

  it('[C4] a changed input, wherever it stands, changes the result', async () => {
    const inputs = [1n, 2n, 3n, 4n];
    const results = new Set([await hash(inputs)]);
    for (const [i, value] of inputs.entries()) results.add(await hash(inputs.with(i, value + 1n)));
    expect(results.size).toBe(5);
  });

  it('takes its constants from poseidon-lite, unchanged', () => {
    const committed = new URL('../circom/poseidon-constants.circom', import.meta.url);
    expect(readFileSync(committed, 'utf8')).toBe(renderPoseidonConstants());
  });
});
