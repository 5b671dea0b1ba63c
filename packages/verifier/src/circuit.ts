import { type CircuitManifest, ownershipV1, ownershipV1VerificationKey } from '@pzk-auth/circuits';
import { readArtifact } from '@pzk-auth/circuits/node';
import { createGroth16ProofSystem, type ProofSystem } from './proof/index.js';

/** A circuit that a verifier accepts, with what its clients load. */
export interface Circuit {
  readonly proofSystem: ProofSystem;
  readonly manifest: CircuitManifest;
  /** Reads what the prover loads. */
  readonly readProver: () => Promise<Uint8Array>;
}

/** Options of {@link ownershipCircuit}. */
export interface OwnershipCircuitOptions {
  /** Worker threads. Default: one less than the available cores, at least 1. */
  readonly workers?: number;
  /** Proofs that may wait in each queue before `busy`. Default 64. */
  readonly queueLimit?: number;
  /** Milliseconds that a verification may take, its wait included. Default 10,000. */
  readonly timeout?: number;
}

/** The circuit `ownership/v1` with the keys that @pzk-auth/circuits publishes. */
export function ownershipCircuit(options: OwnershipCircuitOptions = {}): Circuit {
  return {
    manifest: ownershipV1,
    proofSystem: createGroth16ProofSystem({
      ...options,
      circuitId: ownershipV1.id,
      verificationKey: ownershipV1VerificationKey,
      trustedKeyHashes: [ownershipV1.artifacts.verificationKey.sha256],
    }),
    readProver: () => readArtifact(ownershipV1.artifacts.prover.sha256),
  };
}
