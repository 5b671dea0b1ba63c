import { randomBytes } from 'node:crypto';

/** Order of BN254's scalar field. */
export const r = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

export const reduce = (value: bigint): bigint => ((value % r) + r) % r;

/** Uniform up to a bias of 2^-128. */
export const randomElement = (): bigint => reduce(BigInt(`0x${randomBytes(48).toString('hex')}`));
