import { beforeAll, describe, expect, it } from 'vitest';
import { type CompiledCircuit, compileForTest } from './compiled-circuit.js';
import { r, randomElement, reduce } from './field.js';
import {
  commitmentOf,
  ownershipPlan,
  ownershipR1cs,
  randomOpening,
  solveOwnership,
  wire,
} from './ownership.js';
import { type Constraint, isSatisfied, planForward, type R1cs, wiresOf } from './r1cs.js';

const opening = randomOpening();
const witness = solveOwnership(opening);

/** The witness with one wire changed. */
const withWire = (index: number, value: bigint): bigint[] => witness.with(index, reduce(value));

const publicWires = (r1cs: R1cs): number[] =>
  Array.from({ length: r1cs.outputs + r1cs.publicInputs }, (_, index) => index + 1);

const unconstrainedPublicWires = (r1cs: R1cs): number[] => {
  const used = new Set(r1cs.constraints.flatMap((constraint) => [...wiresOf(constraint)]));
  return publicWires(r1cs).filter((index) => !used.has(index));
};

describe('ownership/v1', () => {
  let compiled: CompiledCircuit;

  beforeAll(async () => {
    compiled = await compileForTest(new URL('../circom/ownership-v1.circom', import.meta.url));
  });

  it('has the size and the inputs that it is known for', () => {
    expect(ownershipR1cs).toMatchObject({ outputs: 0, publicInputs: 2, privateInputs: 4 });
    expect(ownershipR1cs.constraints).toHaveLength(298);
    expect(ownershipR1cs.wires).toBe(304);
  });

  it('solves forward to the witness of circom, wire by wire', async () => {
    for (let i = 0; i < 50; i++) {
      const inputs = randomOpening();
      const commitment = commitmentOf(inputs);
      expect(solveOwnership(inputs)).toEqual(
        await compiled.calculateWitness({ ...inputs, commitment }),
      );
    }
  });

  it('[C1] honest: an opening satisfies the constraints', () => {
    expect(witness[wire.commitment]).toBe(commitmentOf(opening));
    expect(witness[wire.context]).toBe(opening.context);
    expect(isSatisfied(ownershipR1cs, witness)).toBe(true);
  });

  it('[C1] each public input stands in a constraint', () => {
    expect(publicWires(ownershipR1cs)).toEqual([wire.commitment, wire.context]);
    expect(unconstrainedPublicWires(ownershipR1cs)).toEqual([]);
  });

  it('[C1] each public input changed alone breaks the constraints', () => {
    for (const index of publicWires(ownershipR1cs)) {
      const value = witness[index] as bigint;
      for (const other of [value + 1n, -value, 0n, randomElement()]) {
        // (-x)^2 = x^2, so `context` may change its sign in the witness, which costs nothing:
        // the verifier sets it, and its point in the verification key is not zero (see below).
        if (index === wire.context && other === -value) continue;
        expect(isSatisfied(ownershipR1cs, withWire(index, other))).toBe(false);
      }
    }
  });

  it('[C1] finds the public input that a broken circuit leaves out', async () => {
    const source = new URL('circom/context-unconstrained.circom', import.meta.url);
    const broken = await compileForTest(source);
    expect(unconstrainedPublicWires(broken.r1cs)).toEqual([wire.context]);
  });

  it('[C2] honest: the unchanged wires hold, and so do those of another opening', () => {
    expect(isSatisfied(ownershipR1cs, witness)).toBe(true);
    expect(isSatisfied(ownershipR1cs, solveOwnership(randomOpening()))).toBe(true);
  });

  it('[C2] each wire that is no input, mutated, breaks the constraints', () => {
    const inputs = 1 + 2 + 4;
    let mutations = 0;
    for (let index = inputs; index < ownershipR1cs.wires; index++) {
      const value = witness[index] as bigint;
      for (const other of [value + 1n, 0n, r - 1n, randomElement()]) {
        expect(reduce(other), `wire ${index}`).not.toBe(value);
        expect(isSatisfied(ownershipR1cs, withWire(index, other)), `wire ${index}`).toBe(false);
        mutations++;
      }
    }
    expect(mutations).toBe(4 * 297);
  });

  it('[C2] the inputs determine every wire: constraint by constraint one, and linearly', () => {
    // Stronger than any number of mutations: for given inputs there is one witness and no other.
    expect(ownershipPlan.solves).toHaveLength(298);
    expect(new Set(ownershipPlan.solves).size).toBe(298);
    expect(ownershipPlan.solves.at(-1)).toBe(wire.commitment);
  });

  it('[C2] finds the wire that a broken circuit leaves free', async () => {
    const source = new URL('circom/square-unconstrained.circom', import.meta.url);
    const { r1cs, calculateWitness } = await compileForTest(source);
    // Wires: 1, out, in, square. Any square goes with out = square * in.
    expect(await calculateWitness({ in: 3n })).toEqual([1n, 27n, 3n, 9n]);
    expect(isSatisfied(r1cs, [1n, 27n, 3n, 9n])).toBe(true);
    expect(isSatisfied(r1cs, [1n, 30n, 3n, 10n])).toBe(true);
    expect(() => planForward(r1cs, [0, 2])).toThrow('constraint 0 has 2 wires unknown, not one');
  });

  // This circuit takes field elements as they are: no limbs, no bits, no index. What remains of C3
  // is that nothing in it pretends to check a range, and that a value has one spelling.
  it('[C3] has no range-checked limbs: no wire is constrained to a bit', () => {
    const isBitCheck = ({ a, b, c }: Constraint): boolean =>
      c.size === 0 && a.size <= 2 && b.size <= 2;
    expect(ownershipR1cs.constraints.filter(isBitCheck)).toEqual([]);
  });

  it('[C3] v + r is no other value: the checker refuses it and circom reduces it', async () => {
    for (const index of [wire.commitment, wire.context, wire.tag, wire.m0, wire.m1, wire.salt]) {
      const aliased = witness.with(index, (witness[index] as bigint) + r);
      expect(isSatisfied(ownershipR1cs, aliased)).toBe(false);
    }
    // So the circuit cannot tell the two spellings apart: refusing one is the wire parser's part.
    const commitment = commitmentOf(opening);
    const aliased = { ...opening, m0: opening.m0 + r, commitment: commitment + r };
    expect(await compiled.calculateWitness(aliased)).toEqual(witness);
  });

  it('[C3] honest: the smallest and the largest element pass', async () => {
    for (const value of [0n, 1n, r - 1n]) {
      const inputs = { tag: value, m0: value, m1: value, salt: value, context: value };
      const solved = solveOwnership(inputs);
      expect(isSatisfied(ownershipR1cs, solved)).toBe(true);
      const commitment = commitmentOf(inputs);
      expect(await compiled.calculateWitness({ ...inputs, commitment })).toEqual(solved);
    }
  });
});
