export type { CircuitArtifact, CircuitManifest } from './circuit-manifest.js';
export { ownershipV1, ownershipV1VerificationKey } from './ownership-v1.generated.js';
export type {
  Fp2Element,
  Fp6Element,
  G1Point,
  G2Point,
  VerificationKey,
} from './verification-key.js';
