import fc from 'fast-check';
import { groth16 } from 'snarkjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGroth16Verifier, type Groth16Verifier } from '../../src/proof/groth16-mcl.js';
import { lintVerificationKey } from '../../src/proof/verification-key.js';
import hostile from '../vectors/hostile-points.json' with { type: 'json' };
import {
  type GenuineProof,
  genuineKey,
  proveGenuinely,
  trustedKeyHashes,
} from './genuine-proof.js';
import {
  affine2,
  coordinate,
  curve,
  encodeSnarkjsProof,
  g2,
  type Point2,
  q,
  r,
  rerandomize,
  toSnarkjsProof,
  toWords,
  withCoordinate,
  word,
} from './points.js';

let verifier: Groth16Verifier;
let genuine: GenuineProof;
let proof: Uint8Array;
let signals: readonly [bigint, bigint];
const delta = genuineKey.vk_delta_2.slice(0, 2) as unknown as Point2;

beforeAll(async () => {
  const { encoded } = lintVerificationKey(genuineKey, { publicSignals: 2, trustedKeyHashes });
  verifier = await createGroth16Verifier(encoded);
  genuine = await proveGenuinely(1234567890123456789n, [11n, 22n, 33n, 44n]);
  proof = encodeSnarkjsProof(genuine.proof);
  signals = [BigInt(genuine.publicSignals[0]), BigInt(genuine.publicSignals[1])];
});

afterAll(async () => {
  await globalThis.curve_bn128?.terminate();
});

const verify = (changed: Uint8Array, values: readonly bigint[] = signals): boolean =>
  verifier.verify(toWords(...values), changed);

/** The verdict of snarkjs; to throw is to refuse. */
async function oracle(values: readonly bigint[], changed: Uint8Array): Promise<boolean> {
  try {
    return await groth16.verify(genuineKey, values.map(String), toSnarkjsProof(changed));
  } catch {
    return false;
  }
}

/** Both refuse, or both accept. */
async function expectAgreement(changed: Uint8Array, values = signals): Promise<boolean> {
  const verdict = verify(changed, values);
  expect(verdict).toBe(await oracle(values, changed));
  return verdict;
}

const slots = { A: [0, 2], B: [2, 4], C: [6, 2] } as const;
type Coordinates = readonly (readonly string[] | string)[];

function withPoint(slot: keyof typeof slots, point: Coordinates): Uint8Array {
  const [first, count] = slots[slot];
  return point
    .flat()
    .slice(0, count)
    .reduce((bytes, value, index) => withCoordinate(bytes, first + index, BigInt(value)), proof);
}

