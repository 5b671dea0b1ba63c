// r1cs + zkey -> prover.bin: all that a Groth16 prover without a witness program needs, stored once.
// The format is described in docs/prover-format.md; packages/client/src/prover/prover-binary.ts
// reads it. Same input, same bytes.

const r = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
const q = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;

/**
 * Writes the prover's artifact.
 *
 * @param {{ r1cs: Uint8Array, zkey: Uint8Array }} files - iden3's R1CS, version 1, whose constraints
 *   can be solved in order, and snarkjs's Groth16 key for it.
 * @returns {Promise<Uint8Array>}
 */
export async function buildProverBinary({ r1cs, zkey }) {
  const circuit = readR1cs(r1cs);
  const key = readZkey(zkey);
  if (key.wires !== circuit.wires || key.publicSignals !== circuit.publicSignals) {
    throw new Error('zkey and r1cs are not of one circuit');
  }
  if (key.domainSize < circuit.constraints.length + circuit.publicSignals + 1) {
    throw new Error('the domain of the zkey is too small for the r1cs');
  }
  assertForwardSolvable(circuit);

  // Wires that a polynomial does not mention have the point at infinity: neither it nor the
  // multiplication is worth anything, so only the others are kept, with the list of their wires.
  const a = finitePoints(key.a, 64, 0);
  const b1 = finitePoints(key.b1, 64, 0);
  const b2 = finitePoints(key.b2, 128, 0);
  const c = finitePoints(key.c, 64, circuit.publicSignals + 1);
  const h = finitePoints(key.h, 64, 0);
  if (b1.wires.join() !== b2.wires.join()) throw new Error('B1 and B2 disagree');
  if (h.wires.length !== key.domainSize) throw new Error('H holds a point at infinity');

  const system = encodeConstraints(circuit.constraints);
  const body = [
    ...[key.alpha1, key.beta1, key.delta1, key.beta2, key.delta2],
    ...[a.points, b1.points, c.points, h.points, b2.points].flat(),
    ...system.constants.map(toMontgomery),
    ...[a.wires, b1.wires, c.wires].map(encodeIncreasing),
    system.bytes,
  ];

  const header = new DataView(new ArrayBuffer(64));
  new Uint8Array(header.buffer).set(new TextEncoder().encode('pzk-g16\0'));
  const fields = [
    1, // version of the format
    circuit.wires,
    circuit.publicSignals,
    circuit.privateInputs,
    circuit.constraints.length,
    Math.log2(key.domainSize),
    a.wires.length,
    b1.wires.length,
    c.wires.length,
    system.constants.length,
    system.combinationCount,
    system.termCount,
    64 + body.reduce((sum, part) => sum + part.length, 0),
    0,
  ];
  fields.forEach((value, index) => {
    header.setUint32(8 + 4 * index, value, true);
  });
  return new Uint8Array(Buffer.concat([new Uint8Array(header.buffer), ...body]));
}

/** Sections of a file in iden3's container format: magic, version, then (type, length, bytes). */
export function readSections(bytes, magic, version) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (
    new TextDecoder().decode(bytes.subarray(0, 4)) !== magic ||
    view.getUint32(4, true) !== version
  ) {
    throw new Error(`not a ${magic} file of version ${version}`);
  }
  const sections = new Map();
  let at = 12;
  for (let index = 0; index < view.getUint32(8, true); index++) {
    const type = view.getUint32(at, true);
    const length = Number(view.getBigUint64(at + 4, true));
    if (sections.has(type)) throw new Error(`${magic}: section ${type} stands twice`);
    sections.set(type, bytes.subarray(at + 12, at + 12 + length));
    at += 12 + length;
  }
  if (at !== bytes.length) throw new Error(`${magic}: length does not fit the sections`);
  return (type) => {
    const section = sections.get(type);
    if (section === undefined) throw new Error(`${magic}: section ${type} is missing`);
    return section;
  };
}

/** Reads one section from its start to its end. */
function createReader(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const reader = {
    u32: () => {
      at += 4;
      return view.getUint32(at - 4, true);
    },
    bytes: (length) => {
      at += length;
      if (at > bytes.length) throw new Error('section is too short');
      return bytes.subarray(at - length, at);
    },
    element: () => toInteger(reader.bytes(32)),
  };
  return reader;
}

function readR1cs(bytes) {
  const section = readSections(bytes, 'r1cs', 1);
  const header = createReader(section(1));
  if (header.u32() !== 32 || header.element() !== r) throw new Error('r1cs: another field');
  const wires = header.u32();
  const outputs = header.u32();
  const publicInputs = header.u32();
  const privateInputs = header.u32();
  header.bytes(8); // number of labels, of no use here
  const count = header.u32();

  const body = createReader(section(2));
  const readCombination = () => {
    const terms = [];
    for (let left = body.u32(); left > 0; left--) {
      const wire = body.u32();
      const coefficient = body.element();
      if (wire >= wires || coefficient >= r) throw new Error('r1cs: term out of range');
      if (coefficient !== 0n) terms.push([wire, coefficient]);
    }
    terms.sort(([left], [right]) => left - right);
    return terms;
  };
  const constraints = Array.from({ length: count }, () => [
    readCombination(),
    readCombination(),
    readCombination(),
  ]);
  return { wires, publicSignals: outputs + publicInputs, privateInputs, constraints };
}

