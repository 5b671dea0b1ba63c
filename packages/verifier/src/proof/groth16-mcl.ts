import {
  type CurveMemory,
  createCurveMemory,
  ELEMENT_BYTES,
  G1_BYTES,
  G2_BYTES,
} from './curve-memory.js';
import { createFixedBase } from './fixed-base.js';
import { createG2Reader } from './g2-subgroup.js';
import { FR_SIZE, G1_SIZE, G2_SIZE, GT_SIZE, type Pointer } from './mcl.js';

/** Bytes of a proof: A, B, C as on the wire. */
const PROOF_BYTES = G1_BYTES + G2_BYTES + G1_BYTES;

/**
 * A point of the twist outside the subgroup of order r, as x.c0 x.c1 y.c0 y.c1: what a library that
 * checks the curve equation alone lets through.
 */
const OFF_SUBGROUP_POINT = Buffer.from(
  '0000000000000000000000000000000000000000000000000000000000000001' +
    '0000000000000000000000000000000000000000000000000000000000000000' +
    '07fb3d558dafafb6bf6dd326a5fefe0beca3f9ac3bd999a390d504fad34b0b8c' +
    '2351dcdda257b62181cbd745dfee16d5fdf4eb185bbcf33c20a0fe6eaa9cb4a3',
  'hex',
);

/** A point of the verification key that the curve refuses; the index counts as in its encoding. */
export class KeyPointError extends Error {
  override readonly name = 'KeyPointError';
}

/** Verification of one circuit's proofs, prepared once. Synchronous: for a worker thread. */
export interface Groth16Verifier {
  /**
   * Whether the proof holds for the public signals; `false` for anything malformed. Not for use by
   * several callers at once: it works on memory of its own.
   *
   * @param signals - public signals, 32 bytes big-endian each.
   * @param proof - 256 bytes as on the wire.
   */
  verify(signals: Uint8Array, proof: Uint8Array): boolean;
}

/**
 * Prepares a Groth16 verification key: checks that each point is on its curve and in its subgroup,
 * and computes what does not depend on the proof.
 *
 * e(A, B) = e(alpha, beta) e(X, gamma) e(C, delta), where X = IC0 + sum of signal_i * IC_i (Groth,
 * "On the size of pairing-based non-interactive arguments", 2016, section 3.2). By bilinearity
 * e(A, B) e(C, -delta) = e(alpha, beta) e(IC0, gamma) * product of e(IC_i, gamma) ^ signal_i: on the
 * right all pairings are of the key and computed once; on the left there are two Miller loops, one
 * of them over lines computed once, and one final exponentiation for both.
 *
 * @param encodedKey - alpha, beta, gamma, delta, IC0, IC1, ...: affine coordinates, 32 bytes
 *   big-endian each, in the order of the wire. Its form was linted before.
 * @throws KeyPointError if a point of the key is refused.
 * @throws Error if the library fails its self-test.
 */
export async function createGroth16Verifier(encodedKey: Uint8Array): Promise<Groth16Verifier> {
  const memory = await createCurveMemory();
  const { mcl, allocate, readFr, readG1 } = memory;
  const readG2 = createG2Reader(memory);
  testLibrary(memory, readG2);

  let offset = 0;
  const keyG1 = (): Pointer => {
    const point = allocate(G1_SIZE);
    if (!readG1(point, encodedKey, offset)) throw new KeyPointError('A point of G1 is invalid.');
    offset += G1_BYTES;
    return point;
  };
  const keyG2 = (): Pointer => {
    const point = allocate(G2_SIZE);
    // isValid tests the order by multiplication: the slow test, independent of the fast one.
    if (!readG2(point, encodedKey, offset) || mcl._mclBnG2_isValid(point) !== 1) {
      throw new KeyPointError('A point of G2 is invalid.');
    }
    offset += G2_BYTES;
    return point;
  };
  const pair = (p: Pointer, q: Pointer): Pointer => {
    const result = allocate(GT_SIZE);
    mcl._mclBn_pairing(result, p, q);
    return result;
  };

  const alpha = keyG1();
  const beta = keyG2();
  const gamma = keyG2();
  const delta = keyG2();
  const constant = pair(alpha, beta);
  mcl._mclBnGT_mul(constant, constant, pair(keyG1(), gamma));
  const signalPowers: ReturnType<typeof createFixedBase>[] = [];
  while (offset < encodedKey.length) {
    signalPowers.push(createFixedBase(memory, pair(keyG1(), gamma)));
  }
  const signalBytes = signalPowers.length * ELEMENT_BYTES;

  mcl._mclBnG2_neg(delta, delta);
  const deltaLines = allocate(8 * mcl._mclBn_getUint64NumToPrecompute());
  mcl._mclBn_precomputeG2(deltaLines, delta);

  const scalar = allocate(FR_SIZE);
  const a = allocate(G1_SIZE);
  const b = allocate(G2_SIZE);
  const c = allocate(G1_SIZE);
  const left = allocate(GT_SIZE);
  const right = allocate(GT_SIZE);

  return {
    verify(signals, proof) {
      if (signals.length !== signalBytes || proof.length !== PROOF_BYTES) return false;

      // Cheapest first. Each of these refuses coordinates >= q, infinity and points off the curve.
      if (!readG1(a, proof, 0)) return false;
      if (!readG1(c, proof, G1_BYTES + G2_BYTES)) return false;
      if (!readG2(b, proof, G1_BYTES)) return false;

      mcl.HEAP8.copyWithin(right, constant, constant + GT_SIZE);
      for (const [index, multiplyByPower] of signalPowers.entries()) {
        // Refuses scalars >= r: signal + r would be a second spelling of the same statement.
        if (!readFr(scalar, signals, index * ELEMENT_BYTES)) return false;
        multiplyByPower(right, signals, index * ELEMENT_BYTES);
      }

      mcl._mclBn_precomputedMillerLoop2mixed(left, a, b, c, deltaLines);
      mcl._mclBn_finalExp(left, left);
      return mcl._mclBnGT_isEqual(left, right) === 1;
    },
  };
}

/** A switch that is not set, or another layout of the memory, shows only when one asks. */
function testLibrary(memory: CurveMemory, readG2: ReturnType<typeof createG2Reader>): void {
  const { mcl, allocate, readG1, readTwist } = memory;
  const point = allocate(G2_SIZE);

  const generator = new Uint8Array(G1_BYTES);
  generator[ELEMENT_BYTES - 1] = 1;
  generator[G1_BYTES - 1] = 2;
  const readsPoints = readG1(point, generator, 0) && readTwist(point, OFF_SUBGROUP_POINT, 0);
  const refusesOffSubgroup =
    mcl._mclBnG2_isValidOrder(point) !== 1 &&
    mcl._mclBnG2_isValid(point) !== 1 &&
    !readG2(point, OFF_SUBGROUP_POINT, 0);
  if (!readsPoints || !refusesOffSubgroup) {
    throw new Error('The pairing library failed its self-test.');
  }
}
