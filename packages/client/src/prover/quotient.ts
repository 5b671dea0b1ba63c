import { SCALAR_FIELD_MODULUS } from '@pzk-auth/protocol';
import { FR_BYTES, type Mcl, type Pointer } from './mcl.js';
import { writeScalar } from './witness.js';

/** The smallest non-residue of the scalar field: generator of its 2-power subgroup's cosets. */
const NON_RESIDUE = 5n;

/** Computes the scalars of the H query for one domain size. */
export interface QuotientEvaluator {
  /**
   * From the evaluations of A and B on the domain (overwritten) to those of A.B - C on its coset, in
   * `result`, which is where the H query of the key expects them.
   */
  evaluate(result: Pointer, a: Pointer, b: Pointer): void;
}

/**
 * snarkjs's way: with w a root of unity of twice the domain's order, the quotient is given by its
 * values on the coset {w * (w^2)^i}, the odd powers of w, where the vanishing polynomial is the
 * constant -2; phase 2 has put that constant and the Lagrange basis into the H points.
 */
export function createQuotientEvaluator(mcl: Mcl, domainLog2: number): QuotientEvaluator {
  const size = 2 ** domainLog2;
  const modulus = SCALAR_FIELD_MODULUS;
  const root = power(NON_RESIDUE, (modulus - 1n) / BigInt(2 * size));
  const inverseRoot = power(root, modulus - 2n);
  const inverseSize = power(BigInt(size), modulus - 2n);

  // root^i / size in the bit-reversed order that the inverse transform leaves behind: one
  // multiplication scales it and moves the polynomial to the coset.
  const shifts = mcl.allocate(size * FR_BYTES);
  const ordered = writePowers(mcl, inverseSize, root, size);
  for (let index = 0; index < size; index++) {
    const from = ordered + reverseBits(index, domainLog2) * FR_BYTES;
    mcl.memory().copyWithin(shifts + index * FR_BYTES, from, from + FR_BYTES);
  }
  const twiddles = writePowers(mcl, 1n, (root * root) % modulus, size / 2);
  const inverseTwiddles = writePowers(mcl, 1n, (inverseRoot * inverseRoot) % modulus, size / 2);
  const scratch = mcl.allocate(FR_BYTES);

  /** Decimation in frequency: natural order in, bit-reversed order out. */
  function transformInverse(values: Pointer): void {
    for (let half = size / 2; half >= 1; half /= 2) {
      const step = (size / (2 * half)) * FR_BYTES;
      for (let start = 0; start < size; start += 2 * half) {
        let low = values + start * FR_BYTES;
        let high = low + half * FR_BYTES;
        let twiddle = inverseTwiddles;
        for (let index = 0; index < half; index++) {
          mcl.frSub(scratch, low, high);
          mcl.frAdd(low, low, high);
          mcl.frMul(high, scratch, twiddle);
          low += FR_BYTES;
          high += FR_BYTES;
          twiddle += step;
        }
      }
    }
  }

  /** Decimation in time: bit-reversed order in, natural order out. */
  function transform(values: Pointer): void {
    for (let half = 1; half < size; half *= 2) {
      const step = (size / (2 * half)) * FR_BYTES;
      for (let start = 0; start < size; start += 2 * half) {
        let low = values + start * FR_BYTES;
        let high = low + half * FR_BYTES;
        let twiddle = twiddles;
        for (let index = 0; index < half; index++) {
          mcl.frMul(scratch, high, twiddle);
          mcl.frSub(high, low, scratch);
          mcl.frAdd(low, low, scratch);
          low += FR_BYTES;
          high += FR_BYTES;
          twiddle += step;
        }
      }
    }
  }

  function moveToCoset(values: Pointer): void {
    transformInverse(values);
    for (let offset = 0; offset < size * FR_BYTES; offset += FR_BYTES) {
      mcl.frMul(values + offset, values + offset, shifts + offset);
    }
    transform(values);
  }

  return {
    evaluate(result, a, b) {
      for (let offset = 0; offset < size * FR_BYTES; offset += FR_BYTES) {
        mcl.frMul(result + offset, a + offset, b + offset);
      }
      moveToCoset(a);
      moveToCoset(b);
      moveToCoset(result);
      for (let offset = 0; offset < size * FR_BYTES; offset += FR_BYTES) {
        mcl.frMul(scratch, a + offset, b + offset);
        mcl.frSub(result + offset, scratch, result + offset);
      }
      mcl.memory().fill(0, scratch, scratch + FR_BYTES);
    },
  };
}

/** first * base^i for i in 0..count-1, in memory. */
function writePowers(mcl: Mcl, first: bigint, base: bigint, count: number): Pointer {
  const powers = mcl.allocate(count * FR_BYTES);
  const factor = mcl.allocate(FR_BYTES);
  writeScalar(mcl, factor, base);
  if (count > 0) writeScalar(mcl, powers, first);
  for (let index = 1; index < count; index++) {
    mcl.frMul(powers + index * FR_BYTES, powers + (index - 1) * FR_BYTES, factor);
  }
  return powers;
}

function reverseBits(value: number, bits: number): number {
  let result = 0;
  for (let bit = 0; bit < bits; bit++) result |= ((value >> bit) & 1) << (bits - 1 - bit);
  return result;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = base, e = exponent; e > 0n; e >>= 1n, b = (b * b) % SCALAR_FIELD_MODULUS) {
    if (e & 1n) result = (result * b) % SCALAR_FIELD_MODULUS;
  }
  return result;
}