function readZkey(bytes) {
  const section = readSections(bytes, 'zkey', 1);
  if (createReader(section(1)).u32() !== 1) throw new Error('zkey: not Groth16');
  const header = createReader(section(2));
  if (
    header.u32() !== 32 ||
    header.element() !== q ||
    header.u32() !== 32 ||
    header.element() !== r
  ) {
    throw new Error('zkey: not over BN254');
  }
  const wires = header.u32();
  const publicSignals = header.u32();
  const domainSize = header.u32();
  const alpha1 = header.bytes(64);
  const beta1 = header.bytes(64);
  const beta2 = header.bytes(128);
  header.bytes(128); // gamma2, for the verifier only
  const delta1 = header.bytes(64);
  const delta2 = header.bytes(128);

  const points = (type, count, size) => {
    const body = section(type);
    if (body.length !== count * size) throw new Error(`zkey: section ${type} has a wrong length`);
    return body;
  };
  return {
    wires,
    publicSignals,
    domainSize,
    alpha1,
    beta1,
    beta2,
    delta1,
    delta2,
    a: points(5, wires, 64),
    b1: points(6, wires, 64),
    b2: points(7, wires, 128),
    c: points(8, wires - publicSignals - 1, 64),
    h: points(9, domainSize, 64),
  };
}

/** The points that are not infinity (all zero in a zkey), and the wires that they stand for. */
function finitePoints(bytes, size, firstWire) {
  const wires = [];
  const points = [];
  for (let index = 0; index * size < bytes.length; index++) {
    const point = bytes.subarray(index * size, (index + 1) * size);
    if (point.every((byte) => byte === 0)) continue;
    wires.push(firstWire + index);
    points.push(point);
  }
  return { wires, points };
}

/** A prover solves the constraints in order: each may have one new wire, in its third part only. */
function assertForwardSolvable({ wires, publicSignals, privateInputs, constraints }) {
  const known = new Set(
    Array.from({ length: 1 + publicSignals + privateInputs }, (_, wire) => wire),
  );
  constraints.forEach(([a, b, c], index) => {
    const isUnknown = ([wire]) => !known.has(wire);
    if (a.some(isUnknown) || b.some(isUnknown) || c.filter(isUnknown).length > 1) {
      throw new Error(`constraint ${index} cannot be solved from those before it`);
    }
    for (const [wire] of c) known.add(wire);
  });
  if (known.size !== wires) throw new Error('a wire stands in no constraint');
}

/**
 * Constants and linear combinations are numbered by first appearance, and a reference to the next
 * one not seen yet is 0: in a file where most are used once, that is a run of zeros.
 */
function encodeConstraints(constraints) {
  const constants = createDictionary();
  const combinations = createDictionary();
  const rows = [];
  const references = [];
  let termCount = 0;
  for (const constraint of constraints) {
    for (const terms of constraint) {
      const name = terms.map(([wire, coefficient]) => `${wire}*${coefficient}`).join('+');
      const { isNew, reference } = combinations.refer(name);
      references.push(reference);
      if (!isNew) continue;
      termCount += terms.length;
      rows.push(terms.length);
      rows.push(...toGaps(terms.map(([wire]) => wire)));
      rows.push(...terms.map(([, coefficient]) => constants.refer(coefficient).reference));
    }
  }
  return {
    constants: constants.values,
    combinationCount: combinations.values.length,
    termCount,
    bytes: encodeVarints([...rows, ...references]),
  };
}

function createDictionary() {
  const ids = new Map();
  return {
    get values() {
      return [...ids.keys()];
    },
    refer(value) {
      const id = ids.get(value);
      if (id !== undefined) return { isNew: false, reference: id + 1 };
      ids.set(value, ids.size);
      return { isNew: true, reference: 0 };
    },
  };
}

/** Strictly increasing integers as the gaps between them: first, then difference - 1. */
function toGaps(values) {
  return values.map((value, index) => (index === 0 ? value : value - values[index - 1] - 1));
}

const encodeIncreasing = (values) => encodeVarints(toGaps(values));

/** Unsigned LEB128: seven bits a byte, low ones first, the high bit set on all but the last. */
function encodeVarints(values) {
  const bytes = [];
  for (const value of values) {
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
    bytes.push(rest);
  }
  return Uint8Array.from(bytes);
}

function toInteger(bytes) {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** v * 2^256 mod r, little-endian: as the field library has it in memory. */
function toMontgomery(value) {
  const bytes = new Uint8Array(32);
  let rest = (value << 256n) % r;
  for (let index = 0; index < 32; index++, rest >>= 8n) bytes[index] = Number(rest & 0xffn);
  return bytes;
}
