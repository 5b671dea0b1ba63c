import { ownershipV1, ownershipV1VerificationKey } from '@pzk-auth/circuits';
import { readArtifact } from '@pzk-auth/circuits/node';
import { commitmentOf, SCALAR_FIELD_MODULUS } from '@pzk-auth/protocol';
import { groth16 } from 'snarkjs';
import type { ProofInput } from '../../src/prover/index.js';
import { randomScalar } from '../../src/prover/random-scalar.js';

/** The application's loader in Node: from the installed package, hash-checked there. */
export async function loadArtifact(): Promise<Uint8Array> {
  const { prover } = ownershipV1.artifacts;
  if (prover === undefined) throw new Error('the circuit has no prover artifact');
  return readArtifact(prover.sha256);
}

/** An honest statement and its opening; what is not given is random. */
export function createInput(fixed: Partial<ProofInput> = {}): ProofInput {
  const opening = {
    tag: fixed.tag ?? randomScalar(),
    m0: fixed.m0 ?? randomScalar(),
    m1: fixed.m1 ?? randomScalar(),
    salt: fixed.salt ?? randomScalar(),
  };
  return {
    ...opening,
    commitment: fixed.commitment ?? commitmentOf(opening),
    context: fixed.context ?? randomScalar(),
  };
}

export const largestElement = SCALAR_FIELD_MODULUS - 1n;

/** Coordinates of a proof in the order of its encoding. */
export function readCoordinates(proof: Uint8Array): bigint[] {
  return Array.from({ length: 8 }, (_, index) =>
    BigInt(`0x${Buffer.from(proof.subarray(32 * index, 32 * index + 32)).toString('hex')}`),
  );
}

/** What snarkjs, the oracle, says of a proof of this statement. */
export async function verifyWithSnarkjs(
  proof: Uint8Array,
  statement: Pick<ProofInput, 'commitment' | 'context'>,
): Promise<boolean> {
  const [ax, ay, bx0, bx1, by0, by1, cx, cy] = readCoordinates(proof).map(String);
  return groth16.verify(
    ownershipV1VerificationKey,
    [String(statement.commitment), String(statement.context)],
    {
      protocol: 'groth16',
      curve: 'bn128',
      pi_a: [ax, ay, '1'],
      pi_b: [
        [bx0, bx1],
        [by0, by1],
        ['1', '0'],
      ],
      pi_c: [cx, cy, '1'],
    },
  );
}

/** snarkjs keeps worker threads, and with them the process, alive. */
export async function stopSnarkjs(): Promise<void> {
  await globalThis.curve_bn128?.terminate();
}
