import { inspect } from 'node:util';
import { isPzkError, SCALAR_FIELD_MODULUS } from '@pzk-auth/protocol';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createMainThreadProver, type ProofInput } from '../../src/prover/index.js';
import { createMcl, FR_BYTES, type Mcl } from '../../src/prover/mcl.js';
import { type ProverBinary, parseProverBinary } from '../../src/prover/prover-binary.js';
import { createProvingEngine } from '../../src/prover/proving-engine.js';
import { createWitnessSolver, writeScalar } from '../../src/prover/witness.js';
import { createInput, loadArtifact } from './fixtures.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const MODULUS = SCALAR_FIELD_MODULUS;
const HEADER_BYTES = 64;
const LENGTH_FIELD = 8 + 4 * 12;

let artifact: Uint8Array;
let mcl: Mcl;

beforeAll(async () => {
  artifact = await loadArtifact();
  mcl = await createMcl();
});

/** Gives a file the length that it says it has, as an attacker would. */
function withLength(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(LENGTH_FIELD, bytes.length, true);
  return bytes;
}

/** Parses; `undefined` if the file is refused in the one way that there is. */
function parse(bytes: Uint8Array): ProverBinary | undefined {
  try {
    return parseProverBinary(bytes);
  } catch (error) {
    expect(error).toMatchObject({ name: 'PzkError', code: 'artifact_mismatch' });
    return undefined;
  }
}

const isBelow = (list: Uint32Array, bound: number): boolean => list.every((entry) => entry < bound);
const isIncreasing = (list: Uint32Array): boolean =>
  list.every((entry, index) => index === 0 || entry > (list[index - 1] as number));

/** Holds what the solver and the key loader take for granted, as they check no index. */
function assertWithinBounds(binary: ProverBinary, file: Uint8Array): void {
  const { wires, publicSignals, privateInputs, domainLog2, constraints, constants } = binary;
  const { combinations, a, b1, b2, c, h } = binary;
  const count = combinations.starts.length - 1;
  expect(1 + publicSignals + privateInputs).toBeLessThanOrEqual(wires);
  expect(constraints.length / 3 + publicSignals + 1).toBeLessThanOrEqual(2 ** domainLog2);
  expect(h.length).toBe(64 * 2 ** domainLog2);
  expect(isBelow(constraints, count)).toBe(true);
  expect(combinations.starts[0]).toBe(0);
  expect(combinations.starts[count]).toBe(combinations.wires.length);
  for (let row = 0; row < count; row++) {
    const [from, to] = [combinations.starts[row] as number, combinations.starts[row + 1] as number];
    expect(from).toBeLessThanOrEqual(to);
    expect(isIncreasing(combinations.wires.subarray(from, to))).toBe(true);
  }
  expect(isBelow(combinations.wires, wires)).toBe(true);
  expect(isBelow(combinations.constants, constants.length / 32)).toBe(true);
  for (const [query, bytes] of [
    [a, 64],
    [b1, 64],
    [b2, 128],
    [c, 64],
  ] as const) {
    expect(query.points.length).toBe(bytes * query.wires.length);
    expect(isBelow(query.wires, wires) && isIncreasing(query.wires)).toBe(true);
  }
  expect(c.wires.every((wire) => wire > publicSignals)).toBe(true);
  // No file makes the parser reserve more than some multiple of what had to be downloaded.
  const lists = [constraints, combinations.starts, combinations.wires, combinations.constants];
  const reserved = [...lists, a.wires, b1.wires, c.wires].reduce(
    (sum, { length }) => sum + 4 * length,
    0,
  );
  expect(reserved).toBeLessThan(24 * file.length);
}

const word = fc.oneof(
  fc.nat(20),
  fc.constantFrom(0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 0x04000000, 0x02000001),
  fc.integer({ min: 0, max: 0xffffffff }),
);

