import { beforeEach, describe, expect, it } from 'vitest';
import { type CurveMemory, createCurveMemory } from '../../src/proof/curve-memory.js';
import { G2_SIZE } from '../../src/proof/mcl.js';
import hostile from '../vectors/hostile-points.json' with { type: 'json' };
import { affine1, affine2, g1, g2, q, r, toWords } from './points.js';

let memory: CurveMemory;
let out: number;
beforeEach(async () => {
  memory = await createCurveMemory();
  out = memory.allocate(G2_SIZE);
});

const readsG1 = (x: bigint | string, y: bigint | string): boolean =>
  memory.readG1(out, toWords(x, y), 0);
const readsTwist = (...values: readonly (bigint | string)[]): boolean =>
  memory.readTwist(out, toWords(...values), 0);

describe('curve memory', () => {
  it('[P2, P5] refuses numbers that are not below the modulus', () => {
    for (const value of [q, q + 1n, 2n * q, (1n << 256n) - 1n]) {
      expect(memory.readFp(out, toWords(value), 0)).toBe(false);
    }
    for (const value of [r, r + 1n, 2n * r, q, (1n << 256n) - 1n]) {
      expect(memory.readFr(out, toWords(value), 0)).toBe(false);
    }
  });

  it('[P2, P5] honest: reads numbers below the modulus, at any offset', () => {
    for (const value of [0n, 1n, q - 1n]) {
      expect(memory.readFp(out, toWords(q, value), 32)).toBe(true);
    }
    for (const value of [0n, 1n, r - 1n]) {
      expect(memory.readFr(out, toWords(r, value), 32)).toBe(true);
    }
  });

  it('[P5] refuses points of G1 off the curve, infinite or not canonical', () => {
    const { off_curve, infinity, coord_ge_q_of_generator, generator_jacobian_z7 } = hostile.g1;
    for (const point of [...off_curve, ...infinity, generator_jacobian_z7]) {
      expect(readsG1(point[0] as string, point[1] as string)).toBe(false);
    }
    for (const [x, y] of coord_ge_q_of_generator) {
      expect(readsG1(x as string, y as string)).toBe(false);
    }
    const [x, y] = affine1(g1(5n)).map(BigInt) as [bigint, bigint];
    expect(readsG1(x + q, y)).toBe(false);
    expect(readsG1(x, y + q)).toBe(false);
    expect(readsG1(y, x)).toBe(false);
  });

  it('[P5] refuses points off the twist, infinite or not canonical', () => {
    expect(readsTwist(...hostile.g2.infinity.flat().slice(0, 4))).toBe(false);
    expect(readsTwist(0n, 0n, 0n, 0n)).toBe(false);
    const point = affine2(g2(5n)).flat().map(BigInt);
    for (let index = 0; index < 4; index++) {
      expect(readsTwist(...point.with(index, (point[index] as bigint) + q))).toBe(false);
      expect(readsTwist(...point.with(index, (point[index] as bigint) ^ 1n))).toBe(false);
    }
    const [x0 = 0n, x1 = 0n, y0 = 0n, y1 = 0n] = point;
    expect(readsTwist(x1, x0, y0, y1)).toBe(false);
    expect(readsTwist(x1, x0, y1, y0)).toBe(false);
  });

  it('[P5] honest: reads points of both curves', () => {
    for (const scalar of [1n, 2n, r - 1n]) {
      expect(readsG1(...affine1(g1(scalar)))).toBe(true);
      expect(readsTwist(...affine2(g2(scalar)).flat())).toBe(true);
    }
  });
});
