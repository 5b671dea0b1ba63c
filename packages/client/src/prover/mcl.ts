// The only file of this package that imports mcl-wasm. It takes the module below the typed wrapper:
// that one keeps a global instance and copies every value in and out of JavaScript objects, while a
// prover works on thousands of points where they lie.
import createModule from 'mcl-wasm/dist/mcl_c.js';

/** Address in the memory of the WebAssembly module. */
export type Pointer = number;

type Unary = (result: Pointer, value: Pointer) => void;
type Binary = (result: Pointer, left: Pointer, right: Pointer) => void;
type MultiScalar = (result: Pointer, points: Pointer, scalars: Pointer, count: number) => void;

/** mcl's operations on BN254, on values in its memory, in Montgomery form. */
export interface Mcl {
  readonly frAdd: Binary;
  readonly frSub: Binary;
  readonly frMul: Binary;
  readonly frInv: Unary;
  readonly frNeg: Unary;
  /** Sets to a small integer. */
  readonly frSetInt: (result: Pointer, value: number) => void;
  readonly frIsEqual: (left: Pointer, right: Pointer) => boolean;
  readonly frIsZero: (value: Pointer) => boolean;
  readonly g1: Group;
  readonly g2: Group;
  /** Reads 32 bytes little-endian, refusing what is not smaller than r. */
  readonly frRead: (result: Pointer, bytes: Uint8Array) => boolean;
  /** Writes 1 of the base field: the Z of an affine point. */
  readonly fpSetOne: (result: Pointer) => void;
  /** Coordinate of the base field as 32 bytes big-endian. */
  readonly fpToBytes: (value: Pointer) => Uint8Array;
  /** Reserves memory, zeroed. It is never given back: the module lives as long as its key. */
  readonly allocate: (bytes: number) => Pointer;
  /** The memory as it is now: growing it detaches earlier views, so never keep one. */
  readonly memory: () => Uint8Array;
  /**
   * Remembers the memory, all of it. What it returns puts it back: whatever was computed since is
   * overwritten, with the copies that mcl itself made on its stack and on its heap, which nobody
   * else can find. What was allocated since is gone.
   */
  readonly checkpoint: () => () => void;
}

/** Operations of G1 or G2 on points X, Y, Z (Jacobian; Z = 1 is affine). */
export interface Group {
  /** Size of a point in mcl's memory. */
  readonly bytes: number;
  /** Sum of scalar * point over arrays that lie without gaps. Not constant in time. */
  readonly mulVec: MultiScalar;
  readonly normalize: Unary;
  readonly isZero: (point: Pointer) => boolean;
  readonly isOnCurve: (point: Pointer) => boolean;
}

/** A scalar in mcl's memory. */
export const FR_BYTES = 32;

/**
 * A coordinate in mcl's memory: this build has room for fields of 384 bits, of which BN254 uses the
 * first {@link COORDINATE_BYTES}; the rest is never read.
 */
export const FP_BYTES = 48;
export const COORDINATE_BYTES = 32;

// From mcl's headers: the curve of Ethereum's precompiles (BN254, alt_bn128), and the word that
// says for which sizes of Fr and Fp the caller was compiled.
const MCL_BN_SNARK1 = 4;
const MCLBN_COMPILED_TIME_VAR = 46;

