import { randomBytes } from 'node:crypto';
import { SCALAR_FIELD_MODULUS as r } from '@pzk-auth/protocol';
import mcl from 'mcl-wasm';

/**
 * A Groth16 key whose secrets are known, for load generators: a proof of any statement costs one
 * multiplication of a point, where an honest one costs a tenth of a second. It exists while a bench
 * runs, and no verifier but the one of that bench trusts it.
 *
 * @typedef {object} TrapdoorKey
 * @property {object} verificationKey - snarkjs's format, two public signals
 * @property {readonly string[]} secrets - hands the key to another process: {@link restoreTrapdoorKey}
 * @property {(commitment: bigint, context: bigint) => Uint8Array} prove - 256 bytes as on the wire
 */

const G1 = '1 1 2';
const G2 =
  '1 10857046999023057135944570762232829481370756359578518086990519993285655852781 11559732032986387107991004021392285783925812861821192530917403151452391805634 8495653923123431417604973247489272438418190587263600148770280649306958101930 4082367875863433681332203403145435568316851327593401208105741076214120093531';

/** alpha, beta, gamma, delta, three of IC, and the discrete logarithms of A and B. */
const SECRETS = 9;

/** @returns {Promise<TrapdoorKey>} */
export function createTrapdoorKey() {
  const secrets = Array.from({ length: SECRETS }, () =>
    BigInt(`0x${randomBytes(31).toString('hex')}`),
  );
  return restoreTrapdoorKey(secrets.map(String));
}

/**
 * @param {readonly string[]} secrets
 * @returns {Promise<TrapdoorKey>}
 */
export async function restoreTrapdoorKey(secrets) {
  await mcl.init(mcl.BN_SNARK1);
  const [
    alpha = 0n,
    beta = 0n,
    gamma = 0n,
    delta = 0n,
    ic0 = 0n,
    ic1 = 0n,
    ic2 = 0n,
    a = 0n,
    b = 0n,
  ] = secrets.map(BigInt);
  const g1 = new mcl.G1();
  g1.setStr(G1, 10);
  const g2 = new mcl.G2();
  g2.setStr(G2, 10);

  /** @param {bigint} scalar */
  const fr = (scalar) => {
    const element = new mcl.Fr();
    element.setStr(String(((scalar % r) + r) % r), 10);
    return element;
  };
  /**
   * Affine coordinates as decimals.
   *
   * @param {bigint} scalar
   */
  const multiply1 = (scalar) => mcl.mul(g1, fr(scalar)).getStr(10).split(' ').slice(1);
  /** @param {bigint} scalar */
  const multiply2 = (scalar) => mcl.mul(g2, fr(scalar)).getStr(10).split(' ').slice(1);
  /** @param {bigint} scalar */
  const keyG1 = (scalar) => [...multiply1(scalar), '1'];
  /** @param {bigint} scalar */
  const keyG2 = (scalar) => {
    const [x0, x1, y0, y1] = multiply2(scalar);
    return [
      [x0, x1],
      [y0, y1],
      ['1', '0'],
    ];
  };

  /** @param {readonly (string | undefined)[]} coordinates */
  const encode = (coordinates) =>
    Buffer.from(
      coordinates
        .map((value) =>
          BigInt(value ?? 0)
            .toString(16)
            .padStart(64, '0'),
        )
        .join(''),
      'hex',
    );
  const encodedA = encode(multiply1(a));
  const encodedB = encode(multiply2(b));
  const deltaInverse = BigInt(mcl.inv(fr(delta)).getStr(10));

  return {
    secrets,
    verificationKey: {
      protocol: 'groth16',
      curve: 'bn128',
      nPublic: 2,
      vk_alpha_1: keyG1(alpha),
      vk_beta_2: keyG2(beta),
      vk_gamma_2: keyG2(gamma),
      vk_delta_2: keyG2(delta),
      IC: [ic0, ic1, ic2].map(keyG1),
    },
    prove(commitment, context) {
      const x = ic0 + ic1 * commitment + ic2 * context;
      // e(A, B) = e(alpha, beta) e(X, gamma) e(C, delta), solved for C.
      const c = ((a * b - alpha * beta - x * gamma) % r) * deltaInverse;
      return new Uint8Array(Buffer.concat([encodedA, encodedB, encode(multiply1(c))]));
    },
  };
}
