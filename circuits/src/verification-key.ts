/** Affine or projective point of G1; coordinates are canonical decimals. */
export type G1Point = readonly [x: string, y: string, z: string];

/** Element c0 + c1 * u of the quadratic extension field. */
export type Fp2Element = readonly [c0: string, c1: string];

/** Point of G2. */
export type G2Point = readonly [x: Fp2Element, y: Fp2Element, z: Fp2Element];

/** Element of the cubic extension over {@link Fp2Element}. */
export type Fp6Element = readonly [Fp2Element, Fp2Element, Fp2Element];

/** Groth16 verification key over BN254 in snarkjs's format; names are snarkjs's own. */
export interface VerificationKey {
  readonly protocol: 'groth16';
  readonly curve: 'bn128';
  /** Number of public signals; `IC` has one element more. */
  readonly nPublic: number;
  readonly vk_alpha_1: G1Point;
  readonly vk_beta_2: G2Point;
  readonly vk_gamma_2: G2Point;
  readonly vk_delta_2: G2Point;
  /** e(alpha, beta), a convenience that a verifier may recompute. */
  readonly vk_alphabeta_12: readonly [Fp6Element, Fp6Element];
  /** One point for the constant 1, then one for each public signal. */
  readonly IC: readonly G1Point[];
}