describe('Groth16 verification against snarkjs', () => {
  it('[P5, L1] honest: proofs from the published proving key verify', async () => {
    expect(await expectAgreement(proof)).toBe(true);
    const other = await proveGenuinely(0n, [r - 1n, 0n, 5n, r - 2n]);
    const values = other.publicSignals.map(BigInt) as unknown as readonly [bigint, bigint];
    expect(await expectAgreement(encodeSnarkjsProof(other.proof), values)).toBe(true);
    // Neither proves the other's statement.
    expect(await expectAgreement(proof, values)).toBe(false);
    expect(await expectAgreement(proof, [signals[1], signals[0]])).toBe(false);
  });

  it('[P1] a re-randomised proof verifies for the same statement and for no other', async () => {
    for (const factors of [
      [2n, 0n],
      [r - 1n, 0n],
      [1n, 3n],
      [987654321n, 123456789n],
    ] as const) {
      const altered = rerandomize(proof, delta, factors);
      expect(altered).not.toEqual(proof);
      expect(await expectAgreement(altered)).toBe(true);
      expect(await expectAgreement(altered, [signals[0] + 1n, signals[1]])).toBe(false);
      expect(await expectAgreement(altered, [signals[0], signals[1] + 1n])).toBe(false);
    }
  });

  it('[P1] honest: the proof itself, as often as it is asked for', () => {
    expect([verify(proof), verify(proof), verify(proof)]).toEqual([true, true, true]);
  });

  it('[P2] refuses a signal with r added', () => {
    for (const [c, x] of [
      [signals[0] + r, signals[1]],
      [signals[0], signals[1] + r],
      [signals[0] + 2n * r, signals[1]],
      [signals[0], signals[1] + 2n * r],
    ] as const) {
      expect(verify(proof, [c, x])).toBe(false);
    }
  });

  it('[P2] honest: the signals below r', () => {
    expect(verify(proof, signals)).toBe(true);
  });

  it('[P3] refuses signals dropped, added or permuted', () => {
    const [c, x] = signals;
    for (const values of [[], [c], [x], [x, c], [c, x, 0n], [0n, c, x], [c, x, c, x]]) {
      expect(verify(proof, values)).toBe(false);
    }
  });

  it('[P3, L1] refuses a dropped signal of value 0, which snarkjs accepts', async () => {
    const zero = await proveGenuinely(0n, [1n, 2n, 3n, 4n]);
    const [commitment] = zero.publicSignals;
    const bytes = encodeSnarkjsProof(zero.proof);
    expect(await groth16.verify(genuineKey, [commitment], zero.proof)).toBe(true);
    expect(verify(bytes, [BigInt(commitment)])).toBe(false);
    expect(verify(bytes, [BigInt(commitment), 0n])).toBe(true);
  });

  it('[P3] honest: both signals in their order', () => {
    expect(verify(proof, [signals[0], signals[1]])).toBe(true);
  });

  it('[P5] refuses hostile points in each place, as snarkjs does', async () => {
    const cases: Uint8Array[] = [];
    for (const slot of ['A', 'C'] as const) {
      for (const point of [...hostile.g1.off_curve, ...hostile.g1.infinity]) {
        cases.push(withPoint(slot, point));
      }
      cases.push(withPoint(slot, hostile.g1.generator_jacobian_z7));
    }
    for (const point of Object.values(hostile.g2)) cases.push(withPoint('B', point));
    cases.push(
      withPoint('B', [
        ['0', '0'],
        ['0', '0'],
      ]),
    );
    // c0 and c1 swapped, in x, in y, in both; the points swapped with each other.
    const parts = [2, 3, 4, 5].map((index) => `${coordinate(proof, index)}`);
    const [x0 = '', x1 = '', y0 = '', y1 = ''] = parts;
    for (const swapped of [
      [x1, x0, y0, y1],
      [x0, x1, y1, y0],
      [x1, x0, y1, y0],
      [y0, y1, x0, x1],
    ]) {
      cases.push(withPoint('B', swapped));
    }
    cases.push(
      new Uint8Array(
        Buffer.concat([proof.subarray(192), proof.subarray(64, 192), proof.subarray(0, 64)]),
      ),
    );
    cases.push(new Uint8Array(256));
    for (const changed of cases) expect(await expectAgreement(changed)).toBe(false);
  });

  it('[P5] refuses B with cofactor torsion added, as snarkjs does', async () => {
    const honestB = new curve.G2();
    honestB.setStr(`1 ${[2, 3, 4, 5].map((index) => coordinate(proof, index)).join(' ')}`, 10);
    for (const name of ['cofactor_torsion_r_times_P', 'order_10069_point'] as const) {
      const torsion = new curve.G2();
      torsion.setStr(`1 ${hostile.g2[name].slice(0, 2).flat().join(' ')}`, 10);
      const point = affine2(curve.add(honestB, torsion));
      expect(await expectAgreement(withPoint('B', point))).toBe(false);
    }
  });

  it('[P5, L1] refuses coordinates + q, of which snarkjs accepts each', async () => {
    for (let index = 0; index < 8; index++) {
      const raised = coordinate(proof, index) + q;
      expect(raised < 1n << 256n).toBe(true);
      const changed = withCoordinate(proof, index, raised);
      expect(await oracle(signals, changed)).toBe(true);
      expect(verify(changed)).toBe(false);
    }
    for (const slot of ['A', 'C'] as const) {
      for (const point of hostile.g1.coord_ge_q_of_generator) {
        expect(verify(withPoint(slot, point))).toBe(false);
      }
    }
  });

  it('[L1] refuses what makes snarkjs throw', async () => {
    for (const [values, malformed] of [
      [['x', '2'], genuine.proof],
      [['1', '2'], { ...genuine.proof, pi_b: [] }],
    ] as const) {
      await expect(groth16.verify(genuineKey, values, malformed)).rejects.toThrow();
    }
    for (const bytes of [new Uint8Array(0), proof.subarray(1), toWords(...Array(9).fill(1n))]) {
      expect(verify(bytes)).toBe(false);
    }
  });

  it('refuses one point replaced by a valid one, its negative or another in its place', async () => {
    const negated = [1, 4, 7].map((index) => {
      const last = index === 4 ? [4, 5] : [index];
      return last.reduce(
        (bytes, at) => withCoordinate(bytes, at, (q - coordinate(bytes, at)) % q),
        proof,
      );
    });
    for (const changed of [
      ...negated,
      withPoint('A', ['1', '2']),
      withPoint('C', ['1', '2']),
      withPoint('B', affine2(g2(1n))),
      withPoint('B', delta),
    ]) {
      expect(await expectAgreement(changed)).toBe(false);
    }
    // -A and -B together are the re-randomisation by -1.
    const both = [1, 4, 5].reduce(
      (bytes, at) => withCoordinate(bytes, at, (q - coordinate(bytes, at)) % q),
      proof,
    );
    expect(await expectAgreement(both)).toBe(true);
  });
});

