import { beforeEach, describe, expect, it } from 'vitest';
import {
  createGroth16Verifier,
  type Groth16Verifier,
  KeyPointError,
} from '../../src/proof/groth16-mcl.js';
import { hashVerificationKey, lintVerificationKey } from '../../src/proof/verification-key.js';
import hostile from '../vectors/hostile-points.json' with { type: 'json' };
import { coordinate, q, r, toWords, withCoordinate } from './points.js';
import { createTrapdoorKey, type VerificationKeyJson } from './trapdoor-key.js';

// With a setup of known secrets, so that a proof costs nothing; groth16-mcl.test.ts compares with snarkjs.

const signals = [123_456_789n, 987_654_321n] as const;
const key = createTrapdoorKey();
const proof = key.prove(signals);

const encode = (verificationKey: VerificationKeyJson, publicSignals = 2) =>
  lintVerificationKey(verificationKey, {
    publicSignals,
    trustedKeyHashes: [hashVerificationKey(verificationKey)],
  }).encoded;

let verifier: Groth16Verifier;
beforeEach(async () => {
  verifier = await createGroth16Verifier(encode(key.verificationKey));
});

const verify = (bytes: Uint8Array, values: readonly bigint[] = signals) =>
  verifier.verify(toWords(...values), bytes);

describe('verification of proofs', () => {
  it('[P5] honest: takes proofs of a statement, one after the other and for each number of signals', async () => {
    for (const [a, b] of [
      [1n, 1n],
      [77n, 88n],
      [r - 1n, 5n],
    ]) {
      expect(verify(key.prove(signals, a, b))).toBe(true);
    }
    for (const values of [
      [0n, 0n],
      [1n, 0n],
      [r - 1n, r - 1n],
    ]) {
      expect(verify(key.prove(values), values)).toBe(true);
    }
    for (const ic of [[5n], [5n, 6n], [5n, 6n, 7n, 8n]]) {
      const other = createTrapdoorKey({ ic });
      const count = ic.length - 1;
      const one = await createGroth16Verifier(encode(other.verificationKey, count));
      const values = [3n, 4n, 9n].slice(0, count);
      expect(one.verify(toWords(...values), other.prove(values))).toBe(true);
    }
  });

  it('[P7, P8] refuses the proof of another statement and of another key', () => {
    expect(verify(proof, [signals[0] + 1n, signals[1]])).toBe(false);
    expect(verify(proof, [signals[0], signals[1] + 1n])).toBe(false);
    expect(verify(proof, [signals[1], signals[0]])).toBe(false);
    for (const change of [{ alpha: 5n }, { beta: 5n }, { delta: 5n }, { ic: [1n, 2n, 3n] }]) {
      expect(verify(createTrapdoorKey(change).prove(signals))).toBe(false);
    }
    expect(verify(proof)).toBe(true);
  });

  it('[P2, P3] refuses signals + r, and more or fewer of them', () => {
    expect(verify(proof, [signals[0] + r, signals[1]])).toBe(false);
    expect(verify(proof, [signals[0], signals[1] + r])).toBe(false);
    const zero = key.prove([signals[0], 0n]);
    expect(verify(zero, [signals[0], 0n])).toBe(true);
    expect(verify(zero, [signals[0]])).toBe(false);
    expect(verify(zero, [signals[0], 0n, 0n])).toBe(false);
    expect(verifier.verify(new Uint8Array(), zero)).toBe(false);
    expect(verifier.verify(toWords(...signals).subarray(1), proof)).toBe(false);
  });

  it('[P5] refuses another length, each coordinate + q, and each point replaced', () => {
    expect(verify(proof.subarray(1))).toBe(false);
    expect(verify(new Uint8Array([...proof, 0]))).toBe(false);
    expect(verify(new Uint8Array())).toBe(false);
    expect(verify(new Uint8Array(256))).toBe(false);
    for (let index = 0; index < 8; index++) {
      expect(verify(withCoordinate(proof, index, coordinate(proof, index) + q))).toBe(false);
      expect(verify(withCoordinate(proof, index, coordinate(proof, index) ^ 1n))).toBe(false);
    }
    const place = (at: number, values: readonly string[]) => {
      const copy = Uint8Array.from(proof);
      copy.set(toWords(...values), 32 * at);
      return copy;
    };
    for (const point of hostile.g1.off_curve) {
      expect(verify(place(0, point.slice(0, 2)))).toBe(false);
      expect(verify(place(6, point.slice(0, 2)))).toBe(false);
    }
    for (const name of [
      'on_twist_not_in_subgroup',
      'cofactor_torsion_r_times_P',
      'order_10069_point',
    ] as const) {
      expect(verify(place(2, hostile.g2[name].slice(0, 2).flat()))).toBe(false);
    }
    expect(verify(proof)).toBe(true);
  });
});

describe('points of the key', () => {
  const refuses = async (change: Partial<VerificationKeyJson>) =>
    expect(createGroth16Verifier(encode({ ...key.verificationKey, ...change }))).rejects.toThrow(
      KeyPointError,
    );

  it('[P11] refuses those off the curve or the subgroup, wherever they stand', async () => {
    const { IC } = key.verificationKey;
    const off = ['3', '5', '1'];
    await refuses({ vk_alpha_1: off });
    for (const at of [0, 1, 2]) await refuses({ IC: IC.with(at, off) });
    for (const name of ['vk_beta_2', 'vk_gamma_2', 'vk_delta_2'] as const) {
      await refuses({ [name]: hostile.g2.on_twist_not_in_subgroup });
      await refuses({ [name]: hostile.g2.order_10069_point });
      await refuses({
        [name]: [
          ['3', '5'],
          ['7', '9'],
          ['1', '0'],
        ],
      });
    }
  });

  it('refuses an encoding that ends within a point', async () => {
    const encoded = encode(key.verificationKey);
    for (const length of [0, 63, 64, encoded.length - 1, encoded.length - 32]) {
      await expect(
        createGroth16Verifier(encoded.subarray(0, length)),
        `${length}`,
      ).rejects.toThrow();
    }
  });
});
