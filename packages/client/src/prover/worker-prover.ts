import { isPzkError, OWNERSHIP_CIRCUIT, PzkError } from '@pzk-auth/protocol';
import { abortable, createAbortError, throwIfAborted } from './abort.js';
import { assertProverSource, loadProverArtifact } from './load-prover-artifact.js';
import type { Prover, ProverSource } from './prover.js';
import {
  createWorkerError,
  type ProvingWorker,
  startProvingWorker,
  type WebWorkerLike,
} from './proving-worker.js';
import { reportProgress } from './report-progress.js';
import { createSerialQueue } from './serial-queue.js';
import type { WorkerRequest, WorkerResponse } from './worker-messages.js';

/** Options of {@link createWorkerProver}. */
export interface WorkerProverOptions extends ProverSource {
  /**
   * Makes the browser's worker from this package's `prover-worker` file, for bundlers that do not
   * find it by themselves. Default: `new Worker(new URL('./prover-worker.js', import.meta.url))` as
   * a module, and `worker_threads` in Node.
   */
  readonly createWorker?: () => WebWorkerLike;
  /** Milliseconds for the worker's program to arrive and start. Default 30 000. */
  readonly startTimeout?: number;
}

const DEFAULT_START_TIMEOUT = 30_000;

/** A worker with the artifact loaded, or on the way to it. */
interface Session {
  /** Settles when the worker can prove, or has failed. */
  readonly loaded: Promise<void>;
  readonly request: (
    message: WorkerRequest,
    onProgress?: (fraction: number) => void,
  ) => Promise<WorkerResponse>;
  /** Ends the worker; a pending request rejects with the error. */
  readonly end: (error: PzkError) => void;
}

/**
 * A prover in a worker of its own, so that the page stays responsive. An abort ends the worker,
 * which is the only way to stop WebAssembly; the next proof starts a fresh one.
 *
 * @throws TypeError for wrong options.
 */
export function createWorkerProver(options: WorkerProverOptions): Prover {
  assertProverSource('createWorkerProver', options);
  const { createWorker, startTimeout } = options;
  if (createWorker !== undefined && typeof createWorker !== 'function') {
    throw new TypeError('createWorkerProver: createWorker must be a function.');
  }
  // A timer of more than 2^31 - 1 ms runs out at once.
  if (
    startTimeout !== undefined &&
    !(typeof startTimeout === 'number' && startTimeout > 0 && startTimeout < 2 ** 31)
  ) {
    throw new TypeError('createWorkerProver: startTimeout must be a number of milliseconds.');
  }
  const queue = createSerialQueue();
  const closing = new AbortController();
  let session: Session | undefined;

  function open(): Session {
    throwIfAborted(closing.signal);
    if (session === undefined) {
      const opened = openSession(options, () => {
        if (session === opened) session = undefined;
      });
      session = opened;
    }
    return session;
  }

  return {
    circuit: OWNERSHIP_CIRCUIT,
    async warmUp() {
      await abortable(open().loaded, closing.signal);
    },
    prove(input, { signal, onProgress } = {}) {
      const stop = signal ? AbortSignal.any([signal, closing.signal]) : closing.signal;
      const proof = queue.run(async () => {
        throwIfAborted(stop);
        const current = open();
        const onAbort = (): void => current.end(createAbortError(stop.reason));
        stop.addEventListener('abort', onAbort, { once: true });
        try {
          await current.loaded;
          const { tag, m0, m1, salt, commitment, context } = input;
          const response = await current.request(
            { type: 'prove', input: { tag, m0, m1, salt, commitment, context } },
            onProgress,
          );
          if (response.type !== 'proof') throw createWorkerError(undefined);
          reportProgress(onProgress, 1);
          return response.proof;
        } finally {
          stop.removeEventListener('abort', onAbort);
        }
      });
      // A queued call need not wait for its turn to be stopped.
      return abortable(proof, stop);
    },
    close() {
      if (!closing.signal.aborted) closing.abort(createAbortError());
      session?.end(createAbortError());
    },
  };
}

function openSession(
  { loadArtifact, createWorker, startTimeout = DEFAULT_START_TIMEOUT }: WorkerProverOptions,
  onEnd: () => void,
): Session {
  let worker: ProvingWorker | undefined;
  let ended: PzkError | undefined;
  let pending: PendingAnswer | undefined;
  let rejectBroken: ((error: PzkError) => void) | undefined;
  let startTimer: ReturnType<typeof setTimeout> | undefined;

  function end(error: PzkError): void {
    if (ended) return;
    ended = error;
    clearTimeout(startTimer);
    worker?.terminate();
    pending?.reject(error);
    rejectBroken?.(error);
    onEnd();
  }

  function request(
    message: WorkerRequest,
    onProgress?: (fraction: number) => void,
  ): Promise<WorkerResponse> {
    return new Promise((resolve, reject) => {
      if (ended) return reject(ended);
      pending = { resolve, reject, onProgress };
      // Copied, not transferred: the loader may keep the artifact for the next worker.
      worker?.post(message, []);
    });
  }

  function receive(response: WorkerResponse): void {
    if (response.type === 'progress') {
      reportProgress(pending?.onProgress, response.fraction);
      return;
    }
    const answered = pending;
    pending = undefined;
    if (response.type === 'error') {
      answered?.reject(new PzkError(response.code, response.message));
    } else {
      answered?.resolve(response);
    }
  }

  /** Rejects with the end of the worker, so that nobody waits for its program or artifact in vain. */
  const broken = new Promise<never>((_, reject) => {
    rejectBroken = reject;
  });

  /** The worker's program runs. */
  const ready = new Promise<void>((resolve) => {
    const started = startProvingWorker(createWorker);
    worker = started;
    startTimer = setTimeout(() => {
      end(createWorkerError(new Error('the worker did not start in time')));
    }, startTimeout);
    started.onFailure((cause) => end(createWorkerError(cause)));
    started.onMessage((response) => {
      if (response.type !== 'ready') return receive(response);
      clearTimeout(startTimer);
      resolve();
    });
  });

  const loaded = (async () => {
    try {
      // Side by side: the worker's program and the artifact.
      const [artifact] = await Promise.race([
        Promise.all([loadProverArtifact(loadArtifact), ready]),
        broken,
      ]);
      await request({ type: 'load', artifact });
    } catch (error) {
      // The worker is of no use without its artifact, and the next call tries anew.
      const failure = isPzkError(error) ? error : createWorkerError(error);
      end(failure);
      throw failure;
    }
  })();
  // Whoever waits gets the rejection; nobody may be waiting yet.
  loaded.catch(() => undefined);

  return { loaded, request, end };
}

interface PendingAnswer {
  readonly resolve: (response: WorkerResponse) => void;
  readonly reject: (error: PzkError) => void;
  readonly onProgress: ((fraction: number) => void) | undefined;
}
