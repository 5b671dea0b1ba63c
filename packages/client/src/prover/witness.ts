import { PzkError } from '@pzk-auth/protocol';
import { FR_BYTES, type Mcl, type Pointer } from './mcl.js';
import type { ProverBinary } from './prover-binary.js';

/** Solves the constraints of one circuit, again and again, in memory that it keeps. */
export interface WitnessSolver {
  /** Wire values, {@link FR_BYTES} each, in Montgomery form. Secret between solve and wipe. */
  readonly witness: Pointer;
  /** A*w by constraint, then the public wires (see {@link createWitnessSolver}), then zeros. */
  readonly a: Pointer;
  /** B*w by constraint, then zeros. */
  readonly b: Pointer;
  /**
   * Computes all wires from the inputs: public signals first, then private inputs, in the circuit's
   * order, as canonical field elements.
   *
   * @throws PzkError `prover_failed` if no witness exists: the inputs are not an opening of the
   *   commitment, or a value is not in the field.
   */
  solve(inputs: readonly bigint[]): void;
  /** Overwrites everything that was computed. */
  wipe(): void;
}

/** One constraint: the combinations a and b, and how its third part is used. */
interface Step {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  /** The wire that this constraint determines, or -1: all are known, and it is a check. */
  readonly wire: number;
  /** Address of the inverse of that wire's coefficient in C. */
  readonly inverse: Pointer;
}

/**
 * Prepares the forward solution: in order, each constraint A*w . B*w = C*w has at most one wire that
 * the inputs and the constraints above leave open, and that wire stands in C alone, so
 * w = (A*w . B*w - rest of C*w) / coefficient. A*w and B*w are what the quotient needs anyway, and
 * a combination that several constraints share is evaluated once.
 *
 * As in snarkjs, the constraint system is extended by one constraint for the constant 1 and for each
 * public signal, with that wire as A and nothing as B: it keeps the public polynomials independent.
 *
 * @throws PzkError `artifact_mismatch` if the constraints cannot be solved this way.
 */
