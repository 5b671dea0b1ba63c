import {
  createMcl,
  FP_SIZE,
  FP2_SIZE,
  FR_SIZE,
  G1_SIZE,
  G2_SIZE,
  type Mcl,
  type Pointer,
} from './mcl.js';

/** Bytes of a coordinate or scalar, and of points without a third coordinate, big-endian. */
export const ELEMENT_BYTES = 32;
export const G1_BYTES = 2 * ELEMENT_BYTES;
export const G2_BYTES = 4 * ELEMENT_BYTES;

/**
 * Reads numbers and affine points into the memory of an mcl instance. Every read refuses what is not
 * canonical by returning `false`; the memory written to is then of no use.
 */
export interface CurveMemory {
  readonly mcl: Mcl;
  /** Reserves memory, zeroed, for as long as the instance lives. */
  allocate(bytes: number): Pointer;
  /** Reads a coordinate, below q. */
  readFp(out: Pointer, bytes: Uint8Array, offset: number): boolean;
  /** Reads a scalar, below r. */
  readFr(out: Pointer, bytes: Uint8Array, offset: number): boolean;
  /** Reads x and y and sets z = 1, so that the point at infinity has no spelling. On the curve. */
  readG1(out: Pointer, bytes: Uint8Array, offset: number): boolean;
  /** Reads x.c0, x.c1, y.c0, y.c1. On the twist; whether in the subgroup is not tested. */
  readTwist(out: Pointer, bytes: Uint8Array, offset: number): boolean;
}

/** Makes an instance of mcl and the reader for its memory. */
export async function createCurveMemory(): Promise<CurveMemory> {
  const mcl = await createMcl();

  const allocate = (bytes: number): Pointer => {
    const pointer = mcl._malloc(bytes);
    if (pointer === 0) throw new Error('mcl is out of memory.');
    mcl.HEAP8.fill(0, pointer, pointer + bytes);
    return pointer;
  };

  const buffer = allocate(ELEMENT_BYTES);
  /** mcl reads little-endian. Never setLittleEndian: it silently drops bits above the modulus. */
  const stage = (bytes: Uint8Array, offset: number): void => {
    const heap = mcl.HEAP8;
    for (let index = 0; index < ELEMENT_BYTES; index++) {
      heap[buffer + index] = bytes[offset + ELEMENT_BYTES - 1 - index] as number;
    }
  };
  const readFp = (out: Pointer, bytes: Uint8Array, offset: number): boolean => {
    stage(bytes, offset);
    return mcl._mclBnFp_deserialize(out, buffer, ELEMENT_BYTES) === ELEMENT_BYTES;
  };
  const readFr = (out: Pointer, bytes: Uint8Array, offset: number): boolean => {
    stage(bytes, offset);
    return mcl._mclBnFr_deserialize(out, buffer, FR_SIZE) === ELEMENT_BYTES;
  };
  const readFp2 = (out: Pointer, bytes: Uint8Array, offset: number): boolean =>
    readFp(out, bytes, offset) && readFp(out + FP_SIZE, bytes, offset + ELEMENT_BYTES);

  const readG1 = (out: Pointer, bytes: Uint8Array, offset: number): boolean => {
    mcl.HEAP8.fill(0, out, out + G1_SIZE);
    if (!readFp(out, bytes, offset)) return false;
    if (!readFp(out + FP_SIZE, bytes, offset + ELEMENT_BYTES)) return false;
    mcl._mclBnFp_setInt32(out + 2 * FP_SIZE, 1);
    // The cofactor of G1 is 1: on the curve is in the group.
    return mcl._mclBnG1_isValid(out) === 1 && mcl._mclBnG1_isZero(out) === 0;
  };

  // The twist y^2 = x^3 + 3 / (9 + u).
  const twistB = allocate(FP2_SIZE);
  const left = allocate(FP2_SIZE);
  const right = allocate(FP2_SIZE);
  mcl._mclBnFp_setInt32(left, 3);
  mcl._mclBnFp_setInt32(right, 9);
  mcl._mclBnFp_setInt32(right + FP_SIZE, 1);
  mcl._mclBnFp2_div(twistB, left, right);

  const readTwist = (out: Pointer, bytes: Uint8Array, offset: number): boolean => {
    mcl.HEAP8.fill(0, out, out + G2_SIZE);
    const y = out + FP2_SIZE;
    if (!readFp2(out, bytes, offset)) return false;
    if (!readFp2(y, bytes, offset + 2 * ELEMENT_BYTES)) return false;
    mcl._mclBnFp_setInt32(out + 2 * FP2_SIZE, 1);
    mcl._mclBnFp2_sqr(left, y);
    mcl._mclBnFp2_sqr(right, out);
    mcl._mclBnFp2_mul(right, right, out);
    mcl._mclBnFp2_add(right, right, twistB);
    return mcl._mclBnFp2_isEqual(left, right) === 1;
  };

  return { mcl, allocate, readFp, readFr, readG1, readTwist };
}
