import { publicSignals, SCALAR_FIELD_MODULUS } from '@pzk-auth/protocol';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { ProofInput } from '../../src/prover/index.js';
import { createMcl, FR_BYTES, type Mcl } from '../../src/prover/mcl.js';
import { type ProverBinary, parseProverBinary } from '../../src/prover/prover-binary.js';
import { createWitnessSolver, type WitnessSolver } from '../../src/prover/witness.js';
import { loadCircomOracle } from './circom-oracle.js';
import { createInput, largestElement, loadArtifact } from './fixtures.js';

// Proofs and oracles take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const MODULUS = SCALAR_FIELD_MODULUS;

let mcl: Mcl;
let binary: ProverBinary;
let solver: WitnessSolver;

beforeAll(async () => {
  mcl = await createMcl();
  binary = parseProverBinary(await loadArtifact());
  solver = createWitnessSolver(mcl, binary);
});

const toInputs = (input: ProofInput): bigint[] => [
  ...publicSignals(input),
  input.tag,
  input.m0,
  input.m1,
  input.salt,
];

function modInverse(value: bigint): bigint {
  let [a, b, x, y] = [MODULUS, value % MODULUS, 0n, 1n];
  while (b !== 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return ((x % MODULUS) + MODULUS) % MODULUS;
}

const inverseOfRadix = modInverse(1n << 256n);

/** Scalars as integers, out of Montgomery form. */
function readScalars(at: number, count: number): bigint[] {
  const memory = mcl.memory().slice(at, at + count * FR_BYTES);
  return Array.from({ length: count }, (_, index) => {
    const bytes = memory.slice(index * FR_BYTES, (index + 1) * FR_BYTES).reverse();
    return (BigInt(`0x${Buffer.from(bytes).toString('hex')}`) * inverseOfRadix) % MODULUS;
  });
}

/** A combination over a witness, by big integers: an evaluation of its own. */
function evaluate(row: number, witness: readonly bigint[]): bigint {
  const constants = readConstants();
  const { starts, wires, constants: indices } = binary.combinations;
  let sum = 0n;
  for (let index = starts[row] as number; index < (starts[row + 1] as number); index++) {
    const coefficient = constants[indices[index] as number] as bigint;
    sum += coefficient * (witness[wires[index] as number] as bigint);
  }
  return sum % MODULUS;
}

let cachedConstants: bigint[] | undefined;
function readConstants(): bigint[] {
  cachedConstants ??= Array.from({ length: binary.constants.length / 32 }, (_, index) => {
    const bytes = binary.constants.slice(32 * index, 32 * index + 32).reverse();
    return (BigInt(`0x${Buffer.from(bytes).toString('hex')}`) * inverseOfRadix) % MODULUS;
  });
  return cachedConstants;
}

describe('createWitnessSolver', () => {
  it('gives the witness of circom for 1,000 random and the extreme inputs', async () => {
    const calculate = await loadCircomOracle();
    const inputs = Array.from({ length: 1000 }, () => createInput());
    for (const value of [0n, 1n, largestElement]) {
      inputs.push(createInput({ tag: value, m0: value, m1: value, salt: value, context: value }));
      inputs.push(createInput({ context: value }), createInput({ m1: value }));
    }
    for (const input of inputs) {
      solver.solve(toInputs(input));
      expect(readScalars(solver.witness, binary.wires)).toEqual(await calculate(input));
    }
    solver.wipe();
  });

  it('keeps A*w and B*w of every constraint, and the public wires behind them', () => {
    solver.solve(toInputs(createInput()));
    const witness = readScalars(solver.witness, binary.wires);
    const size = 2 ** binary.domainLog2;
    const a = readScalars(solver.a, size);
    const b = readScalars(solver.b, size);
    const count = binary.constraints.length / 3;
    for (let index = 0; index < count; index++) {
      const [rowA, rowB, rowC] = binary.constraints.subarray(3 * index, 3 * index + 3);
      expect(a[index]).toBe(evaluate(rowA as number, witness));
      expect(b[index]).toBe(evaluate(rowB as number, witness));
      expect(((a[index] as bigint) * (b[index] as bigint)) % MODULUS).toBe(
        evaluate(rowC as number, witness),
      );
    }
    const signals = witness.slice(0, binary.publicSignals + 1);
    expect(a.slice(count)).toEqual([...signals, ...Array(size - count - signals.length).fill(0n)]);
    expect(b.slice(count)).toEqual(Array(size - count).fill(0n));
    solver.wipe();
  });

  it('refuses inputs that are no opening of the commitment, each changed alone', () => {
    const input = createInput();
    expect(() => solver.solve(toInputs(input))).not.toThrow();
    for (const name of ['tag', 'm0', 'm1', 'salt', 'commitment'] as const) {
      const changed = { ...input, [name]: (input[name] + 1n) % MODULUS };
      expect(() => solver.solve(toInputs(changed)), name).toThrow(
        expect.objectContaining({ code: 'prover_failed' }),
      );
    }
  });

  it('refuses values outside of the field, which the circuit would take for others', () => {
    const input = createInput();
    for (const value of [input.m0 + MODULUS, MODULUS, -1n, 1n << 256n, (1n << 256n) + input.m0]) {
      expect(() => solver.solve(toInputs({ ...input, m0: value }))).toThrow(
        expect.objectContaining({ code: 'prover_failed' }),
      );
    }
    expect(() => solver.solve(toInputs(input).slice(1))).toThrow(
      expect.objectContaining({ code: 'prover_failed' }),
    );
  });

  it('leaves nothing in memory after wipe', () => {
    solver.solve(toInputs(createInput()));
    expect(readScalars(solver.witness, binary.wires).some((value) => value !== 0n)).toBe(true);
    solver.wipe();
    expect(readScalars(solver.witness, binary.wires).every((value) => value === 0n)).toBe(true);
    expect(readScalars(solver.a, 2 ** binary.domainLog2).every((value) => value === 0n)).toBe(true);
  });
});
