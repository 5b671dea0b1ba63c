import { BASE_FIELD_MODULUS as q } from '@pzk-auth/protocol';
import type { CurveMemory } from './curve-memory.js';
import { ELEMENT_BYTES } from './curve-memory.js';
import { FP_SIZE, FP2_SIZE, G2_SIZE, type Pointer } from './mcl.js';

/** The parameter x of BN254, from which q and r are made. */
export const CURVE_PARAMETER = 4965661367192848881n;

type Fp2 = readonly [bigint, bigint];

const multiply = ([a, b]: Fp2, [c, d]: Fp2): Fp2 => [
  (((a * c - b * d) % q) + q) % q,
  (a * d + b * c) % q,
];

/** Power of 9 + u, the number that defines the twist. */
function twistPower(exponent: bigint): Fp2 {
  let result: Fp2 = [1n, 0n];
  let base: Fp2 = [9n, 1n];
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = multiply(result, base);
    base = multiply(base, base);
  }
  return result;
}

/**
 * Makes the test whether a point of the twist lies in the subgroup of order r, other than infinity.
 * The twist has points outside of it, for which a pairing says nothing.
 *
 * With psi = untwist, Frobenius, twist, a point Q is in the subgroup if and only if
 * [x+1]Q + psi([x]Q) + psi^2([x]Q) = psi^3([2x]Q): El Housni, Guillevic, Piellard, "Co-factor
 * clearing and subgroup membership testing on pairing-friendly curves" (2022), section 4.3. It costs
 * 64 doublings where the multiplication by r costs 254. Plain double-and-add, since mcl's fast
 * multiplication is right in the subgroup only, which is what is to be found out.
 *
 * @returns a function that takes the address of a point on the twist.
 */
export function createG2SubgroupTest(memory: CurveMemory): (point: Pointer) => boolean {
  const { mcl, allocate, readFp } = memory;

  const constant = (value: Fp2): Pointer => {
    const pointer = allocate(FP2_SIZE);
    value.forEach((part, index) => {
      const bytes = Buffer.from(part.toString(16).padStart(2 * ELEMENT_BYTES, '0'), 'hex');
      if (!readFp(pointer + index * FP_SIZE, bytes, 0)) throw new Error('Not a field element.');
    });
    return pointer;
  };
  const xFactor = constant(twistPower((q - 1n) / 3n));
  const yFactor = constant(twistPower((q - 1n) / 2n));

  /** In place: conjugates each coordinate, then multiplies x and y by their constants. */
  const psi = (point: Pointer): void => {
    for (let part = 0; part < 3; part++) {
      const imaginary = point + part * FP2_SIZE + FP_SIZE;
      mcl._mclBnFp_neg(imaginary, imaginary);
    }
    mcl._mclBnFp2_mul(point, point, xFactor);
    mcl._mclBnFp2_mul(point + FP2_SIZE, point + FP2_SIZE, yFactor);
  };

  const bits = CURVE_PARAMETER.toString(2).slice(1);
  const multiple = allocate(G2_SIZE);
  const sum = allocate(G2_SIZE);

  return (point) => {
    mcl.HEAP8.copyWithin(multiple, point, point + G2_SIZE);
    for (const bit of bits) {
      mcl._mclBnG2_dbl(multiple, multiple);
      if (bit === '1') mcl._mclBnG2_add(multiple, multiple, point);
    }
    mcl._mclBnG2_add(sum, multiple, point); // [x+1]Q
    psi(multiple);
    mcl._mclBnG2_add(sum, sum, multiple); // + psi([x]Q)
    psi(multiple);
    mcl._mclBnG2_add(sum, sum, multiple); // + psi^2([x]Q)
    psi(multiple);
    mcl._mclBnG2_dbl(multiple, multiple); // psi^3([2x]Q)
    return mcl._mclBnG2_isEqual(sum, multiple) === 1;
  };
}

/**
 * Makes the reader of points of G2: x.c0, x.c1, y.c0, y.c1 into memory, `false` unless each is below
 * q and the point is on the twist and in the subgroup.
 */
export function createG2Reader(
  memory: CurveMemory,
): (out: Pointer, bytes: Uint8Array, offset: number) => boolean {
  const isInSubgroup = createG2SubgroupTest(memory);
  return (out, bytes, offset) => memory.readTwist(out, bytes, offset) && isInSubgroup(out);
}
