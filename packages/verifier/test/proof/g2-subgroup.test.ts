import { beforeEach, describe, expect, it } from 'vitest';
import { type CurveMemory, createCurveMemory } from '../../src/proof/curve-memory.js';
import {
  createG2Reader,
  createG2SubgroupTest,
  CURVE_PARAMETER as x,
} from '../../src/proof/g2-subgroup.js';
import { G2_SIZE } from '../../src/proof/mcl.js';
import hostile from '../vectors/hostile-points.json' with { type: 'json' };
import { affine2, curve, g2, type Point2, q, r, toWords } from './points.js';

type G2 = InstanceType<typeof curve.G2>;

let memory: CurveMemory;
let isInSubgroup: ReturnType<typeof createG2SubgroupTest>;
let readG2: ReturnType<typeof createG2Reader>;
let pointer: number;

beforeEach(async () => {
  memory = await createCurveMemory();
  isInSubgroup = createG2SubgroupTest(memory);
  readG2 = createG2Reader(memory);
  pointer = memory.allocate(G2_SIZE);
});

/** What the fast test says, after seeing that the test by multiplication with r says the same. */
function judge(point: Point2): boolean {
  const bytes = toWords(...point.flat());
  expect(memory.readTwist(pointer, bytes, 0)).toBe(true);
  const fast = isInSubgroup(pointer);
  expect(fast).toBe(memory.mcl._mclBnG2_isValidOrder(pointer) === 1);
  expect(readG2(pointer, bytes, 0)).toBe(fast);
  return fast;
}

function toG2([[x0, x1], [y0, y1]]: Point2): G2 {
  const point = new curve.G2();
  point.setStr(`1 ${x0} ${x1} ${y0} ${y1}`, 10);
  return point;
}

/** A point of the twist with an x from the seed or right after it. */
function twistPoint(seed: number): G2 {
  const b = curve.div(fp2(3, 0), fp2(9, 1));
  for (let c1 = 0; ; c1++) {
    const abscissa = fp2(seed, c1);
    const cube = curve.mul(curve.mul(abscissa, abscissa), abscissa);
    const [exists, y] = curve.squareRoot(curve.add(cube, b));
    if (exists) {
      const point = new curve.G2();
      point.setX(abscissa);
      point.setY(y);
      point.setZ(fp2(1, 0));
      return point;
    }
  }
}

function fp2(a: number, b: number): InstanceType<typeof curve.Fp2> {
  const element = new curve.Fp2();
  element.setInt(a, b);
  return element;
}

const torsion = [
  ...['on_twist_not_in_subgroup', 'cofactor_torsion_r_times_P', 'order_10069_point'].map((name) => {
    const [abscissa, ordinate] = hostile.g2[name as keyof typeof hostile.g2];
    return [abscissa, ordinate] as unknown as Point2;
  }),
];

describe('subgroup test by endomorphism', () => {
  it('is right for every point: its norm has only r in common with the order of the twist', () => {
    // psi satisfies psi^2 - t psi + q = 0. If P(psi) Q = 0 with P the tested relation, then the norm
    // of P kills Q, and so does the gcd of the norm with the group's order.
    const t = 6n * x * x + 1n;
    const order = r * BigInt(hostile.g2_cofactor);
    let [c0, c1] = [0n, 0n];
    for (const coefficient of [-2n * x, x, x, x + 1n]) {
      // Horner: (c0 + c1 psi) psi + coefficient, with psi^2 = t psi - q.
      [c0, c1] = [coefficient - c1 * q, c0 + c1 * t];
    }
    const norm = c0 * c0 + c0 * c1 * t + c1 * c1 * q;
    let [a, b] = [norm < 0n ? -norm : norm, order];
    while (b > 0n) [a, b] = [b, a % b];
    expect(a).toBe(r);
  });

  it('[P5] honest: accepts points of the subgroup', () => {
    for (let scalar = 1n; scalar <= 40n; scalar++) {
      expect(judge(affine2(g2(scalar ** 70n)))).toBe(true);
    }
  });

  it('[P5] refuses points of the twist outside of the subgroup, as the test of the order does', () => {
    for (let seed = 1; seed <= 100; seed++) expect(judge(affine2(twistPoint(seed)))).toBe(false);
  });

  it('[P5] refuses cofactor torsion, also added to a point of the subgroup', () => {
    for (const point of torsion) {
      expect(judge(point)).toBe(false);
      for (let scalar = 1n; scalar <= 10n; scalar++) {
        expect(judge(affine2(curve.add(toG2(point), g2(scalar ** 70n))))).toBe(false);
      }
    }
  });
});
