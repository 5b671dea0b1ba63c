import { ownershipV1 } from '@pzk-auth/circuits';
import { createArtifactLoader, createWorkerProver } from '@pzk-auth/client';
import { reportProofs } from '../report.js';

const prover = createWorkerProver({
  loadArtifact: createArtifactLoader({
    baseUrl: `${location.origin}/pzk`,
    artifact: ownershipV1.artifacts.prover,
  }),
});

await reportProofs(async (input) => [...(await prover.prove(input))]);