describe('parseProverBinary, of hostile files', () => {
  it('honest: takes the published one, and it is within the bounds', () => {
    const binary = parse(artifact);
    expect(binary).toBeDefined();
    if (binary) assertWithinBounds(binary, artifact);
  });

  it('refuses any other header', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 11 }), word), { minLength: 1 }),
        (words) => {
          const file = artifact.slice();
          const view = new DataView(file.buffer);
          for (const [field, value] of words) view.setUint32(8 + 4 * field, value, true);
          const isPublished = Buffer.from(file).equals(artifact);
          const binary = parse(file);
          // The split of the inputs and more wires than are used are the engine's and solver's to see.
          if (binary) assertWithinBounds(binary, file);
          else expect(isPublished).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('refuses changed bytes, cuts and repetitions, or reads them within the bounds', () => {
    const offset = fc.integer({ min: HEADER_BYTES, max: artifact.length - 1 });
    const edit = fc.record({
      at: offset,
      from: offset,
      length: fc.nat(200),
      bytes: fc.uint8Array({ maxLength: 12 }),
      kind: fc.constantFrom('set', 'cut', 'repeat'),
    });
    let taken = 0;
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        let file = Buffer.from(artifact);
        for (const { at, from, length, bytes, kind } of edits) {
          const [head, tail] = [file.subarray(0, at), file.subarray(at)];
          if (kind === 'set') file = Buffer.concat([head, bytes, tail.subarray(bytes.length)]);
          if (kind === 'cut') file = Buffer.concat([head, tail.subarray(length)]);
          if (kind === 'repeat')
            file = Buffer.concat([head, file.subarray(from, from + length), tail]);
        }
        const binary = parse(withLength(new Uint8Array(file)));
        if (binary === undefined) return;
        taken += 1;
        assertWithinBounds(binary, file);
      }),
      { numRuns: 500 },
    );
    // Else the property would say nothing about what is taken.
    expect(taken).toBeGreaterThan(0);
  });

  it('reads small files whose counts all fit within the bounds, or refuses them', () => {
    // What may be wrong is what is counted: wires and references that do not exist.
    const gaps = fc.array(fc.nat(3), { maxLength: 2 });
    const term = fc.record({ gap: fc.nat(3), constant: fc.nat(2) });
    const small = fc.record({
      wires: fc.integer({ min: 3, max: 7 }),
      publicSignals: fc.nat(2),
      privateInputs: fc.nat(2),
      queries: fc.tuple(gaps, gaps, gaps),
      references: fc.array(fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2)), { maxLength: 4 }),
      rows: fc.array(fc.array(term, { maxLength: 2 }), { minLength: 12, maxLength: 12 }),
    });
    let taken = 0;
    let refused = 0;
    fc.assert(
      fc.property(small, ({ wires, publicSignals, privateInputs, queries, references, rows }) => {
        const isNew = (reference: number): boolean => reference === 0;
        const used = rows.slice(0, references.flat().filter(isNew).length);
        const terms = used.flat();
        const constants = terms.map(({ constant }) => constant).filter(isNew).length;
        const [a, b, c] = queries;
        const body = [...a, ...b, ...c];
        for (const row of used) {
          body.push(row.length, ...row.map(({ gap }) => gap), ...row.map((each) => each.constant));
        }
        body.push(...references.flat());

        const domainLog2 = 3;
        const points =
          448 + 64 * (a.length + b.length + c.length + 2 ** domainLog2) + 128 * b.length;
        const fixed = HEADER_BYTES + points + 32 * constants;
        const file = new Uint8Array(fixed + body.length);
        file.set(artifact.subarray(0, 12));
        const fields = [wires, publicSignals, privateInputs, references.length, domainLog2];
        fields.push(a.length, b.length, c.length, constants, used.length, terms.length);
        const view = new DataView(file.buffer);
        fields.forEach((value, index) => {
          view.setUint32(12 + 4 * index, value, true);
        });
        file.set(body, fixed);

        const binary = parse(withLength(file));
        if (binary === undefined) {
          refused += 1;
        } else {
          taken += 1;
          assertWithinBounds(binary, file);
        }
      }),
      { numRuns: 5000 },
    );
    // Else the property would say nothing about the one or the other.
    expect(taken).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(100);
  });
});

/** a * b = c over the wires, as [wire, coefficient]. */
type Terms = readonly (readonly [wire: number, coefficient: bigint])[];
type System = readonly (readonly [a: Terms, b: Terms, c: Terms])[];

const INPUTS = 6;

/** The system as the parser would give it, with a key that is never used. */
function toBinary(system: System, wires: number): ProverBinary {
  const rows = system.flat().map((terms) => [...new Map(terms)].sort(([x], [y]) => x - y));
  const all = rows.flat();
  const starts = [0];
  for (const row of rows) starts.push((starts.at(-1) as number) + row.length);
  const at = mcl.allocate(FR_BYTES);
  const constants = all.map(([, coefficient]) => {
    writeScalar(mcl, at, coefficient);
    return mcl.memory().slice(at, at + FR_BYTES);
  });
  return {
    ...parseProverBinary(artifact),
    wires,
    domainLog2: 4,
    constraints: Uint32Array.from(rows.keys()),
    combinations: {
      starts: Uint32Array.from(starts),
      wires: Uint32Array.from(all, ([wire]) => wire),
      constants: Uint32Array.from(all.keys()),
    },
    constants: new Uint8Array(Buffer.concat(constants)),
  };
}

const inverseOfRadix = (() => {
  let [result, base] = [1n, (1n << 256n) % MODULUS];
  for (let e = MODULUS - 2n; e > 0n; e >>= 1n, base = (base * base) % MODULUS) {
    if (e & 1n) result = (result * base) % MODULUS;
  }
  return result;
})();

function readWitness(at: number, count: number): bigint[] {
  return Array.from({ length: count }, (_, index) => {
    const from = at + index * FR_BYTES;
    const bytes = mcl
      .memory()
      .slice(from, from + FR_BYTES)
      .reverse();
    return (BigInt(`0x${Buffer.from(bytes).toString('hex')}`) * inverseOfRadix) % MODULUS;
  });
}

