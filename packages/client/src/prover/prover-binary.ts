import { PzkError } from '@pzk-auth/protocol';

/** Linear combinations over the wires, in compressed rows: row k is terms[starts[k]..starts[k+1]). */
export interface Combinations {
  readonly starts: Uint32Array;
  readonly wires: Uint32Array;
  /** Index into {@link ProverBinary.constants}. */
  readonly constants: Uint32Array;
}

/** Points of one query without those at infinity, and the wires that they belong to. */
export interface Query {
  readonly wires: Uint32Array;
  readonly points: Uint8Array;
}

/**
 * A parsed prover artifact. Byte fields are views of the artifact: coordinates and constants of 32
 * bytes in Montgomery form, little-endian; points affine, 64 bytes in G1 and 128 in G2.
 */
export interface ProverBinary {
  /** Number of wires, the constant 1 at wire 0 included. */
  readonly wires: number;
  readonly publicSignals: number;
  readonly privateInputs: number;
  /** Base-2 logarithm of the size of the evaluation domain. */
  readonly domainLog2: number;
  /** A, B and C of each constraint as indices of combinations: three per constraint. */
  readonly constraints: Uint32Array;
  readonly combinations: Combinations;
  /** Distinct coefficients of the constraints. */
  readonly constants: Uint8Array;
  readonly alpha1: Uint8Array;
  readonly beta1: Uint8Array;
  readonly delta1: Uint8Array;
  readonly beta2: Uint8Array;
  readonly delta2: Uint8Array;
  readonly a: Query;
  readonly b1: Query;
  readonly c: Query;
  /** One point for each element of the domain. */
  readonly h: Uint8Array;
  readonly b2: Query;
}

const HEADER_BYTES = 64;
const MAGIC = 'pzk-g16\0';
const FORMAT_VERSION = 1;
const FR_BYTES = 32;
const G1_BYTES = 64;
const G2_BYTES = 128;

/** BN254 has 2-adicity 28, and the coset needs a root of twice the domain. */
const MAX_DOMAIN_LOG2 = 27;

// r and q as eight words of 32 bits, little-endian.
const SCALAR_MODULUS_WORDS =
  toWords(21888242871839275222246405745257275088548364400416034343698204186575808495617n);
const BASE_MODULUS_WORDS =
  toWords(21888242871839275222246405745257275088696311157297823662689037894645226208583n);

/**
 * Parses the prover's artifact (docs/prover-format.md). Every count, index and number is checked
 * against its bound, and nothing may be left over.
 *
 * Not yet verified: that the points lie on the curve (see `loadProvingKey`) and that they belong to
 * the circuit; for that the caller compares the hash of the file with the one of its own build.
 *
 * @throws PzkError `artifact_mismatch`
 */
