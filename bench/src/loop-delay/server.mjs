// A process with an issuer on Express whose event loop is watched.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pzkAuth } from '@pzk-auth/express';
import { createGroth16ProofSystem, hashVerificationKey } from '@pzk-auth/verifier';
import { groth16 } from 'snarkjs';
import { startBenchIssuer } from '../lib/bench-issuer.mjs';
import { readStart, serveParent } from '../lib/child.mjs';
import { toSnarkjsProof } from '../lib/snarkjs-proof.mjs';

/** Milliseconds between two looks at the loop: node's own default. */
const INTERVAL = 10;

const { kind, verificationKey } = readStart();
const circuitId = 'ownership/v1';

/** @returns {import('@pzk-auth/verifier').ProofSystem} */
function createProofSystem() {
  if (kind === 'peer') {
    return {
      id: circuitId,
      ready: async () => {},
      close: async () => {},
      verify: ({ commitment, context }, proof) =>
        groth16.verify(verificationKey, [commitment, context], toSnarkjsProof(proof)),
    };
  }
  const trustedKeyHashes = [hashVerificationKey(verificationKey)];
  return createGroth16ProofSystem({ circuitId, verificationKey, trustedKeyHashes });
}

const { app, port, verifier, commitment } = await startBenchIssuer(createProofSystem());
app.use('/pzk', pzkAuth(verifier).routes());

const histogram = monitorEventLoopDelay({ resolution: INTERVAL });

serveParent({ port, commitment }, (request) => {
  if (request === 'start') {
    histogram.reset();
    histogram.enable();
    return {};
  }
  histogram.disable();
  /** @param {number} nanoseconds - with the interval, as the histogram counts */
  const delay = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - INTERVAL);
  return { p99: delay(histogram.percentile(99)), max: delay(histogram.max) };
});