const element = fc.oneof(
  fc.constantFrom(0n, 1n, 2n, MODULUS - 1n),
  fc.bigInt({ min: 0n, max: MODULUS - 1n }),
);
const termsBelow = (wires: number): fc.Arbitrary<Terms> =>
  fc.array(fc.tuple(fc.nat(wires - 1), element), { maxLength: 4 });

/**
 * Constraint k determines wire INPUTS + 1 + k, unless its coefficient is zero or that wire stands
 * elsewhere; behind them come checks, few of which hold.
 */
const systems = fc.integer({ min: 1, max: 5 }).chain((count) => {
  const wires = INPUTS + 1 + count;
  const anyTerms = termsBelow(wires);
  const solving = Array.from({ length: count }, (_, index) => {
    const known = INPUTS + 1 + index;
    // Now and then over all wires: such a system cannot be solved in order, or by luck.
    const terms = fc.oneof({ weight: 30, arbitrary: termsBelow(known) }, anyTerms);
    const third = fc
      .tuple(terms, element)
      .map(([rest, coefficient]): Terms => [...rest, [known, coefficient]]);
    return fc.tuple(terms, terms, fc.oneof({ weight: 10, arbitrary: third }, terms));
  });
  const checks = fc.array(fc.tuple(anyTerms, anyTerms, anyTerms), { maxLength: 2 });
  return fc
    .tuple(fc.tuple(...solving), checks)
    .map(([first, last]): { wires: number; system: System } => ({
      wires,
      system: [...first, ...last],
    }));
});

describe('createWitnessSolver, of hostile constraints', () => {
  it('finds a witness that satisfies them all, or refuses them or the inputs', () => {
    const outcomes = { solved: 0, unsolvable: 0, contradicted: 0 };
    fc.assert(
      fc.property(
        systems,
        fc.array(element, { minLength: INPUTS, maxLength: INPUTS }),
        ({ system, wires }, inputs) => {
          try {
            const solver = createWitnessSolver(mcl, toBinary(system, wires));
            solver.solve(inputs);
            const witness = readWitness(solver.witness, wires);
            solver.wipe();
            expect(witness.slice(0, INPUTS + 1)).toEqual([1n, ...inputs]);
            const evaluate = (terms: Terms): bigint =>
              [...new Map(terms)].reduce(
                (sum, [wire, coefficient]) => sum + coefficient * (witness[wire] as bigint),
                0n,
              ) % MODULUS;
            for (const [a, b, c] of system) {
              expect((evaluate(a) * evaluate(b)) % MODULUS).toBe(evaluate(c));
            }
            outcomes.solved += 1;
          } catch (error) {
            if (!isPzkError(error)) throw error;
            expect(['artifact_mismatch', 'prover_failed']).toContain(error.code);
            outcomes[error.code === 'artifact_mismatch' ? 'unsolvable' : 'contradicted'] += 1;
          }
        },
      ),
      { numRuns: 1000 },
    );
    for (const [outcome, count] of Object.entries(outcomes)) {
      expect(count, outcome).toBeGreaterThan(0);
    }
  });
});

describe('errors of a prover', () => {
  it('name no input, whatever is wrong with it', async () => {
    const prover = createMainThreadProver({ loadArtifact });
    const canary = 123456789012345678901234567890123456789n;
    const text = String(canary);
    const spellings = [text, canary.toString(16)];
    const wrong: unknown[] = [
      canary, // no opening
      ...[canary + (MODULUS << 3n), -canary, `${text}`, `0x${canary.toString(16)}`, Number(canary)],
      ...[{ toString: () => text }, [canary], undefined, null, Number.NaN, true],
    ];
    try {
      for (const name of ['tag', 'm0', 'm1', 'salt', 'commitment'] as const) {
        for (const value of wrong) {
          const input = { ...createInput(), [name]: value } as ProofInput;
          const error: unknown = await prover.prove(input).catch((cause: unknown) => cause);
          expect(error).toMatchObject({ name: 'PzkError', code: 'prover_failed' });
          const shown = inspect(error, { depth: 10, showHidden: true });
          for (const spelling of spellings) expect(shown).not.toContain(spelling);
        }
      }
    } finally {
      prover.close();
    }
  });

  it('of an engine with constraints that were altered do not either', async () => {
    const { constants } = parseProverBinary(artifact);
    const start = constants.byteOffset - artifact.byteOffset + constants.length;
    const input = createInput();
    const secrets = [input.tag, input.m0, input.m1, input.salt].map(String);
    for (let at = start; at < artifact.length; at += 997) {
      const file = artifact.slice();
      file[at] = (file[at] as number) ^ 1;
      try {
        const engine = await createProvingEngine(file, Promise.resolve(mcl));
        // One step is the witness.
        engine.prove(input).next();
      } catch (error) {
        expect(isPzkError(error)).toBe(true);
        const shown = inspect(error, { depth: 10, showHidden: true });
        for (const secret of secrets) expect(shown).not.toContain(secret);
      }
    }
  });
});
