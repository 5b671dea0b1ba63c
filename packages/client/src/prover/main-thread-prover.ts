import { OWNERSHIP_CIRCUIT } from '@pzk-auth/protocol';
import { abortable, createAbortError, throwIfAborted } from './abort.js';
import { assertProverSource, loadProverArtifact } from './load-prover-artifact.js';
import type { Prover, ProverSource } from './prover.js';
import type { ProvingEngine } from './proving-engine.js';
import { reportProgress } from './report-progress.js';
import { createSerialQueue } from './serial-queue.js';

/** Options of {@link createMainThreadProver}. */
export interface MainThreadProverOptions extends ProverSource {}

/**
 * A prover in the calling thread: for scripts, tests and places without workers. It blocks the
 * thread for a tenth of a second or so, with a pause between the steps; in a page use
 * {@link createWorkerProver}.
 *
 * @throws TypeError for wrong options.
 */
export function createMainThreadProver(options: MainThreadProverOptions): Prover {
  assertProverSource('createMainThreadProver', options);
  const queue = createSerialQueue();
  const closing = new AbortController();
  let engine: Promise<ProvingEngine> | undefined;

  function load(): Promise<ProvingEngine> {
    if (engine === undefined) {
      const loading = loadEngine();
      engine = loading;
      loading.catch(() => {
        if (engine === loading) engine = undefined;
      });
    }
    return engine;
  }

  async function loadEngine(): Promise<ProvingEngine> {
    // On demand: mcl is 0.6 MB, and a page that proves in a worker never needs it here.
    const [artifact, { createProvingEngine }] = await Promise.all([
      loadProverArtifact(options.loadArtifact),
      import('./proving-engine.js'),
    ]);
    return createProvingEngine(artifact);
  }

  return {
    circuit: OWNERSHIP_CIRCUIT,
    async warmUp() {
      throwIfAborted(closing.signal);
      await abortable(load(), closing.signal);
    },
    prove(input, { signal, onProgress } = {}) {
      const stop = signal ? AbortSignal.any([signal, closing.signal]) : closing.signal;
      const proof = queue.run(async () => {
        throwIfAborted(stop);
        const steps = (await abortable(load(), stop)).prove(input);
        try {
          for (;;) {
            const step = steps.next();
            reportProgress(onProgress, step.done ? 1 : step.value);
            if (step.done) return step.value;
            // A macrotask: input events and the signal's owner get their turn.
            await new Promise((resolve) => setTimeout(resolve));
            throwIfAborted(stop);
          }
        } finally {
          // Where it was stopped in the middle, this runs the prover's own clean-up.
          steps.return(new Uint8Array());
        }
      });
      return abortable(proof, stop);
    },
    close() {
      if (!closing.signal.aborted) closing.abort(createAbortError());
      engine = undefined;
    },
  };
}