export function parseProverBinary(file: Uint8Array): ProverBinary {
  if (file.length < HEADER_BYTES) refuse('it is too short');
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let index = 0; index < MAGIC.length; index++) {
    if (file[index] !== MAGIC.charCodeAt(index)) refuse('it does not start as one');
  }
  const field = (index: number): number => view.getUint32(8 + 4 * index, true);
  if (field(0) !== FORMAT_VERSION) refuse('its format has another version');
  if (field(12) !== file.length || field(13) !== 0) refuse('its length is not as declared');

  const wires = field(1);
  const publicSignals = field(2);
  const privateInputs = field(3);
  const constraintCount = field(4);
  const domainLog2 = field(5);
  const [aCount, bCount, cCount] = [field(6), field(7), field(8)];
  const constantCount = field(9);
  const combinationCount = field(10);
  const termCount = field(11);

  // No count can exceed the length of the file: bounds what is allocated below.
  for (let index = 1; index <= 11; index++)
    if (field(index) > file.length) refuse('a count is absurd');
  if (1 + publicSignals + privateInputs > wires) refuse('it has more inputs than wires');
  if (domainLog2 > MAX_DOMAIN_LOG2) refuse('its domain is too large');
  if (constraintCount + publicSignals + 1 > 2 ** domainLog2) refuse('its domain is too small');

  let at = HEADER_BYTES;
  const take = (length: number): Uint8Array => {
    if (length > file.length - at) refuse('it is too short');
    at += length;
    return file.subarray(at - length, at);
  };

  const alpha1 = take(G1_BYTES);
  const beta1 = take(G1_BYTES);
  const delta1 = take(G1_BYTES);
  const beta2 = take(G2_BYTES);
  const delta2 = take(G2_BYTES);
  const aPoints = take(aCount * G1_BYTES);
  const b1Points = take(bCount * G1_BYTES);
  const cPoints = take(cCount * G1_BYTES);
  const h = take(2 ** domainLog2 * G1_BYTES);
  const b2Points = take(bCount * G2_BYTES);
  assertReduced(file.subarray(HEADER_BYTES, at), BASE_MODULUS_WORDS);
  const constants = take(constantCount * FR_BYTES);
  assertReduced(constants, SCALAR_MODULUS_WORDS);

  const readInteger = (): number => {
    let value = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = file[at++];
      if (byte === undefined) refuse('it is too short');
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) refuse('an integer has a second spelling');
        return value;
      }
    }
    return refuse('an integer is too large');
  };
  /** Strictly increasing wires, stored as gaps. */
  const readWires = (target: Uint32Array, from: number, to: number): void => {
    let next = 0;
    for (let index = from; index < to; index++) {
      const wire = next + readInteger();
      if (wire >= wires) refuse('a wire does not exist');
      target[index] = wire;
      next = wire + 1;
    }
  };
  const readWireList = (count: number): Uint32Array => {
    const list = new Uint32Array(count);
    readWires(list, 0, count);
    return list;
  };

  const aWires = readWireList(aCount);
  const bWires = readWireList(bCount);
  const cWires = readWireList(cCount);
  // The public signals are the verifier's part of C: a prover must not add them again.
  if (cWires.some((wire) => wire <= publicSignals)) refuse('C holds a public signal');

  const combinations: Combinations = {
    starts: new Uint32Array(combinationCount + 1),
    wires: new Uint32Array(termCount),
    constants: new Uint32Array(termCount),
  };
  let terms = 0;
  let constantsSeen = 0;
  for (let row = 0; row < combinationCount; row++) {
    const end = terms + readInteger();
    if (end > termCount) refuse('it has more terms than declared');
    readWires(combinations.wires, terms, end);
    for (; terms < end; terms++) {
      const reference = readInteger();
      const constant = reference === 0 ? constantsSeen++ : reference - 1;
      if (constant >= constantsSeen || constant >= constantCount)
        refuse('a constant does not exist');
      combinations.constants[terms] = constant;
    }
    combinations.starts[row + 1] = end;
  }

  const constraints = new Uint32Array(3 * constraintCount);
  let combinationsSeen = 0;
  for (let index = 0; index < constraints.length; index++) {
    const reference = readInteger();
    const row = reference === 0 ? combinationsSeen++ : reference - 1;
    if (row >= combinationsSeen || row >= combinationCount) refuse('a combination does not exist');
    constraints[index] = row;
  }
  if (
    at !== file.length ||
    terms !== termCount ||
    constantsSeen !== constantCount ||
    combinationsSeen !== combinationCount
  ) {
    refuse('something is left over');
  }

  return {
    wires,
    publicSignals,
    privateInputs,
    domainLog2,
    constraints,
    combinations,
    constants,
    alpha1,
    beta1,
    delta1,
    beta2,
    delta2,
    a: { wires: aWires, points: aPoints },
    b1: { wires: bWires, points: b1Points },
    c: { wires: cWires, points: cPoints },
    h,
    b2: { wires: bWires, points: b2Points },
  };
}

/** Each 32 bytes, as a little-endian number, must be smaller than the modulus. */
function assertReduced(bytes: Uint8Array, modulus: Uint32Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 0; offset < bytes.length; offset += 32) {
    let word = 7;
    while (word > 0 && view.getUint32(offset + 4 * word, true) === modulus[word]) word--;
    if (view.getUint32(offset + 4 * word, true) >= (modulus[word] as number)) {
      refuse('a number is not reduced');
    }
  }
}

function toWords(modulus: bigint): Uint32Array {
  return Uint32Array.from({ length: 8 }, (_, word) =>
    Number((modulus >> BigInt(32 * word)) & 0xffffffffn),
  );
}

function refuse(reason: string): never {
  throw new PzkError('artifact_mismatch', `The file is no prover artifact: ${reason}.`);
}
