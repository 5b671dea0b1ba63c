import { COORDINATE_BYTES, FP_BYTES, FR_BYTES, type Mcl, type Pointer } from './mcl.js';
import type { ProverBinary } from './prover-binary.js';
import { type Bases, loadProvingKey } from './proving-key.js';
import { createQuotientEvaluator } from './quotient.js';
import { randomScalar } from './random-scalar.js';
import { createWitnessSolver, writeScalar } from './witness.js';

/** Makes Groth16 proofs for one circuit. One proof at a time: the memory is shared. */
export interface Groth16Prover {
  /**
   * Proves in steps, so that whoever drives it can report progress, let a page breathe or stop.
   * Yields the fraction that is done, returns the proof: 256 bytes, A.x A.y B.x.c0 B.x.c1 B.y.c0
   * B.y.c1 C.x C.y, big-endian. When it ends, also by `return()`, mcl's memory is what it was before.
   *
   * @param inputs - Public signals, then private inputs, in the circuit's order.
   * @throws PzkError `prover_failed` if the inputs have no witness.
   */
  prove(inputs: readonly bigint[]): Generator<number, Uint8Array, void>;
}

/** Work of a step as a share of the whole, measured for `ownership/v1`; for display only. */
const PROGRESS = { witness: 0.04, quotient: 0.08, a: 0.18, b1: 0.3, b2: 0.7 } as const;

/**
 * Loads a circuit and its key into mcl's memory.
 *
 * Groth16 (eprint 2016/260, section 3.2) with r, s fresh for each proof:
 * A = alpha + sum w_i A_i + r delta, B = beta + sum w_i B_i + s delta,
 * C = sum w_i C_i + sum h_i H_i + s A + r B - r s delta. The blinding terms ride in the same
 * multi-scalar multiplications.
 *
 * The arithmetic is not constant in time: it runs on the device of whoever knows the secret.
 *
 * @throws PzkError `artifact_mismatch`
 */
export function createGroth16Prover(mcl: Mcl, binary: ProverBinary): Groth16Prover {
  const { g1, g2 } = mcl;
  const key = loadProvingKey(mcl, binary);
  const solver = createWitnessSolver(mcl, binary);
  const quotient = createQuotientEvaluator(mcl, binary.domainLog2);
  const pointA = mcl.allocate(g1.bytes);
  const pointB1 = mcl.allocate(g1.bytes);
  const pointB2 = mcl.allocate(g2.bytes);
  const pointC = mcl.allocate(g1.bytes);
  const blinding = mcl.allocate(2 * FR_BYTES);
  const r = blinding;
  const s = blinding + FR_BYTES;
  // In the bases of C, the place of the proof's A and B in G1.
  const tail = key.c.wires.length + 2 ** binary.domainLog2;
  const spare = key.c.points + tail * g1.bytes;

  /** Fills in the wire values; answers where the scalars behind them begin. */
  function gather(bases: Bases): Pointer {
    const memory = mcl.memory();
    let target = bases.scalars;
    for (const wire of bases.wires) {
      const from = solver.witness + wire * FR_BYTES;
      memory.copyWithin(target, from, from + FR_BYTES);
      target += FR_BYTES;
    }
    return target;
  }

  function copyScalar(target: Pointer, from: Pointer): void {
    mcl.memory().copyWithin(target, from, from + FR_BYTES);
  }

  /** result = sum of wire values and key points + constant + blind * delta, affine. */
  function commit(result: Pointer, bases: Bases, blind: Pointer): void {
    const tail = gather(bases);
    mcl.frSetInt(tail, 1);
    copyScalar(tail + FR_BYTES, blind);
    bases.group.mulVec(result, bases.points, bases.scalars, bases.count);
    bases.group.normalize(result, result);
  }

  function commitC(): void {
    const { points, scalars, count } = key.c;
    const memory = mcl.memory();
    memory.copyWithin(spare, pointA, pointA + g1.bytes);
    memory.copyWithin(spare + g1.bytes, pointB1, pointB1 + g1.bytes);
    copyScalar(scalars + tail * FR_BYTES, s);
    copyScalar(scalars + (tail + 1) * FR_BYTES, r);
    const last = scalars + (tail + 2) * FR_BYTES;
    mcl.frMul(last, r, s);
    mcl.frNeg(last, last);
    g1.mulVec(pointC, points, scalars, count);
    g1.normalize(pointC, pointC);
  }

  function drawBlinding(): void {
    writeScalar(mcl, r, randomScalar());
    writeScalar(mcl, s, randomScalar());
  }

  let proving = false;

  return {
    *prove(inputs) {
      // Of two at once each would put back the memory that holds the other's secrets.
      if (proving) throw new Error('this prover makes one proof at a time');
      // Overwriting the witness where it stands would not do: a multi-scalar multiplication leaves
      // halves of each scalar in memory that it has freed, from which the scalar follows.
      const restore = mcl.checkpoint();
      proving = true;
      try {
        solver.solve(inputs);
        yield PROGRESS.witness;
        drawBlinding();
        quotient.evaluate(gather(key.c), solver.a, solver.b);
        yield PROGRESS.quotient;
        commit(pointA, key.a, r);
        yield PROGRESS.a;
        commit(pointB1, key.b1, s);
        yield PROGRESS.b1;
        commit(pointB2, key.b2, s);
        yield PROGRESS.b2;
        commitC();
        return encodeProof();
      } finally {
        restore();
        proving = false;
      }
    },
  };

  function encodeProof(): Uint8Array {
    // Infinity has no affine coordinates. With random r and s it does not happen in a lifetime.
    if (g1.isZero(pointA) || g2.isZero(pointB2) || g1.isZero(pointC)) {
      throw new Error('a point of the proof is at infinity');
    }
    const coordinates = [
      ...[pointA, pointA + FP_BYTES],
      ...[0, 1, 2, 3].map((index) => pointB2 + index * FP_BYTES),
      ...[pointC, pointC + FP_BYTES],
    ];
    const proof = new Uint8Array(coordinates.length * COORDINATE_BYTES);
    coordinates.forEach((coordinate, index) => {
      proof.set(mcl.fpToBytes(coordinate), index * COORDINATE_BYTES);
    });
    return proof;
  }
}
