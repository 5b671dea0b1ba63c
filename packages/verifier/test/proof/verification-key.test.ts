import { createHash } from 'node:crypto';
import { ownershipV1 } from '@pzk-auth/circuits';
import { readArtifact } from '@pzk-auth/circuits/node';
import { groth16 } from 'snarkjs';
import { afterAll, describe, expect, it } from 'vitest';
import { createGroth16ProofSystem } from '../../src/proof/groth16-proof-system.js';
import {
  hashVerificationKey,
  serializeVerificationKey,
  type VerificationKeyFlaw,
} from '../../src/proof/verification-key.js';
import hostile from '../vectors/hostile-points.json' with { type: 'json' };
import { genuineKey, trustedKeyHashes } from './genuine-proof.js';
import { affine1, affine2, encodeProof, g1, g2, q, toSnarkjsProof } from './points.js';
import {
  createTrapdoorKey,
  defaultTrapdoor,
  type Trapdoor,
  type VerificationKeyJson,
} from './trapdoor-key.js';

const circuitId = 'ownership/v1';

/** Starts with the key, which is on the list, so that only the lint can refuse it. */
function create(verificationKey: unknown, hashes = [hashVerificationKey(verificationKey)]) {
  return createGroth16ProofSystem({
    circuitId,
    verificationKey,
    trustedKeyHashes: hashes,
    workers: 1,
  });
}

const expectFlaw = (verificationKey: unknown, flaw: VerificationKeyFlaw, hashes?: string[]) =>
  expect(() => create(verificationKey, hashes), flaw).toThrow(
    expect.objectContaining({ code: 'verification_key_rejected', flaw }),
  );

type Change = (key: VerificationKeyJson) => Partial<VerificationKeyJson>;

/** A good key with some members replaced. */
const altered = (change: Change): VerificationKeyJson => {
  const { verificationKey } = createTrapdoorKey();
  return { ...verificationKey, ...change(verificationKey) };
};

afterAll(async () => {
  await globalThis.curve_bn128?.terminate();
});

