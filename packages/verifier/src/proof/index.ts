export {
  createGroth16ProofSystem,
  type Groth16ProofSystemOptions,
} from './groth16-proof-system.js';
export type {
  ProofLane,
  ProofStatement,
  ProofSystem,
  VerifyProofOptions,
} from './proof-system.js';
export {
  hashVerificationKey,
  serializeVerificationKey,
  VerificationKeyError,
  type VerificationKeyFlaw,
} from './verification-key.js';
