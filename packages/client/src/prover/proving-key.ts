import { PzkError } from '@pzk-auth/protocol';
import { COORDINATE_BYTES, FP_BYTES, FR_BYTES, type Group, type Mcl, type Pointer } from './mcl.js';
import type { ProverBinary } from './prover-binary.js';

/** Bases of one multi-scalar multiplication with the place of their scalars beside them. */
export interface Bases {
  readonly group: Group;
  readonly points: Pointer;
  readonly scalars: Pointer;
  readonly count: number;
  /** Wires whose values are the first scalars; those after them are set by hand. */
  readonly wires: Uint32Array;
}

/** A proving key in mcl's memory. In each array the blinding terms stand behind the query. */
export interface ProvingKey {
  /** A query, then alpha1 and delta1. */
  readonly a: Bases;
  /** B query in G1, then beta1 and delta1. */
  readonly b1: Bases;
  /** B query in G2, then beta2 and delta2. */
  readonly b2: Bases;
  /** C query, H query, then room for the proof's A and B (in G1), then delta1. */
  readonly c: Bases;
}

/**
 * Copies the key into mcl's memory, which holds coordinates the way the artifact does. Each point is
 * checked to lie on its curve; G1 has no other points, but whether those of G2 are in the subgroup
 * is left to the hash of the artifact and to the check of the setup.
 *
 * @throws PzkError `artifact_mismatch`
 */
export function loadProvingKey(mcl: Mcl, binary: ProverBinary): ProvingKey {
  const fpOne = mcl.allocate(FP_BYTES);
  mcl.fpSetOne(fpOne);

  const load = (
    group: Group,
    wires: Uint32Array,
    // `null` is room for one point.
    parts: readonly (Uint8Array | null)[],
  ): Bases => {
    const coordinates = (group.bytes / FP_BYTES / 3) * 2;
    const counts = parts.map((part) =>
      part === null ? 1 : part.length / (coordinates * COORDINATE_BYTES),
    );
    const count = counts.reduce((sum, part) => sum + part, 0);
    const points = mcl.allocate(count * group.bytes);
    const memory = mcl.memory();
    let target = points;
    parts.forEach((part, index) => {
      for (let point = 0; point < (counts[index] as number); point++, target += group.bytes) {
        if (part === null) continue;
        for (let index = 0; index < coordinates; index++) {
          const from = (point * coordinates + index) * COORDINATE_BYTES;
          memory.set(part.subarray(from, from + COORDINATE_BYTES), target + index * FP_BYTES);
        }
        memory.copyWithin(target + coordinates * FP_BYTES, fpOne, fpOne + FP_BYTES);
        if (!group.isOnCurve(target)) {
          throw new PzkError(
            'artifact_mismatch',
            'A point of the proving key is not on its curve.',
          );
        }
      }
    });
    const scalars = mcl.allocate(count * FR_BYTES);
    return { group, points, scalars, count, wires };
  };

  const { g1, g2 } = mcl;
  return {
    a: load(g1, binary.a.wires, [binary.a.points, binary.alpha1, binary.delta1]),
    b1: load(g1, binary.b1.wires, [binary.b1.points, binary.beta1, binary.delta1]),
    b2: load(g2, binary.b2.wires, [binary.b2.points, binary.beta2, binary.delta2]),
    c: load(g1, binary.c.wires, [binary.c.points, binary.h, null, null, binary.delta1]),
  };
}