describe('verification key', () => {
  it('[P11] honest: the published key is on the list of the manifest and starts', async () => {
    const system = create(genuineKey, trustedKeyHashes);
    await system.ready();
    await system.close();
    const key = createTrapdoorKey();
    const other = create(key.verificationKey);
    await other.ready();
    expect(await other.verify({ commitment: '3', context: '4' }, key.prove([3n, 4n]))).toBe(true);
    await other.close();
  });

  it('hashes as the published file does, and that of other spellings of the object', async () => {
    const { sha256 } = ownershipV1.artifacts.verificationKey;
    const file = await readArtifact(sha256);
    const parsed: unknown = JSON.parse(Buffer.from(file).toString());
    expect(createHash('sha256').update(serializeVerificationKey(parsed)).digest('hex')).toBe(
      sha256,
    );
    const reversed = Object.fromEntries(Object.entries(genuineKey).reverse());
    expect(hashVerificationKey(reversed)).toBe(sha256);
  });

  it('[P11, L1] refuses gamma = delta, with which snarkjs accepts a proof of anything', async () => {
    const { verificationKey } = createTrapdoorKey({ gamma: 7n, delta: 7n });
    // From the public key alone: A = alpha, B = beta, C = -X.
    const [commitment, context] = [123n, 456n];
    const [ic0 = 0n, ic1 = 0n, ic2 = 0n] = defaultTrapdoor.ic;
    const forged = encodeProof(
      affine1(g1(defaultTrapdoor.alpha)),
      affine2(g2(defaultTrapdoor.beta)),
      affine1(g1(-(ic0 + commitment * ic1 + context * ic2))),
    );
    const signals = [`${commitment}`, `${context}`];
    expect(await groth16.verify(verificationKey, signals, toSnarkjsProof(forged))).toBe(true);
    expectFlaw(verificationKey, 'points_related');
  });

  it('[P11] refuses points that are equal up to sign', () => {
    const related: Partial<Trapdoor>[] = [
      { gamma: 7n, delta: -7n },
      { beta: 1n },
      { beta: -1n },
      { beta: defaultTrapdoor.delta },
      { ic: [5n, 9n, 9n] },
      { ic: [5n, 9n, -9n] },
      { ic: [9n, 9n, 5n] },
      { alpha: 111n },
      { alpha: -2222n },
    ];
    for (const change of related) {
      expectFlaw(createTrapdoorKey(change).verificationKey, 'points_related');
    }
  });

  it('[P11] refuses another number of public signals', () => {
    expectFlaw(createTrapdoorKey({ ic: [5n, 6n] }).verificationKey, 'wrong_signal_count');
    expectFlaw(createTrapdoorKey({ ic: [5n, 6n, 7n, 8n] }).verificationKey, 'wrong_signal_count');
    expectFlaw(
      altered(({ IC }) => ({ IC: IC.slice(1) })),
      'wrong_signal_count',
    );
    expectFlaw(
      altered(() => ({ nPublic: 1 })),
      'wrong_signal_count',
    );
  });

  it('[P11] refuses a key that is not on the list', () => {
    expectFlaw(createTrapdoorKey().verificationKey, 'not_trusted', trustedKeyHashes);
    expectFlaw(genuineKey, 'not_trusted', []);
  });

  it('[P11] refuses infinite points, z != 1 and coordinates that are not canonical', () => {
    const allZero = [
      ['0', '0'],
      ['0', '0'],
      ['1', '0'],
    ];
    for (const name of ['vk_beta_2', 'vk_gamma_2', 'vk_delta_2'] as const) {
      expectFlaw(
        altered(() => ({ [name]: hostile.g2.infinity })),
        'point_infinite',
      );
      expectFlaw(
        altered(() => ({ [name]: allZero })),
        'point_infinite',
      );
      expectFlaw(
        altered((key) => ({ [name]: key[name].with(2, ['1', '1']) })),
        'point_not_affine',
      );
    }
    for (const infinite of hostile.g1.infinity) {
      expectFlaw(
        altered(() => ({ vk_alpha_1: infinite })),
        'point_infinite',
      );
      expectFlaw(
        altered(({ IC }) => ({ IC: IC.with(2, infinite) })),
        'point_infinite',
      );
    }
    expectFlaw(
      altered(({ IC }) => ({ IC: IC.with(1, hostile.g1.generator_jacobian_z7) })),
      'point_not_affine',
    );
    for (const point of hostile.g1.coord_ge_q_of_generator) {
      expectFlaw(
        altered(() => ({ vk_alpha_1: point })),
        'coordinate_not_canonical',
      );
    }
    for (const text of ['0x1', '01', '+1', ' 1', '1e3', '', `${q}`, '9'.repeat(200_000)]) {
      expectFlaw(
        altered(({ IC }) => ({ IC: IC.with(0, [text, '2', '1']) })),
        'coordinate_not_canonical',
      );
    }
    expectFlaw(
      altered(({ IC }) => ({ IC: IC.with(0, [1, '2', '1'] as unknown as string[]) })),
      'coordinate_not_canonical',
    );
  });

  it('[P11] refuses points off the curve or the subgroup before any proof', async () => {
    const bad: VerificationKeyJson[] = [
      ...hostile.g1.off_curve
        .filter((point) => point[0] !== '0' || point[1] !== '0')
        .flatMap((point) => [
          altered(() => ({ vk_alpha_1: point })),
          altered(({ IC }) => ({ IC: IC.with(1, point) })),
        ]),
      ...(
        ['on_twist_not_in_subgroup', 'cofactor_torsion_r_times_P', 'order_10069_point'] as const
      ).flatMap((name) => [
        altered(() => ({ vk_beta_2: hostile.g2[name] })),
        altered(() => ({ vk_delta_2: hostile.g2[name] })),
      ]),
      altered((key) => ({
        vk_gamma_2: key.vk_gamma_2.map((part, at) => (at < 2 ? part.toReversed() : part)),
      })),
    ];
    for (const verificationKey of bad) {
      const system = create(verificationKey);
      const refusal = { code: 'verification_key_rejected', flaw: 'point_invalid' };
      await expect(system.ready()).rejects.toMatchObject(refusal);
      await expect(
        system.verify({ commitment: '1', context: '2' }, new Uint8Array(256)),
      ).rejects.toMatchObject(refusal);
      await system.close();
    }
  });

  it('[P11] refuses other protocols, curves, shapes and members', () => {
    expectFlaw(
      altered(() => ({ protocol: 'plonk' })),
      'wrong_protocol',
    );
    expectFlaw(
      altered(() => ({ curve: 'bls12381' })),
      'wrong_curve',
    );
    expectFlaw(
      altered((key) => ({ vk_alpha_1: key.vk_alpha_1.slice(1) })),
      'malformed',
    );
    expectFlaw(
      altered((key) => ({ vk_delta_2: key.vk_delta_2.slice(1) })),
      'malformed',
    );
    expectFlaw({ ...createTrapdoorKey().verificationKey, vk_alphabeta_12: [] }, 'malformed');
    const { verificationKey } = createTrapdoorKey();
    const { IC, ...lacking } = verificationKey;
    const cyclic: Record<string, unknown> = {};
    cyclic.IC = cyclic;
    for (const key of [null, 'key', [], 5, undefined, lacking, { ...verificationKey, extra: IC }]) {
      expectFlaw(key, 'malformed', []);
    }
    expectFlaw(cyclic, 'malformed', []);
  });
});
