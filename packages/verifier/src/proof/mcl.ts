// The only file that imports mcl-wasm. It takes the raw module, not the classes: those copy every
// operand into and out of the WASM memory, and share one instance, with global switches, among
// everything in the process. Here each caller has an instance of its own.
import createModule from 'mcl-wasm/dist/mcl_c.js';

/** Address in the memory of an mcl instance. */
export type Pointer = number;

type Unary = (out: Pointer, x: Pointer) => void;
type Binary = (out: Pointer, x: Pointer, y: Pointer) => void;
type Predicate = (x: Pointer) => number;
type Comparison = (x: Pointer, y: Pointer) => number;
type Deserialize = (out: Pointer, bytes: Pointer, length: number) => number;

/** The functions of mcl that verification uses. Predicates answer 1 for true. */
export interface Mcl {
  /** Current view of the memory; it is replaced when the memory grows, so never keep it. */
  readonly HEAP8: Int8Array;
  _malloc(bytes: number): Pointer;
  _mclBn_init(curve: number, compiledTimeVar: number): number;
  _mclBn_verifyOrderG1(on: number): void;
  _mclBn_verifyOrderG2(on: number): void;
  _mclBn_setETHserialization(on: number): void;
  /** Reads 32 bytes little-endian; 0 unless the value is below the modulus, else 32. */
  readonly _mclBnFp_deserialize: Deserialize;
  readonly _mclBnFr_deserialize: Deserialize;
  _mclBnFp_setInt32(out: Pointer, value: number): void;
  readonly _mclBnFp_neg: Unary;
  readonly _mclBnFp2_sqr: Unary;
  readonly _mclBnFp2_mul: Binary;
  readonly _mclBnFp2_add: Binary;
  readonly _mclBnFp2_div: Binary;
  readonly _mclBnFp2_isEqual: Comparison;
  readonly _mclBnG1_isZero: Predicate;
  readonly _mclBnG1_isValid: Predicate;
  readonly _mclBnG2_add: Binary;
  readonly _mclBnG2_dbl: Unary;
  readonly _mclBnG2_neg: Unary;
  readonly _mclBnG2_isValid: Predicate;
  readonly _mclBnG2_isValidOrder: Predicate;
  readonly _mclBnG2_isEqual: Comparison;
  readonly _mclBnGT_mul: Binary;
  readonly _mclBnGT_isEqual: Comparison;
  readonly _mclBn_pairing: Binary;
  readonly _mclBn_finalExp: Unary;
  _mclBn_getUint64NumToPrecompute(): number;
  readonly _mclBn_precomputeG2: Unary;
  /** e(P1, Q1) * e(P2, Q2) before the final exponentiation, over precomputed lines of Q2. */
  _mclBn_precomputedMillerLoop2mixed(
    out: Pointer,
    p1: Pointer,
    q1: Pointer,
    p2: Pointer,
    lines2: Pointer,
  ): void;
}

/** Bytes of an element in memory. mcl reserves room for the widest field it was compiled for. */
export const FP_SIZE = 48;
export const FP2_SIZE = 2 * FP_SIZE;
export const G1_SIZE = 3 * FP_SIZE;
export const G2_SIZE = 3 * FP2_SIZE;
export const GT_SIZE = 12 * FP_SIZE;
export const FR_SIZE = 32;

/** alt_bn128, the curve of Ethereum's precompiles and of snarkjs's `bn128`. */
const CURVE_SNARK1 = 4;
/** Units of the scalar field times ten plus those of the base field: mcl checks it against its build. */
const COMPILED_TIME_VAR = 46;

/** Makes an instance of mcl for BN254 with a memory of its own. */
export async function createMcl(): Promise<Mcl> {
  const instantiate = createModule as unknown as (options: {
    cryptoGetRandomValues(out: Uint8Array<ArrayBuffer>): void;
  }) => Promise<Mcl>;
  const mcl = await instantiate({
    cryptoGetRandomValues: (out) => void globalThis.crypto.getRandomValues(out),
  });
  if (mcl._mclBn_init(CURVE_SNARK1, COMPILED_TIME_VAR) !== 0) {
    throw new Error('mcl does not support the curve.');
  }
  // Off by default. On, isValid and deserialize of G2 test the subgroup and not only the curve.
  mcl._mclBn_verifyOrderG1(1);
  mcl._mclBn_verifyOrderG2(1);
  mcl._mclBn_setETHserialization(0);
  return mcl;
}
