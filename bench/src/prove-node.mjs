import { ownershipV1, ownershipV1VerificationKey } from '@pzk-auth/circuits';
import { readArtifact } from '@pzk-auth/circuits/node';
import { createMainThreadProver } from '@pzk-auth/client';
import { groth16 } from 'snarkjs';
import { interleave, timeEach } from './lib/interleave.mjs';
import { createOwnershipInput, toDecimals } from './lib/ownership.mjs';
import { compare } from './lib/result.mjs';
import { loadSnarkjsCircuit } from './lib/snarkjs-circuit.mjs';
import { createSnarkjsCurves } from './lib/snarkjs-curve.mjs';
import { toSnarkjsProof } from './lib/snarkjs-proof.mjs';

/**
 * `prove.node.warm`: a proof of `ownership/v1` in the calling thread, everything loaded.
 *
 * @param {import('./lib/settings.mjs').Settings} settings
 */
export async function measureProveNode({ quick }) {
  const { wasm, zkey } = await loadSnarkjsCircuit();
  const curves = await createSnarkjsCurves();
  const prover = createMainThreadProver({
    loadArtifact: () => readArtifact(ownershipV1.artifacts.prover.sha256),
  });
  try {
    await assertValid(prover);
    /** @param {{ singleThread?: boolean }} [options] */
    const proveByPeer = (options) =>
      groth16.fullProve(
        toDecimals(createOwnershipInput()),
        wasm,
        zkey,
        undefined,
        undefined,
        options,
      );
    const samples = await interleave(
      {
        ours: () => timeEach(2, () => prover.prove(createOwnershipInput())),
        peer: () => {
          curves.useOneThread();
          return timeEach(1, () => proveByPeer());
        },
        option: () => timeEach(1, () => proveByPeer({ singleThread: true })),
        threads: () => {
          curves.useThreads();
          return timeEach(1, () => proveByPeer());
        },
      },
      { rounds: quick ? 5 : 30 },
    );
    const common = { unit: 'ms', better: /** @type {const} */ ('less'), ours: samples.ours };
    const snarkjs = 'snarkjs 0.7.6 groth16.fullProve';
    return [
      compare({
        ...common,
        id: 'prove.node.warm',
        peer: `${snarkjs}, one curve without threads`,
        theirs: samples.peer,
      }),
      compare({
        ...common,
        id: 'prove.node.warm.option',
        peer: `${snarkjs}, singleThread: true`,
        theirs: samples.option,
      }),
      compare({
        ...common,
        id: 'prove.node.warm.threads',
        peer: `${snarkjs}, default (threads)`,
        theirs: samples.threads,
      }),
    ];
  } finally {
    prover.close();
    await curves.close();
  }
}

/** @param {import('@pzk-auth/client').Prover} prover */
async function assertValid(prover) {
  const input = createOwnershipInput();
  const proof = toSnarkjsProof(await prover.prove(input));
  const signals = [input.commitment, input.context].map(String);
  if (!(await groth16.verify(ownershipV1VerificationKey, signals, proof))) {
    throw new Error('snarkjs rejects our proof.');
  }
}
