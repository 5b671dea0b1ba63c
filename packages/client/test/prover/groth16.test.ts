import { BASE_FIELD_MODULUS, isProofEncoding, publicSignals } from '@pzk-auth/protocol';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createGroth16Prover } from '../../src/prover/groth16.js';
import { createMcl } from '../../src/prover/mcl.js';
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
    // Two at once would spoil each other's clean-up.
    expect(() => prove(createInput())).toThrow('The prover failed.');
    steps.return(new Uint8Array());
    const input = createInput();
    expect(await verifyWithSnarkjs(prove(input), input)).toBe(true);
  });

  it.each(['complete', 'failed', 'stopped'])(
    'leave nothing behind in the memory of the prover: %s',
    async (outcome) => {
      const mcl = await createMcl();
      let multiplications = 0;
      const prover = createGroth16Prover(
        {
          ...mcl,
          g1: {
            ...mcl.g1,
            mulVec(...args) {
              mcl.g1.mulVec(...args);
              multiplications += 1;
              if (outcome === 'failed') throw new Error('no more memory');
            },
          },
        },
        parseProverBinary(await loadArtifact()),
      );
      const input = createInput();
      const { tag, m0, m1, salt } = input;
      const inputs = [...publicSignals(input), tag, m0, m1, salt];

      // All of it, as mcl keeps copies of scalars on its stack and in what it has freed.
      const before = mcl.memory().slice();
      const isUnchanged = (): boolean =>
        Buffer.from(mcl.memory().subarray(0, before.length)).equals(before) &&
        mcl
          .memory()
          .subarray(before.length)
          .every((byte) => byte === 0);
      const steps = prover.prove(inputs);
      const run = () => {
        while (multiplications === 0) steps.next();
        expect(isUnchanged()).toBe(false);
        if (outcome === 'stopped') return void steps.return(new Uint8Array());
        while (!steps.next().done);
      };
      if (outcome === 'failed') expect(run).toThrow('no more memory');
      else run();
      expect(multiplications).toBeGreaterThan(0);
      expect(isUnchanged()).toBe(true);
    },
  );
});
