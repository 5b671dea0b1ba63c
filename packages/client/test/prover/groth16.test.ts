import { BASE_FIELD_MODULUS, isProofEncoding, publicSignals } from '@pzk-auth/protocol';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createGroth16Prover } from '../../src/prover/groth16.js';
import { COORDINATE_BYTES, createMcl } from '../../src/prover/mcl.js';
import { parseProverBinary } from '../../src/prover/prover-binary.js';
import { createProvingEngine, type ProvingEngine } from '../../src/prover/proving-engine.js';
import {
  createInput,
  largestElement,
  loadArtifact,
  readCoordinates,
  stopSnarkjs,
  verifyWithSnarkjs,
} from './fixtures.js';

// Proofs and oracles take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let engine: ProvingEngine;

beforeAll(async () => {
  engine = await createProvingEngine(await loadArtifact());
});
afterAll(stopSnarkjs);

function prove(input: Parameters<ProvingEngine['prove']>[0]): Uint8Array {
  const steps = engine.prove(input);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

describe('Groth16 proofs of ownership/v1', () => {
  it('are accepted by snarkjs for random and for extreme inputs, and for no other statement', async () => {
    const inputs = Array.from({ length: 20 }, () => createInput());
    for (const value of [0n, 1n, largestElement]) {
      inputs.push(createInput({ tag: value, m0: value, m1: value, salt: value, context: value }));
      inputs.push(createInput({ context: value }));
    }
    for (const input of inputs) {
      const proof = prove(input);
      expect(await verifyWithSnarkjs(proof, input)).toBe(true);
      const context = input.context === 0n ? 1n : input.context - 1n;
      expect(await verifyWithSnarkjs(proof, { ...input, context })).toBe(false);
    }
  });

  it('have canonical coordinates in 256 bytes', () => {
    for (let round = 0; round < 10; round++) {
      const proof = prove(createInput());
      expect(isProofEncoding(proof)).toBe(true);
      expect(readCoordinates(proof).every((coordinate) => coordinate < BASE_FIELD_MODULUS)).toBe(
        true,
      );
    }
  });

  it('differ in every coordinate for one statement: each has its own blinding', () => {
    const input = createInput();
    const first = readCoordinates(prove(input));
    const second = readCoordinates(prove(input));
    second.forEach((coordinate, index) => {
      expect(coordinate).not.toBe(first[index]);
    });
  });

  it('are not made for a commitment that the inputs do not open', async () => {
    const input = createInput();
    expect(() => prove({ ...input, commitment: createInput().commitment })).toThrow(
      expect.objectContaining({ code: 'prover_failed' }),
    );
    // The refusal leaves nothing behind that would spoil the next proof.
    expect(await verifyWithSnarkjs(prove(input), input)).toBe(true);
  });

  it('can be stopped between the steps, and the next one is right', async () => {
    const steps = engine.prove(createInput());
    expect(steps.next().done).toBe(false);
    expect(steps.next().done).toBe(false);
    steps.return(new Uint8Array());
    const input = createInput();
    expect(await verifyWithSnarkjs(prove(input), input)).toBe(true);
  });

  it.each(['complete', 'failed'])(
    'leave no B in G1 behind in the memory of the prover: %s',
    async (outcome) => {
      const mcl = await createMcl();
      // What is normalized in G1: the proof's A, B and C, in this order.
      const points: Uint8Array[] = [];
      let end = 0;
      const isKept = (point: Uint8Array | undefined): boolean =>
        Buffer.from(mcl.memory().buffer, 0, end).includes(
          Buffer.from(point?.subarray(0, COORDINATE_BYTES) ?? []),
        );
      const keptInTheMiddle: boolean[] = [];
      const prover = createGroth16Prover(
        {
          ...mcl,
          g1: {
            ...mcl.g1,
            normalize(result, value) {
              mcl.g1.normalize(result, value);
              points.push(mcl.memory().slice(result, result + mcl.g1.bytes));
              if (points.length < 3) return;
              keptInTheMiddle.push(isKept(points[1]));
              if (outcome === 'failed') throw new Error('no more memory');
            },
          },
        },
        parseProverBinary(await loadArtifact()),
      );
      // Behind it lies what mcl's own functions have used and freed.
      end = mcl.allocate(1);
      const input = createInput();
      const { tag, m0, m1, salt } = input;
      const run = () => [...prover.prove([...publicSignals(input), tag, m0, m1, salt])];
      if (outcome === 'failed') expect(run).toThrow('no more memory');
      else run();
      expect(keptInTheMiddle).toEqual([true]);
      expect(isKept(points[1])).toBe(false);
    },
  );
});
