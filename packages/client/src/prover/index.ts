export {
  type ArtifactIdentity,
  type ArtifactLoaderOptions,
  createArtifactLoader,
} from './artifact.js';
export { createMainThreadProver, type MainThreadProverOptions } from './main-thread-prover.js';
export type { ProofInput, ProveOptions, Prover, ProverSource } from './prover.js';
export type { WebWorkerLike } from './proving-worker.js';
export { createWorkerProver, type WorkerProverOptions } from './worker-prover.js';