describe('properties', () => {
  it('no proof with one bit flipped verifies', () => {
    fc.assert(
      fc.property(fc.nat(256 * 8 - 1), (bit) => {
        const changed = Uint8Array.from(proof);
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(verify(changed)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('no statement with one bit flipped is proved', () => {
    fc.assert(
      fc.property(fc.nat(64 * 8 - 1), (bit) => {
        const changed = toWords(...signals);
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(verifier.verify(changed, proof)).toBe(false);
      }),
      { numRuns: 100 },
    );
  });

  it('agrees with snarkjs on re-randomised, mutated and arbitrary proofs', async () => {
    const scalar = fc.bigInt({ min: 1n, max: r - 1n });
    const field = fc.bigInt({ min: 0n, max: q - 1n });
    const change = fc.oneof(
      fc.constant((bytes: Uint8Array) => bytes),
      fc.tuple(fc.nat(7), field).map(
        ([index, value]) =>
          (bytes: Uint8Array) =>
            withCoordinate(bytes, index, value),
      ),
      fc
        .nat(7)
        .map(
          (index) => (bytes: Uint8Array) =>
            withCoordinate(bytes, index, (q - coordinate(bytes, index)) % q),
        ),
      fc.array(field, { minLength: 8, maxLength: 8 }).map((all) => () => toWords(...all)),
    );
    const statement = fc.oneof(
      fc.constant((values: readonly [bigint, bigint]) => values),
      fc.tuple(scalar, scalar).map((values) => () => values as readonly [bigint, bigint]),
    );
    const verdicts = new Set<boolean>();
    await fc.assert(
      fc.asyncProperty(scalar, scalar, change, statement, async (s, t, alter, state) => {
        const altered = alter(rerandomize(proof, delta, [s, t]));
        verdicts.add(await expectAgreement(altered, state(signals)));
      }),
      { numRuns: 60 },
    );
    expect(verdicts).toEqual(new Set([true, false]));
  });

  it('reads each coordinate and signal as one number: bytes decide, nothing else', () => {
    const changed = Uint8Array.from(proof);
    changed.set(word(coordinate(proof, 0)), 0);
    expect(verify(changed)).toBe(true);
  });
});