interface MclModule {
  readonly HEAP8: Int8Array;
  readonly wasmMemory: WebAssembly.Memory;
  _malloc(bytes: number): Pointer;
  _mclBn_init(curve: number, compiledTimeVar: number): number;
  _mclBn_verifyOrderG2(verify: number): void;
  _mclBnFr_add: Binary;
  _mclBnFr_sub: Binary;
  _mclBnFr_mul: Binary;
  _mclBnFr_inv: Unary;
  _mclBnFr_neg: Unary;
  _mclBnFr_setInt32(result: Pointer, value: number): void;
  _mclBnFr_isEqual(left: Pointer, right: Pointer): number;
  _mclBnFr_isZero(value: Pointer): number;
  _mclBnFr_deserialize(result: Pointer, bytes: Pointer, length: number): number;
  _mclBnFp_setInt32(result: Pointer, value: number): void;
  _mclBnFp_serialize(bytes: Pointer, length: number, value: Pointer): number;
  _mclBnG1_mulVec: MultiScalar;
  _mclBnG1_normalize: Unary;
  _mclBnG1_isZero(point: Pointer): number;
  _mclBnG1_isValid(point: Pointer): number;
  _mclBnG2_mulVec: MultiScalar;
  _mclBnG2_normalize: Unary;
  _mclBnG2_isZero(point: Pointer): number;
  _mclBnG2_isValid(point: Pointer): number;
}

/** Makes an instance of mcl of its own, for BN254. */
export async function createMcl(): Promise<Mcl> {
  const mod: MclModule = await createModule({
    cryptoGetRandomValues: (target: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(target),
  });
  if (mod._mclBn_init(MCL_BN_SNARK1, MCLBN_COMPILED_TIME_VAR) !== 0) {
    throw new Error('mcl-wasm was built for other field sizes');
  }
  // State of the module. Points of a proving key are checked for the curve, not for the subgroup:
  // with one multiplication each, that would cost more than the proof (see loadProvingKey).
  mod._mclBn_verifyOrderG2(0);

  const memory = (): Uint8Array => new Uint8Array(mod.wasmMemory.buffer);
  const scratch = mod._malloc(Math.max(FR_BYTES, COORDINATE_BYTES));
  return {
    frAdd: mod._mclBnFr_add,
    frSub: mod._mclBnFr_sub,
    frMul: mod._mclBnFr_mul,
    frInv: mod._mclBnFr_inv,
    frNeg: mod._mclBnFr_neg,
    frSetInt: mod._mclBnFr_setInt32,
    frIsEqual: (left, right) => mod._mclBnFr_isEqual(left, right) === 1,
    frIsZero: (value) => mod._mclBnFr_isZero(value) === 1,
    frRead(result, bytes) {
      memory().set(bytes.subarray(0, FR_BYTES), scratch);
      const isReduced = mod._mclBnFr_deserialize(result, scratch, FR_BYTES) === FR_BYTES;
      memory().fill(0, scratch, scratch + FR_BYTES);
      return isReduced;
    },
    fpSetOne: (result) => mod._mclBnFp_setInt32(result, 1),
    fpToBytes(value) {
      if (mod._mclBnFp_serialize(scratch, COORDINATE_BYTES, value) !== COORDINATE_BYTES) {
        throw new Error('mcl-wasm cannot serialize a coordinate');
      }
      return memory()
        .slice(scratch, scratch + COORDINATE_BYTES)
        .reverse();
    },
    g1: {
      bytes: 3 * FP_BYTES,
      mulVec: mod._mclBnG1_mulVec,
      normalize: mod._mclBnG1_normalize,
      isZero: (point) => mod._mclBnG1_isZero(point) === 1,
      isOnCurve: (point) => mod._mclBnG1_isValid(point) === 1,
    },
    g2: {
      bytes: 6 * FP_BYTES,
      mulVec: mod._mclBnG2_mulVec,
      normalize: mod._mclBnG2_normalize,
      isZero: (point) => mod._mclBnG2_isZero(point) === 1,
      isOnCurve: (point) => mod._mclBnG2_isValid(point) === 1,
    },
    allocate(bytes) {
      // At least one byte: malloc(0) may return 0.
      const pointer = mod._malloc(Math.max(bytes, 1));
      if (pointer === 0) throw new Error('mcl-wasm is out of memory');
      memory().fill(0, pointer, pointer + bytes);
      return pointer;
    },
    memory,
    checkpoint() {
      const before = memory().slice();
      return () => {
        const now = memory();
        now.set(before);
        // It may have grown.
        now.fill(0, before.length);
      };
    },
  };
}
