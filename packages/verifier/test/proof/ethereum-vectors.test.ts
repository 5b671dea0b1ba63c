import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CurveMemory, createCurveMemory } from '../../src/proof/curve-memory.js';
import { G1_SIZE, G2_SIZE, GT_SIZE } from '../../src/proof/mcl.js';
import { affine1, affine2, g1, g2, toWords } from './points.js';

interface PairingVector {
  readonly Name: string;
  readonly Input: string;
  readonly Expected: string;
}

const file = new URL(
  '../../../../../shared/vectors/go-ethereum-bn254/bn256Pairing.json',
  import.meta.url,
);
const vectors: readonly PairingVector[] = existsSync(file)
  ? JSON.parse(readFileSync(file, 'utf8'))
  : [];

let memory: CurveMemory;
beforeAll(async () => {
  memory = await createCurveMemory();
});

/** Whether the product of the pairings is 1. Pairs as EIP-197 has them, c1 before c0. */
function isPairingProductOne(input: Uint8Array): boolean {
  const { mcl, allocate, readG1, readTwist } = memory;
  const [p, q, term] = [allocate(G1_SIZE), allocate(G2_SIZE), allocate(GT_SIZE)];
  const product = allocate(GT_SIZE);
  const one = allocate(GT_SIZE);
  mcl._mclBnFp_setInt32(product, 1);
  mcl._mclBnFp_setInt32(one, 1);
  for (let at = 0; at < input.length; at += 192) {
    const [x1, x0, y1, y0] = [64, 96, 128, 160].map((start) =>
      input.subarray(at + start, at + start + 32),
    ) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const first = input.subarray(at, at + 64);
    const second = new Uint8Array(Buffer.concat([x0, x1, y0, y1]));
    // (0, 0) is infinity there and has no spelling here; its pairing is 1.
    if (first.every((byte) => byte === 0) || second.every((byte) => byte === 0)) continue;
    expect(readG1(p, first, 0)).toBe(true);
    expect(readTwist(q, second, 0)).toBe(true);
    mcl._mclBn_pairing(term, p, q);
    mcl._mclBnGT_mul(product, product, term);
  }
  return mcl._mclBnGT_isEqual(product, one) === 1;
}

describe('pairing', () => {
  it('is bilinear: e(6 G, H) e(-2 G, 3 H) = 1, and not with another factor', () => {
    const pair = (a: bigint, b: bigint) => {
      const [[x0, x1], [y0, y1]] = affine2(g2(b));
      return toWords(...affine1(g1(a)), x1, x0, y1, y0);
    };
    const product = (...pairs: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(pairs));
    expect(isPairingProductOne(product(pair(6n, 1n), pair(-2n, 3n)))).toBe(true);
    expect(isPairingProductOne(product(pair(6n, 1n), pair(-2n, 4n)))).toBe(false);
  });

  it.runIf(vectors.length > 0)('agrees with the vectors of go-ethereum', () => {
    for (const { Name, Input, Expected } of vectors) {
      const result = isPairingProductOne(Buffer.from(Input, 'hex'));
      expect(result, Name).toBe(BigInt(`0x${Expected}`) === 1n);
    }
  });
});
