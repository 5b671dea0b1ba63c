import { PzkError } from '@pzk-auth/protocol';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createGroth16Prover } from '../../src/prover/groth16.js';
import { createMcl } from '../../src/prover/mcl.js';
import { parseProverBinary } from '../../src/prover/prover-binary.js';
import { createProvingEngine } from '../../src/prover/proving-engine.js';
import { loadArtifact } from './fixtures.js';

// Proofs and oracles take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const HEADER_WORDS = 16;
const KEY_START = 64;
const mismatch = expect.objectContaining({ name: 'PzkError', code: 'artifact_mismatch' });

let artifact: Uint8Array;

beforeAll(async () => {
  artifact = await loadArtifact();
});

/** A copy with one byte changed. */
function flip(offset: number, mask = 1): Uint8Array {
  const copy = artifact.slice();
  copy[offset] = (copy[offset] as number) ^ mask;
  return copy;
}

function refusal(bytes: Uint8Array): unknown {
  try {
    parseProverBinary(bytes);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('parseProverBinary', () => {
  it('reads the published artifact, at any alignment', () => {
    const expected = parseProverBinary(artifact);
    expect(expected).toMatchObject({ publicSignals: 2, privateInputs: 4, domainLog2: 9 });
    const shifted = new Uint8Array(artifact.length + 1);
    shifted.set(artifact, 1);
    expect(parseProverBinary(shifted.subarray(1))).toEqual(expected);
  });

  it('refuses a file that was cut or lengthened', () => {
    const lengths = [0, 1, 8, 63, 64, 65, 500, 40_000, artifact.length - 1];
    for (const length of lengths) expect(refusal(artifact.subarray(0, length))).toEqual(mismatch);
    const longer = new Uint8Array(artifact.length + 1);
    longer.set(artifact);
    expect(refusal(longer)).toEqual(mismatch);

    // Also where the declared length agrees with the cut.
    const declared = artifact.slice(0, artifact.length - 1);
    new DataView(declared.buffer).setUint32(8 + 4 * 12, declared.length, true);
    expect(refusal(declared)).toEqual(mismatch);
  });

  it('refuses every change of the header', async () => {
    for (let word = 0; word < HEADER_WORDS; word++) {
      for (const [byte, mask] of [
        [0, 1],
        [3, 0x80],
      ] as const) {
        await expect(
          createProvingEngine(flip(4 * word + byte, mask)),
          `word ${word}`,
        ).rejects.toEqual(mismatch);
      }
    }
  });

  it('refuses numbers that are not reduced', () => {
    const { constants } = parseProverBinary(artifact);
    for (const offset of [KEY_START + 31, constants.byteOffset + 31]) {
      const copy = artifact.slice();
      copy[offset] = 0xff;
      expect(refusal(copy)).toEqual(mismatch);
    }
  });

  it('never fails in another way, whatever byte of the constraints is changed', () => {
    const { constants } = parseProverBinary(artifact);
    const start = constants.byteOffset - artifact.byteOffset + constants.length;
    for (let offset = start; offset < artifact.length; offset += 7) {
      for (const mask of [0x01, 0x80]) {
        const error = refusal(flip(offset, mask));
        if (error !== undefined) expect(error).toEqual(mismatch);
      }
    }
  });
});

describe('createGroth16Prover', () => {
  it('refuses a key with a point that is not on its curve', async () => {
    const { h, alpha1, delta2, b2 } = parseProverBinary(artifact);
    for (const part of [alpha1, delta2, h, b2.points]) {
      const error: unknown = await createProvingEngine(
        flip(part.byteOffset - artifact.byteOffset),
      ).catch((cause: unknown) => cause);
      expect(error).toEqual(mismatch);
    }
  });

  it('refuses constraints that cannot be solved in their order', async () => {
    const mcl = await createMcl();
    const binary = parseProverBinary(artifact);
    // The last constraint moved to the front: its wires are not known there.
    const constraints = Uint32Array.from([
      ...binary.constraints.subarray(-3),
      ...binary.constraints.subarray(0, -3),
    ]);
    expect(() => createGroth16Prover(mcl, { ...binary, constraints })).toThrow(PzkError);
    expect(() => createGroth16Prover(mcl, binary)).not.toThrow();
  });
});
