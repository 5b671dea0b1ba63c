import { BASE_FIELD_MODULUS as q, SCALAR_FIELD_MODULUS as r } from '@pzk-auth/protocol';
import mcl from 'mcl-wasm';
import type { SnarkjsProof } from 'snarkjs';

export { q, r };

/** mcl's own classes, an instance apart from that of the code under test. */
export const curve = mcl;
await mcl.init(mcl.BN_SNARK1);
mcl.verifyOrderG1(false);
mcl.verifyOrderG2(false);

export type Point1 = readonly [string, string];
export type Point2 = readonly [readonly [string, string], readonly [string, string]];

export const g1Generator = new mcl.G1();
g1Generator.setStr('1 1 2', 10);
export const g2Generator = new mcl.G2();
g2Generator.setStr(
  '1 10857046999023057135944570762232829481370756359578518086990519993285655852781 11559732032986387107991004021392285783925812861821192530917403151452391805634 8495653923123431417604973247489272438418190587263600148770280649306958101930 4082367875863433681332203403145435568316851327593401208105741076214120093531',
  10,
);

export function fr(value: bigint): InstanceType<typeof mcl.Fr> {
  const element = new mcl.Fr();
  element.setStr((((value % r) + r) % r).toString(), 10);
  return element;
}

export const g1 = (scalar: bigint) => mcl.mul(g1Generator, fr(scalar));
export const g2 = (scalar: bigint) => mcl.mul(g2Generator, fr(scalar));

const coordinates = (point: { getStr(base: number): string }): string[] =>
  point.getStr(10).split(' ').slice(1);

export function affine1(point: InstanceType<typeof mcl.G1>): Point1 {
  const [x = '', y = ''] = coordinates(point);
  return [x, y];
}

export function affine2(point: InstanceType<typeof mcl.G2>): Point2 {
  const [x0 = '', x1 = '', y0 = '', y1 = ''] = coordinates(point);
  return [
    [x0, x1],
    [y0, y1],
  ];
}

/** 32 bytes big-endian of anything below 2^256. */
export const word = (value: bigint | string): Buffer =>
  Buffer.from(BigInt(value).toString(16).padStart(64, '0'), 'hex');

export const toWords = (...values: readonly (bigint | string)[]): Uint8Array =>
  new Uint8Array(Buffer.concat(values.map(word)));

/** The wire's bytes of a proof; nothing is checked, so that hostile values pass. */
export const encodeProof = (a: Point1, b: Point2, c: Point1): Uint8Array =>
  toWords(...a, ...b.flat(), ...c);

export const encodeSnarkjsProof = ({ pi_a, pi_b, pi_c }: SnarkjsProof): Uint8Array =>
  toWords(...pi_a.slice(0, 2), ...pi_b.slice(0, 2).flat(), ...pi_c.slice(0, 2));

/** The same bytes as snarkjs takes them. */
export function toSnarkjsProof(proof: Uint8Array): SnarkjsProof {
  const [ax, ay, bx0, bx1, by0, by1, cx, cy] = Array.from({ length: 8 }, (_, index) =>
    BigInt(
      `0x${Buffer.from(proof.subarray(32 * index, 32 * index + 32)).toString('hex')}`,
    ).toString(),
  ) as [string, string, string, string, string, string, string, string];
  return {
    pi_a: [ax, ay, '1'],
    pi_b: [
      [bx0, bx1],
      [by0, by1],
      ['1', '0'],
    ],
    pi_c: [cx, cy, '1'],
    protocol: 'groth16',
    curve: 'bn128',
  };
}

/** Replaces one of the eight coordinates. */
export function withCoordinate(proof: Uint8Array, index: number, value: bigint): Uint8Array {
  const copy = Uint8Array.from(proof);
  copy.set(word(value), 32 * index);
  return copy;
}

export const coordinate = (proof: Uint8Array, index: number): bigint =>
  BigInt(`0x${Buffer.from(proof.subarray(32 * index, 32 * index + 32)).toString('hex')}`);

/** A', B', C' = [1/s]A, [s]B + [s t]delta, C + [t]A: another proof of the same statement. */
export function rerandomize(
  proof: Uint8Array,
  delta: Point2,
  [s, t]: readonly [bigint, bigint],
): Uint8Array {
  const a = new mcl.G1();
  a.setStr(`1 ${coordinate(proof, 0)} ${coordinate(proof, 1)}`, 10);
  const b = new mcl.G2();
  b.setStr(`1 ${[2, 3, 4, 5].map((index) => coordinate(proof, index)).join(' ')}`, 10);
  const c = new mcl.G1();
  c.setStr(`1 ${coordinate(proof, 6)} ${coordinate(proof, 7)}`, 10);
  const d = new mcl.G2();
  d.setStr(`1 ${delta.flat().join(' ')}`, 10);
  return encodeProof(
    affine1(mcl.mul(a, mcl.inv(fr(s)))),
    affine2(mcl.add(mcl.mul(b, fr(s)), mcl.mul(d, fr(s * t)))),
    affine1(mcl.add(c, mcl.mul(a, fr(t)))),
  );
}
