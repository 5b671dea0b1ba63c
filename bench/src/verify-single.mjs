import { ownershipV1, ownershipV1VerificationKey } from '@pzk-auth/circuits';
import { createGroth16ProofSystem } from '@pzk-auth/verifier';
import { groth16 } from 'snarkjs';
import { interleave, timeEach } from './lib/interleave.mjs';
import { createOwnershipInput, toDecimals } from './lib/ownership.mjs';
import { compare } from './lib/result.mjs';
import { loadSnarkjsCircuit } from './lib/snarkjs-circuit.mjs';
import { createSnarkjsCurves } from './lib/snarkjs-curve.mjs';

/**
 * `verify.single`: one proof after the other, warm, from parsed signals and proof to the verdict.
 *
 * @param {import('./lib/settings.mjs').Settings} settings
 */
export async function measureVerifySingle({ quick, note }) {
  const curves = await createSnarkjsCurves();
  const proofs = createGroth16ProofSystem({
    circuitId: ownershipV1.id,
    verificationKey: ownershipV1VerificationKey,
    trustedKeyHashes: [ownershipV1.artifacts.verificationKey.sha256],
    workers: 1,
  });
  try {
    const { proof, signals, bytes } = await createProof(curves);
    const [commitment = '', context = ''] = signals;
    const statement = { commitment, context };
    await proofs.ready();
    const core = await createCoreVerifier(statement, bytes);
    const verifyByPeer = async () => {
      if (!(await groth16.verify(ownershipV1VerificationKey, signals, proof))) throw rejected();
    };

    const samples = await interleave(
      {
        ours: () =>
          timeEach(10, async () => {
            if (!(await proofs.verify(statement, bytes))) throw rejected();
          }),
        core: () =>
          timeEach(10, () => {
            if (!core()) throw rejected();
          }),
        peer: () => {
          curves.useThreads();
          return timeEach(4, verifyByPeer);
        },
        best: () => {
          curves.useOneThread();
          return timeEach(4, verifyByPeer);
        },
      },
      { rounds: quick ? 10 : 60 },
    );
    const common = { unit: 'ms', better: /** @type {const} */ ('less') };
    const single = compare({
      ...common,
      id: 'verify.single',
      peer: 'snarkjs 0.7.6 groth16.verify, default (threads)',
      ours: samples.ours,
      theirs: samples.peer,
    });
    const best = compare({
      ...common,
      id: 'verify.single.best',
      peer: 'snarkjs 0.7.6 groth16.verify, one curve without threads',
      ours: samples.ours,
      theirs: samples.best,
    });
    const { value } = compare({
      ...common,
      id: '',
      peer: '',
      ours: samples.core,
      theirs: samples.core,
    });
    note(`verify.single: ${value.toFixed(2)} ms of it in the worker's verification itself`);
    return [single, best];
  } finally {
    await proofs.close();
    await curves.close();
  }
}

/** @param {Awaited<ReturnType<typeof createSnarkjsCurves>>} curves */
async function createProof(curves) {
  const { wasm, zkey } = await loadSnarkjsCircuit();
  curves.useOneThread();
  const input = toDecimals(createOwnershipInput());
  const { proof, publicSignals } = await groth16.fullProve(input, wasm, zkey);
  const words = [proof.pi_a.slice(0, 2), ...proof.pi_b.slice(0, 2), proof.pi_c.slice(0, 2)].flat();
  const hex = words.map((word) => BigInt(word).toString(16).padStart(64, '0')).join('');
  return { proof, signals: publicSignals, bytes: new Uint8Array(Buffer.from(hex, 'hex')) };
}

/**
 * What a worker runs, here in the main thread: loaded from the build by its path, as the package does
 * not export it.
 *
 * @param {{ commitment: string, context: string }} statement
 * @param {Uint8Array} proof
 * @returns {Promise<() => boolean>}
 */
async function createCoreVerifier({ commitment, context }, proof) {
  const dist = new URL('../../packages/verifier/dist/proof/', import.meta.url);
  const { createGroth16Verifier } = await import(new URL('groth16-mcl.js', dist).href);
  const { lintVerificationKey } = await import(new URL('verification-key.js', dist).href);
  const { encoded } = lintVerificationKey(ownershipV1VerificationKey, {
    publicSignals: 2,
    trustedKeyHashes: [ownershipV1.artifacts.verificationKey.sha256],
  });
  const verifier = await createGroth16Verifier(encoded);
  const hex = [commitment, context].map((text) => BigInt(text).toString(16).padStart(64, '0'));
  const signals = new Uint8Array(Buffer.from(hex.join(''), 'hex'));
  return () => verifier.verify(signals, proof);
}

function rejected() {
  return new Error('A valid proof was rejected.');
}
