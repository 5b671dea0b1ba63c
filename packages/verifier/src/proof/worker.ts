// Runs in a worker thread; bundled with mcl-wasm into one string by scripts/build-worker.mjs. An
// error that is not caught here ends the thread, and the pool rejects what it was working on.
import { parentPort, workerData } from 'node:worker_threads';
import { createGroth16Verifier, KeyPointError } from './groth16-mcl.js';
import type { WorkerJob, WorkerReport, WorkerStart } from './worker-messages.js';

const port = parentPort;
if (port === null) throw new Error('This module runs in a worker thread.');
const report = (message: WorkerReport): void => port.postMessage(message);

createGroth16Verifier((workerData as WorkerStart).key).then(
  (verifier) => {
    port.on('message', ({ id, signals, proof }: WorkerJob) => {
      report({ type: 'verdict', id, valid: verifier.verify(signals, proof) });
    });
    report({ type: 'ready' });
  },
  (error: unknown) => {
    if (!(error instanceof KeyPointError)) throw error;
    report({ type: 'key_refused' });
  },
);
