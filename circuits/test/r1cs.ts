import { r, reduce } from './field.js';

/** Sum of coefficient * wire; no coefficient is zero. */
export type LinearCombination = ReadonlyMap<number, bigint>;

/** a * b = c, each over the wires. */
export interface Constraint {
  readonly a: LinearCombination;
  readonly b: LinearCombination;
  readonly c: LinearCombination;
}

/** Wires: 0 is the constant 1, then outputs, public inputs, private inputs, then the rest. */
export interface R1cs {
  readonly wires: number;
  readonly outputs: number;
  readonly publicInputs: number;
  readonly privateInputs: number;
  readonly constraints: readonly Constraint[];
}

/** Reads iden3's R1CS format, version 1; throws on whatever it does not know. */
export function readR1cs(bytes: Uint8Array): R1cs {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u32 = (at: number): number => view.getUint32(at, true);
  const u64 = (at: number): number => Number(view.getBigUint64(at, true));
  const element = (at: number): bigint => {
    let value = 0n;
    for (let i = 3; i >= 0; i--) value = (value << 64n) | view.getBigUint64(at + 8 * i, true);
    return value;
  };

  if (new TextDecoder().decode(bytes.subarray(0, 4)) !== 'r1cs' || u32(4) !== 1) {
    throw new Error('not an R1CS file of version 1');
  }
  const sections = new Map<number, number>();
  let at = 12;
  for (let i = 0; i < u32(8); i++) {
    sections.set(u32(at), at + 12);
    at += 12 + u64(at + 4);
  }
  const header = sections.get(1);
  const body = sections.get(2);
  if (header === undefined || body === undefined || at !== bytes.length) {
    throw new Error('R1CS file is incomplete');
  }
  if (u32(header) !== 32 || element(header + 4) !== r) throw new Error('R1CS of another field');

  at = body;
  const readCombination = (): LinearCombination => {
    const terms = new Map<number, bigint>();
    const count = u32(at);
    at += 4;
    for (let i = 0; i < count; i++) {
      const wire = u32(at);
      const coefficient = element(at + 4);
      at += 36;
      if (coefficient >= r || terms.has(wire)) throw new Error('R1CS term is not canonical');
      if (coefficient !== 0n) terms.set(wire, coefficient);
    }
    return terms;
  };
  const constraints: Constraint[] = [];
  for (let i = 0; i < u32(header + 60); i++) {
    constraints.push({ a: readCombination(), b: readCombination(), c: readCombination() });
  }
  return {
    wires: u32(header + 36),
    outputs: u32(header + 40),
    publicInputs: u32(header + 44),
    privateInputs: u32(header + 48),
    constraints,
  };
}

export function evaluate(terms: LinearCombination, witness: readonly bigint[]): bigint {
  let sum = 0n;
  for (const [wire, coefficient] of terms) sum += coefficient * (witness[wire] as bigint);
  return sum % r;
}

/** True if the witness has its form (every value below r, wire 0 is 1) and holds everywhere. */
export function isSatisfied(r1cs: R1cs, witness: readonly bigint[]): boolean {
  if (witness.length !== r1cs.wires || witness[0] !== 1n) return false;
  if (witness.some((value) => value < 0n || value >= r)) return false;
  return r1cs.constraints.every(
    ({ a, b, c }) => reduce(evaluate(a, witness) * evaluate(b, witness)) === evaluate(c, witness),
  );
}

export function wiresOf({ a, b, c }: Constraint): Set<number> {
  return new Set([...a.keys(), ...b.keys(), ...c.keys()]);
}

/** The wire that each constraint determines, in order, and nothing else does before it. */
export interface ForwardPlan {
  /** One entry per constraint: the new wire, which stands in `c` alone. */
  readonly solves: readonly number[];
}

/**
 * Shows that the constraints, from first to last, determine every wire from the `given` ones:
 * each has exactly one wire not known before, and that one only in `c`, so linearly. Throws if not.
 * A plan is also the proof that nothing is under-constrained: for given inputs, one witness exists.
 */
export function planForward(r1cs: R1cs, given: Iterable<number>): ForwardPlan {
  const known = new Set(given);
  const solves = r1cs.constraints.map((constraint, index) => {
    const unknown = [...wiresOf(constraint)].filter((wire) => !known.has(wire));
    const [wire] = unknown;
    if (wire === undefined || unknown.length !== 1) {
      throw new Error(`constraint ${index} has ${unknown.length} wires unknown, not one`);
    }
    if (constraint.a.has(wire) || constraint.b.has(wire)) {
      throw new Error(`constraint ${index} is not linear in wire ${wire}`);
    }
    known.add(wire);
    return wire;
  });
  if (known.size !== r1cs.wires) throw new Error(`${r1cs.wires - known.size} wires are free`);
  return { solves };
}

/** Fills in the witness by the plan; `given` holds wire 0 and the inputs by wire. */
export function solveForward(
  r1cs: R1cs,
  plan: ForwardPlan,
  given: ReadonlyMap<number, bigint>,
): bigint[] {
  const witness = new Array<bigint>(r1cs.wires).fill(0n);
  for (const [wire, value] of given) witness[wire] = value;
  r1cs.constraints.forEach(({ a, b, c }, index) => {
    const wire = plan.solves[index] as number;
    const product = evaluate(a, witness) * evaluate(b, witness);
    // The unknown wire is still 0 in the witness, so it adds nothing to the sum over c.
    const rest = evaluate(c, witness);
    witness[wire] = reduce((product - rest) * invert(c.get(wire) as bigint));
  });
  return witness;
}

const inverses = new Map<bigint, bigint>();

function invert(value: bigint): bigint {
  let result = inverses.get(value);
  if (result === undefined) {
    result = power(value, r - 2n);
    inverses.set(value, result);
  }
  return result;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = base, e = exponent; e > 0n; e >>= 1n, b = (b * b) % r) {
    if (e & 1n) result = (result * b) % r;
  }
  return result;
}