export function createWitnessSolver(mcl: Mcl, binary: ProverBinary): WitnessSolver {
  const { wires, publicSignals, privateInputs, combinations, constraints } = binary;
  const inputCount = publicSignals + privateInputs;
  const constraintCount = constraints.length / 3;
  const combinationCount = combinations.starts.length - 1;
  const domainBytes = 2 ** binary.domainLog2 * FR_BYTES;

  const constants = mcl.allocate(binary.constants.length);
  mcl.memory().set(binary.constants, constants);
  const one = mcl.allocate(FR_BYTES);
  mcl.frSetInt(one, 1);
  const isOne = Array.from({ length: binary.constants.length / FR_BYTES }, (_, index) =>
    mcl.frIsEqual(constants + index * FR_BYTES, one),
  );

  // Everything secret in one piece, so that one fill wipes it.
  const secretBytes = (wires + combinationCount + 3) * FR_BYTES + 2 * domainBytes;
  const secret = mcl.allocate(secretBytes);
  const witness = secret;
  const values = witness + wires * FR_BYTES;
  const product = values + combinationCount * FR_BYTES;
  const term = product + FR_BYTES;
  const rest = term + FR_BYTES;
  const a = rest + FR_BYTES;
  const b = a + domainBytes;

  const inverses = new Map<number, Pointer>();
  const steps = planSteps();
  const isKnown = new Uint8Array(combinationCount);

  /** result += combination over the wires, which count as 0 while they are not solved. */
  function accumulate(result: Pointer, row: number): void {
    const { starts, wires: termWires, constants: termConstants } = combinations;
    const end = starts[row + 1] as number;
    for (let index = starts[row] as number; index < end; index++) {
      const wire = witness + (termWires[index] as number) * FR_BYTES;
      const constant = termConstants[index] as number;
      if (isOne[constant]) {
        mcl.frAdd(result, result, wire);
      } else {
        mcl.frMul(term, wire, constants + constant * FR_BYTES);
        mcl.frAdd(result, result, term);
      }
    }
  }

  /** Value of a combination all of whose wires are solved. */
  function evaluate(row: number): Pointer {
    const value = values + row * FR_BYTES;
    if (isKnown[row] === 0) {
      accumulate(value, row);
      isKnown[row] = 1;
    }
    return value;
  }

  function solve(inputs: readonly bigint[]): void {
    wipe();
    if (inputs.length !== inputCount) {
      throw new PzkError('prover_failed', 'The circuit has another number of inputs.');
    }
    mcl.frSetInt(witness, 1);
    inputs.forEach((input, index) => {
      writeScalar(mcl, witness + (index + 1) * FR_BYTES, input);
    });

    for (let index = 0; index < constraintCount; index++) {
      const step = steps[index] as Step;
      const left = evaluate(step.a);
      const right = evaluate(step.b);
      mcl.frMul(product, left, right);
      if (step.wire < 0) {
        if (!mcl.frIsEqual(product, evaluate(step.c))) {
          throw new PzkError('prover_failed', 'The inputs are not an opening of the commitment.');
        }
      } else {
        // The wire itself is still 0, so it adds nothing to the sum over C.
        const target = witness + step.wire * FR_BYTES;
        mcl.memory().fill(0, rest, rest + FR_BYTES);
        accumulate(rest, step.c);
        mcl.frSub(product, product, rest);
        mcl.frMul(target, product, step.inverse);
      }
      const memory = mcl.memory();
      memory.copyWithin(a + index * FR_BYTES, left, left + FR_BYTES);
      memory.copyWithin(b + index * FR_BYTES, right, right + FR_BYTES);
    }
    mcl
      .memory()
      .copyWithin(
        a + constraintCount * FR_BYTES,
        witness,
        witness + (publicSignals + 1) * FR_BYTES,
      );
  }

  function wipe(): void {
    mcl.memory().fill(0, secret, secret + secretBytes);
    isKnown.fill(0);
  }

  function planSteps(): readonly Step[] {
    const isSolved = new Uint8Array(wires);
    isSolved.fill(1, 0, 1 + inputCount);
    const openTerms = (row: number): number[] => {
      const open: number[] = [];
      const end = combinations.starts[row + 1] as number;
      for (let index = combinations.starts[row] as number; index < end; index++) {
        if (isSolved[combinations.wires[index] as number] === 0) open.push(index);
      }
      return open;
    };

    const plan: Step[] = [];
    for (let index = 0; index < constraintCount; index++) {
      const [rowA, rowB, rowC] = constraints.subarray(3 * index, 3 * index + 3) as unknown as [
        number,
        number,
        number,
      ];
      const open = openTerms(rowC);
      if (openTerms(rowA).length + openTerms(rowB).length > 0 || open.length > 1) unsolvable();
      const [only] = open;
      if (only === undefined) {
        plan.push({ a: rowA, b: rowB, c: rowC, wire: -1, inverse: one });
        continue;
      }
      const wire = combinations.wires[only] as number;
      const inverse = invertConstant(combinations.constants[only] as number);
      isSolved[wire] = 1;
      plan.push({ a: rowA, b: rowB, c: rowC, wire, inverse });
    }
    if (isSolved.includes(0)) unsolvable();
    return plan;
  }

  function invertConstant(constant: number): Pointer {
    let inverse = inverses.get(constant);
    if (inverse === undefined) {
      const value = constants + constant * FR_BYTES;
      if (mcl.frIsZero(value)) unsolvable();
      inverse = mcl.allocate(FR_BYTES);
      mcl.frInv(inverse, value);
      inverses.set(constant, inverse);
    }
    return inverse;
  }

  return { witness, a, b, solve, wipe };
}

/**
 * Writes an integer as a scalar.
 *
 * @throws PzkError `prover_failed` if it is not a canonical field element.
 */
export function writeScalar(mcl: Mcl, target: Pointer, value: bigint): void {
  const bytes = new Uint8Array(FR_BYTES);
  let rest = value;
  for (let index = 0; index < FR_BYTES; index++) {
    bytes[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  // A negative number never becomes 0 by shifting.
  const isRead = rest === 0n && mcl.frRead(target, bytes);
  bytes.fill(0);
  if (!isRead) throw new PzkError('prover_failed', 'An input is not in the scalar field.');
}

function unsolvable(): never {
  throw new PzkError('artifact_mismatch', 'The constraints cannot be solved in their order.');
}
