import { affine1, affine2, encodeProof, g1, g2, r } from './points.js';

/** A setup whose secrets are known: with it a proof of any statement is made in a millisecond. */
export interface TrapdoorKey {
  readonly verificationKey: VerificationKeyJson;
  /** A valid proof of the signals; `a` and `b` are the discrete logarithms of A and B. */
  prove(signals: readonly bigint[], a?: bigint, b?: bigint): Uint8Array;
}

export interface VerificationKeyJson {
  protocol: string;
  curve: string;
  nPublic: number;
  vk_alpha_1: string[];
  vk_beta_2: string[][];
  vk_gamma_2: string[][];
  vk_delta_2: string[][];
  IC: string[][];
}

export interface Trapdoor {
  readonly alpha: bigint;
  readonly beta: bigint;
  readonly gamma: bigint;
  readonly delta: bigint;
  readonly ic: readonly bigint[];
}

export const defaultTrapdoor: Trapdoor = {
  alpha: 1234567n,
  beta: 987654321n,
  gamma: 1n,
  delta: 55555555555n,
  ic: [111n, 2222n, 33333n],
};

const affineG1 = (scalar: bigint) => [...affine1(g1(scalar)), '1'];
const affineG2 = (scalar: bigint) => [...affine2(g2(scalar)).map((part) => [...part]), ['1', '0']];

export function createTrapdoorKey(changes: Partial<Trapdoor> = {}): TrapdoorKey {
  const { alpha, beta, gamma, delta, ic } = { ...defaultTrapdoor, ...changes };
  return {
    verificationKey: {
      protocol: 'groth16',
      curve: 'bn128',
      nPublic: ic.length - 1,
      vk_alpha_1: affineG1(alpha),
      vk_beta_2: affineG2(beta),
      vk_gamma_2: affineG2(gamma),
      vk_delta_2: affineG2(delta),
      IC: ic.map(affineG1),
    },
    prove(signals, a = 77777n, b = 88888n) {
      const x = ic.reduce(
        (sum, term, index) => sum + term * (index ? (signals[index - 1] ?? 0n) : 1n),
        0n,
      );
      // e(A, B) = e(alpha, beta) e(X, gamma) e(C, delta), solved for C.
      const c = (a * b - alpha * beta - x * gamma) * inverse(delta);
      return encodeProof(affine1(g1(a)), affine2(g2(b)), affine1(g1(c)));
    },
  };
}

export function inverse(value: bigint): bigint {
  let result = 1n;
  let base = ((value % r) + r) % r;
  for (let e = r - 2n; e > 0n; e >>= 1n, base = (base * base) % r) {
    if (e & 1n) result = (result * base) % r;
  }
  return result;
}
